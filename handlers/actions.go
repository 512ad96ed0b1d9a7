package handlers

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const maxReason = 2000

var (
	reasonRule = rule{holds: upTo(maxReason), says: "must be 1 to 2000 bytes without a NUL"}
	actionRule = oneOf(string(saga.ResolveRetry), string(saga.ResolveSkip), string(saga.ResolveDone))
	stepRule   = rule{required: true, holds: upTo(1024), says: "must be a step's path"}
)

// action reads what the actions on a task have in common: whose it is, and a body that may be empty.
func (a *API) action(c *gin.Context) (id string, o *object, err error) {
	if id, err = taskID(c); err != nil {
		return "", nil, err
	}
	if _, err := a.mine(c.Request.Context(), id); err != nil {
		return "", nil, err
	}
	data, err := body(c, maxAction)
	if err != nil {
		return "", nil, err
	}
	o, err = newObject(data)
	return id, o, err
}

// cancelTask asks for a task to be undone: POST /v1/tasks/{id}/cancel.
func (a *API) cancelTask(c *gin.Context) {
	task, err := a.cancel(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.after(c, http.StatusAccepted, task)
}

func (a *API) cancel(c *gin.Context) (saga.Task, error) {
	id, o, err := a.action(c)
	if err != nil {
		return saga.Task{}, err
	}
	reason := o.text("reason", reasonRule)
	if err := o.end(); err != nil {
		return saga.Task{}, err
	}
	ctx := c.Request.Context()
	if err := a.permitCancel(ctx, id); err != nil {
		return saga.Task{}, err
	}
	return a.tasks.Cancel(ctx, id, PrincipalOf(ctx).Name, reason)
}

// retryTask starts a new task like one that has ended: POST /v1/tasks/{id}/retry.
func (a *API) retryTask(c *gin.Context) {
	task, err := a.retry(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.after(c, http.StatusAccepted, task)
}

func (a *API) retry(c *gin.Context) (saga.Task, error) {
	id, o, err := a.action(c)
	if err != nil {
		return saga.Task{}, err
	}
	_ = o.text("reason", reasonRule) // for the audit
	if err := o.end(); err != nil {
		return saga.Task{}, err
	}
	ctx := c.Request.Context()
	if err := a.permitRetry(ctx, id); err != nil {
		return saga.Task{}, err
	}
	if err := a.rates.one(ctx); err != nil {
		return saga.Task{}, err
	}
	leave, err := a.gate.enter(ctx)
	if err != nil {
		return saga.Task{}, err
	}
	defer leave()
	return a.tasks.Retry(ctx, id, PrincipalOf(ctx).Name)
}

// resolveTask takes an operator's word on a stuck step: POST /v1/tasks/{id}/resolve.
func (a *API) resolveTask(c *gin.Context) {
	task, err := a.resolve(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.after(c, http.StatusAccepted, task)
}

func (a *API) resolve(c *gin.Context) (saga.Task, error) {
	id, o, err := a.action(c)
	if err != nil {
		return saga.Task{}, err
	}
	ctx := c.Request.Context()
	r := saga.Resolution{
		Step:   o.text("step", stepRule),
		Action: saga.ResolveAction(o.text("action", actionRule.mandatory())),
		Reason: o.text("reason", reasonRule.mandatory()),
		By:     PrincipalOf(ctx).Name,
	}
	if err := o.end(); err != nil {
		return saga.Task{}, err
	}
	return a.tasks.Resolve(ctx, id, r)
}

// signalled is the answer to a signal that has been recorded.
type signalled struct {
	ID     string `json:"id"`
	Signal string `json:"signal"`
}

// signalTask sends a signal, whose payload is the body: POST /v1/tasks/{id}/signals/{name}.
func (a *API) signalTask(c *gin.Context) {
	id, signal, err := a.signal(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	c.Header("Location", location(id))
	a.json(c, http.StatusAccepted, signalled{ID: id, Signal: signal})
}

func (a *API) signal(c *gin.Context) (id, name string, err error) {
	if id, err = taskID(c); err != nil {
		return "", "", err
	}
	if name = c.Param("name"); !saga.ValidID(name) {
		return "", "", refuse(invalid, fault{Parameter: "name", Detail: idSays})
	}
	if strings.HasPrefix(name, saga.HumanSignals) { // or whoever may signal the task could answer in another's place
		return "", "", refuse(invalid, fault{Parameter: "name", Detail: "is that of an answer: human tasks are answered by POST /v1/tasks/{id}/human/{step}"})
	}
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return "", "", err
	}
	ctx := c.Request.Context()
	if _, err := a.mine(ctx, id); err != nil {
		return "", "", err
	}
	payload, err := body(c, maxSignal)
	if err != nil {
		return "", "", err
	}
	return id, name, a.tasks.Signal(ctx, id, saga.SignalRequest{
		Name: name, Payload: payload, Dedupe: key, By: PrincipalOf(ctx).Name,
	})
}
