package handlers

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// maxDefinition is what a definition may have.
const maxDefinition = 1 << 20

// mediaOfDefinitions are YAML's names, of which but one are not registered, and JSON's.
var mediaOfDefinitions = []string{"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json"}

// checkedDefinition is the answer to a definition that was only looked at.
type checkedDefinition struct {
	Service  string         `json:"service,omitempty"`
	Workflow string         `json:"workflow"`
	Hash     string         `json:"hash"`
	Warnings []saga.Problem `json:"warnings"`
}

// deployedVersion is the answer to a deployment.
type deployedVersion struct {
	saga.Deployed

	Warnings []saga.Problem `json:"warnings"`
}

// deployWorkflow takes a definition in, or only looks at it: POST /v1/workflows.
func (a *API) deployWorkflow(c *gin.Context) {
	status, answer, err := a.deploy(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, status, answer)
}

func (a *API) deploy(c *gin.Context) (status int, answer any, err error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return 0, nil, err
	}
	only, reason, service := p.text("validate", oneOf("only")) != "", p.text("reason", reasonRule), p.text("service", nameRule)
	if err := p.end(); err != nil {
		return 0, nil, err
	}
	raw, err := definitionBody(c)
	if err != nil {
		return 0, nil, err
	}
	if only {
		checked, warnings, err := a.tasks.Check(raw)
		return http.StatusOK, checkedDefinition{service, checked.Workflow, checked.Hash, warnings}, err
	}
	ctx := c.Request.Context()
	if checked, _, err := a.tasks.Check(raw); err == nil {
		about(ctx, "workflow", checked.Workflow)
	}
	deployed, warnings, err := a.tasks.Deploy(ctx, service, raw, PrincipalOf(ctx).Name, reason)
	if err != nil {
		return 0, nil, err
	}
	if a.owners.unheardOf(ctx, service) {
		warnings = append(warnings, saga.Problem{Detail: "There is no service of this schema, or it was not made by osp: see whether the name is right."})
	}
	c.Header("Location", versionLocation(deployed.WorkflowVersion))
	status = http.StatusOK
	if deployed.Created {
		status = http.StatusCreated
	}
	return status, deployedVersion{deployed, warnings}, nil
}

// versionLocation is the path of a version.
func versionLocation(v saga.WorkflowVersion) string {
	path := fmt.Sprintf("/v1/workflows/%s/versions/%d", v.Workflow, v.Version)
	if v.Service == "" {
		return path
	}
	return path + "?service=" + v.Service
}

// definitionBody reads a body that is YAML or JSON: what it says is looked at by whoever knows definitions.
func definitionBody(c *gin.Context) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxDefinition))
	if over, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(tooLarge).because("The definition is over the limit of %d bytes.", over.Limit)
	}
	if err != nil {
		return nil, refuse(malformed).because("The body ended before it was complete.")
	}
	h := c.Request.Header
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	encoding := h.Get("Content-Encoding")
	if err != nil || !slices.Contains(mediaOfDefinitions, media) || encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, refuse(wrongMedia).because("Send Content-Type: application/yaml, or application/json, without Content-Encoding.")
	}
	return raw, nil
}

var versionStateRule = oneOf(saga.VersionActive, saga.VersionDeprecated, saga.VersionLocked)

// changeVersion brings a version into another state: POST /v1/workflows/{id}/state.
func (a *API) changeVersion(c *gin.Context) {
	v, err := a.change(c)
	if err != nil {
		a.problem(c, aboutWorkflow(err))
		return
	}
	a.json(c, http.StatusOK, v)
}

func (a *API) change(c *gin.Context) (saga.WorkflowVersion, error) {
	w, err := onlyWorkflow(c, "id")
	if err != nil {
		return saga.WorkflowVersion{}, err
	}
	data, err := body(c, maxAction)
	if err != nil {
		return saga.WorkflowVersion{}, err
	}
	o, err := newObject(data)
	if err != nil {
		return saga.WorkflowVersion{}, err
	}
	ctx := c.Request.Context()
	change := saga.VersionChange{
		Service:  w.Service,
		Workflow: w.ID,
		State:    saga.VersionState(o.text("state", versionStateRule.mandatory())),
		Reason:   o.text("reason", reasonRule.mandatory()),
		By:       PrincipalOf(ctx).Name,
	}
	if n, ok := versionNumber(string(o.raw("version"))); ok {
		change.Version = n
	} else {
		o.wrong("version", "must be the number of a version")
	}
	if err := o.end(); err != nil {
		return saga.WorkflowVersion{}, err
	}
	return a.tasks.ChangeVersion(ctx, change)
}

// versionNumber reads the number of a version.
func versionNumber(s string) (int, bool) {
	n, ok := digits(s)
	return int(n), ok && n >= 1 && n <= 1<<31-1
}

// aboutWorkflow tells that what is not found is a workflow, or a version of it.
func aboutWorkflow(err error) error {
	if errors.Is(err, saga.ErrNotFound) {
		return refuse(noWorkflow)
	}
	return err
}
