package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// getTask answers with a task, or with what it is when it has ended if the client prefers to wait:
// GET /v1/tasks/{id}.
func (a *API) getTask(c *gin.Context) {
	task, err := a.get(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	task = a.settle(c, task)
	if !task.State.Finished() {
		ctx := c.Request.Context()
		if list, err := a.tasks.PausedBy(ctx, task); a.known(ctx, task, "what is paused", err) {
			task.PausedBy = list
		}
		if is, err := a.tasks.Unserved(task); a.known(ctx, task, "which workers there are", err) {
			task.Unserved = is
		}
	}
	a.task(c, http.StatusOK, task)
}

// known tells whether something of a task can be told. If not, that is logged, and no reason not to tell the rest.
func (a *API) known(ctx context.Context, t saga.Task, what string, err error) bool {
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "it is not known "+what, slog.String("task", t.ID), slog.Any("error", err),
			slog.String("request_id", requestIDOf(ctx)))
	}
	return err == nil
}

func (a *API) get(c *gin.Context) (saga.Task, error) {
	id, err := taskID(c)
	if err != nil {
		return saga.Task{}, err
	}
	ctx := c.Request.Context()
	task, err := a.tasks.Get(ctx, id)
	if err != nil {
		return saga.Task{}, err
	}
	return task, visible(ctx, task)
}

// taskID takes the id out of the path.
func taskID(c *gin.Context) (string, error) {
	id := c.Param("id")
	if !validID(id) {
		return "", refuse(invalid, fault{Parameter: "id", Detail: idSays})
	}
	return id, nil
}

// listTasks answers with one page of tasks, newest first: GET /v1/tasks.
func (a *API) listTasks(c *gin.Context) {
	page, err := a.list(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	for i := range page.Tasks {
		page.Tasks[i] = shown(page.Tasks[i])
	}
	if page.Tasks == nil {
		page.Tasks = []saga.Task{}
	}
	a.json(c, http.StatusOK, page)
}

func (a *API) list(c *gin.Context) (saga.Page, error) {
	ctx := c.Request.Context()
	query, err := listQuery(c.Request.URL.RawQuery, PrincipalOf(ctx))
	if err != nil {
		return saga.Page{}, err
	}
	page, err := a.tasks.List(ctx, query)
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		return page, aboutParameters(broken)
	}
	return page, err
}

// countTasks answers with how many tasks there are: GET /v1/tasks/counts.
func (a *API) countTasks(c *gin.Context) {
	ctx := c.Request.Context()
	query, err := countQuery(c.Request.URL.RawQuery, PrincipalOf(ctx))
	if err != nil {
		a.problem(c, err)
		return
	}
	counts, err := a.tasks.Counts(ctx, query)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, counts)
}

// inPath is an error in whose problems the pointers are parameters.
func inPath(err error) error {
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		return aboutParameters(broken)
	}
	return err
}

// aboutParameters tells a problem with a query in the words of the one who sent it: there is no body to point into.
func aboutParameters(broken *saga.InvalidError) error {
	faults := make([]fault, len(broken.Problems))
	for i, p := range broken.Problems {
		name := p.Pointer
		if name != "" {
			name = name[1:]
		}
		faults[i] = fault{Parameter: name, Detail: p.Detail}
	}
	return refuse(badParameter, faults...)
}
