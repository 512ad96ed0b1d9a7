package handlers

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// startTask starts one task: POST /v1/tasks.
func (a *API) startTask(c *gin.Context) {
	task, created, err := a.start(c, startRequest)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.after(c, startStatus(created), task)
}

// reading makes a request of the object that a client has sent.
type reading func(*object) (saga.Request, error)

func (a *API) start(c *gin.Context, read reading) (saga.Task, bool, error) {
	if err := a.rates.one(c.Request.Context()); err != nil {
		return saga.Task{}, false, err
	}
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
	return a.startOne(c.Request.Context(), item{data: data, key: key}, read)
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

func (a *API) startOne(ctx context.Context, it item, read reading) (saga.Task, bool, error) {
	o, err := newObject(it.data)
	if err != nil {
		return saga.Task{}, false, err
	}
	r, err := read(o)
	if err != nil {
		return saga.Task{}, false, err
	}
	if err := a.permit(ctx, &r); err != nil {
		return saga.Task{}, false, err
	}
	if err := identify(&r, it.key, it.of); err != nil {
		return saga.Task{}, false, err
	}
	leave, err := a.gate.enter(ctx)
	if err != nil {
		return saga.Task{}, false, err
	}
	defer leave()
	return a.tasks.Start(ctx, r)
}
