package handlers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// startTask starts one task: POST /v1/tasks.
func (a *API) startTask(c *gin.Context) {
	task, created, err := a.start(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.after(c, startStatus(created), task)
}

func (a *API) start(c *gin.Context) (saga.Task, bool, error) {
	data, err := body(c, maxStart)
	if err != nil {
		return saga.Task{}, false, err
	}
	if data == nil {
		return saga.Task{}, false, refuse(malformed).because("The body is empty.")
	}
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return saga.Task{}, false, err
	}
	return a.startOne(c.Request.Context(), item{data: data, key: key})
}

// startStatus is 202 for a task that this request began, 200 for one that exists already.
func startStatus(created bool) int {
	if created {
		return http.StatusAccepted
	}
	return http.StatusOK
}

// item is one task to be started: the whole body, or a part of a batch.
type item struct {
	data []byte
	key  string // from Idempotency-Key
	of   string // which of a batch's items it is, for its key
}

func (a *API) startOne(ctx context.Context, it item) (saga.Task, bool, error) {
	o, err := newObject(it.data)
	if err != nil {
		return saga.Task{}, false, err
	}
	r, err := startRequest(o, PrincipalOf(ctx))
	if err != nil {
		return saga.Task{}, false, err
	}
	if err := identify(&r, it.key, it.of); err != nil {
		return saga.Task{}, false, err
	}
	return a.tasks.Start(ctx, r)
}
