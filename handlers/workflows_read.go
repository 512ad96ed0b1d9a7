package handlers

import (
	"context"
	"net/http"
	"strconv"

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
	after, limit, err := pageQuery(c, rule{holds: saga.ValidID, says: cursorRule.says})
	if err != nil {
		a.problem(c, err)
		return
	}
	list, err := a.tasks.Workflows(c.Request.Context(), after, limit+1)
	if err != nil {
		a.problem(c, err)
		return
	}
	page, last := cut(list, limit)
	a.json(c, http.StatusOK, versionList{page, last.Workflow})
}

// listVersions lists the versions of a workflow, the newest first: GET /v1/workflows/{id}.
func (a *API) listVersions(c *gin.Context) {
	page, last, err := pageOf(c, func(ctx context.Context, id string, before int64, limit int) ([]saga.WorkflowVersion, error) {
		return a.tasks.Versions(ctx, id, int(before), limit)
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
	v, err := a.tasks.Version(c.Request.Context(), c.Param("id"), n)
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
	from, to := p.version("from"), p.version("to")
	if err := p.end(); err != nil {
		a.problem(c, err)
		return
	}
	list, err := a.tasks.Differences(c.Request.Context(), c.Param("id"), from, to)
	if err != nil {
		a.problem(c, aboutWorkflow(err))
		return
	}
	a.json(c, http.StatusOK, differenceList{c.Param("id"), from, to, list})
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
	page, last, err := pageOf(c, a.tasks.VersionNotes)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, noteList{page, cursorOf(last.ID)})
}

// pageOf reads a page of what a workflow has, the newest first, and what stands last on it if more follows. A workflow has at
// least one of each.
func pageOf[T any](
	c *gin.Context, read func(ctx context.Context, id string, before int64, limit int) ([]T, error),
) (page []T, last T, err error) {
	cursor, limit, err := pageQuery(c, numberRule)
	if err != nil {
		return nil, last, err
	}
	before, _ := digits(cursor)
	list, err := read(c.Request.Context(), c.Param("id"), before, limit+1)
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

// pageQuery reads a query that has cursor and limit only.
func pageQuery(c *gin.Context, cursor rule) (after string, limit int, err error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return "", 0, err
	}
	after, limit = p.text("cursor", cursor), defaultLimit
	if n, ok := digits(p.text("limit", limitRule)); ok {
		limit = int(n)
	}
	return after, limit, p.end()
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
