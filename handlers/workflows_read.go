package handlers

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// versionList is a page of versions: of each workflow the current one, or of one workflow all.
type versionList struct {
	Versions []saga.WorkflowVersion `json:"versions"`
	Next     string                 `json:"next,omitempty"`
}

// noteList is a page of the audit.
type noteList struct {
	Notes []saga.VersionNote `json:"notes"`
	Next  string             `json:"next,omitempty"`
}

// differenceList is what two versions differ in.
type differenceList struct {
	Service     string            `json:"service,omitempty"`
	Workflow    string            `json:"workflow"`
	From        int               `json:"from"`
	To          int               `json:"to"`
	Differences []saga.Difference `json:"differences"`
}

// definitionSchema answers with the JSON Schema of definitions: GET /schemas/workflow-1.json.
func (a *API) definitionSchema(c *gin.Context) {
	c.Data(http.StatusOK, "application/schema+json", a.tasks.DefinitionSchema())
}

// listWorkflows lists the workflows that are data, each with its current version: GET /v1/workflows.
func (a *API) listWorkflows(c *gin.Context) {
	q, err := a.workflowQuery(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	limit := q.Limit
	q.Limit++
	list, err := a.tasks.Workflows(c.Request.Context(), q)
	if err != nil {
		a.problem(c, err)
		return
	}
	page, last := cut(list, limit)
	a.json(c, http.StatusOK, versionList{page, afterWorkflow(last.Key())})
}

// workflowQuery reads the query of GET /v1/workflows, and narrows it to what the principal may know of.
func (a *API) workflowQuery(c *gin.Context) (saga.WorkflowQuery, error) {
	q := saga.WorkflowQuery{}
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return q, err
	}
	service := p.text("service", nameRule)
	q.After, _ = workflowAfter(p.text("cursor", workflowCursorRule))
	q.Limit = p.limit()
	if err := p.end(); err != nil {
		return q, err
	}
	q.Services, err = a.servicesSeen(c.Request.Context(), service)
	return q, err
}

// workflowCursorRule is a cursor of the list of workflows: the last one of the page before, written so that nobody counts on it.
var workflowCursorRule = rule{
	holds: func(s string) bool { _, ok := workflowAfter(s); return ok },
	says:  cursorRule.says,
}

func afterWorkflow(w saga.WorkflowKey) string {
	if w.ID == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(w.Service + "/" + w.ID))
}

func workflowAfter(cursor string) (w saga.WorkflowKey, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return w, false
	}
	w.Service, w.ID, ok = strings.Cut(string(raw), "/")
	return w, ok && saga.ValidID(w.ID) && (w.Service == "" || saga.ValidID(w.Service))
}

// listVersions lists the versions of a workflow, the newest first: GET /v1/workflows/{id}.
func (a *API) listVersions(c *gin.Context) {
	page, last, err := pageOf(c, a, func(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.WorkflowVersion, error) {
		return a.tasks.Versions(ctx, w, int(before), limit)
	})
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, versionList{page, cursorOf(int64(last.Version))})
}

// getVersion answers with a version and its content: GET /v1/workflows/{id}/versions/{version}.
func (a *API) getVersion(c *gin.Context) {
	n, ok := versionNumber(c.Param("version"))
	if !ok {
		a.problem(c, refuse(badParameter, fault{Parameter: "version", Detail: "must be the number of a version"}))
		return
	}
	w, err := onlyWorkflow(c, "id")
	if err != nil {
		a.problem(c, err)
		return
	}
	v, err := a.tasks.Version(c.Request.Context(), w, n)
	if err != nil {
		a.problem(c, aboutWorkflow(err))
		return
	}
	a.json(c, http.StatusOK, v)
}

// compareVersions tells in what two versions differ: GET /v1/workflows/{id}/diff.
func (a *API) compareVersions(c *gin.Context) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		a.problem(c, err)
		return
	}
	w := p.workflow(c.Param("id"))
	from, to := p.version("from"), p.version("to")
	if err := p.end(); err != nil {
		a.problem(c, err)
		return
	}
	list, err := a.tasks.Differences(c.Request.Context(), w, from, to)
	if err != nil {
		a.problem(c, aboutWorkflow(err))
		return
	}
	a.json(c, http.StatusOK, differenceList{w.Service, w.ID, from, to, list})
}

// workflow takes the parameter that tells, with the id in the path, which workflow is meant.
func (p *parameters) workflow(id string) saga.WorkflowKey {
	if !saga.ValidID(id) {
		p.wrong("id", idSays)
	}
	return saga.WorkflowKey{Service: p.text("service", nameRule), ID: id}
}

// onlyWorkflow reads a query that tells whose workflow is meant, and nothing else; the id is a parameter of the path.
func onlyWorkflow(c *gin.Context, param string) (saga.WorkflowKey, error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return saga.WorkflowKey{}, err
	}
	w := p.workflow(c.Param(param))
	return w, p.end()
}

// version takes a parameter that must be there.
func (p *parameters) version(name string) int {
	n, ok := versionNumber(p.text(name, rule{holds: func(string) bool { return true }}))
	if !ok {
		p.wrong(name, "must be the number of a version")
	}
	return n
}

// listNotes tells who did what to a workflow's versions, the newest first: GET /v1/workflows/{id}/audit.
func (a *API) listNotes(c *gin.Context) {
	page, last, err := pageOf(c, a, a.tasks.VersionNotes)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, noteList{page, cursorOf(last.ID)})
}

// pageOf reads a page of what a workflow has, the newest first, and what stands last on it if more follows. A workflow has at
// least one of each.
func pageOf[T any](
	c *gin.Context, a *API, read func(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]T, error),
) (page []T, last T, err error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return nil, last, err
	}
	w, limit := p.workflow(c.Param("id")), p.limit()
	before, _ := digits(p.text("cursor", numberRule))
	if err := p.end(); err != nil {
		return nil, last, err
	}
	ctx := c.Request.Context()
	if _, err := a.servicesSeen(ctx, w.Service); err != nil {
		return nil, last, err
	}
	list, err := read(ctx, w, before, limit+1)
	if err == nil && len(list) == 0 && before == 0 {
		err = refuse(noWorkflow)
	}
	page, last = cut(list, limit)
	return page, last, err
}

// numberRule is a cursor that is a number.
var numberRule = rule{
	holds: func(s string) bool { n, ok := digits(s); return ok && n >= 1 && n <= 1<<31-1 },
	says:  cursorRule.says,
}

// cut makes a page of up to limit out of one more than that. With another page to come, it tells the last of this one.
func cut[T any](list []T, limit int) (page []T, last T) {
	if len(list) <= limit {
		return list, last
	}
	return list[:limit], list[limit-1]
}

// cursorOf is nothing on the last page.
func cursorOf(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
