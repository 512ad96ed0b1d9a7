package handlers

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// Fleet sees and steers everything at once. Its errors: [saga.ErrUnavailable], *[saga.InvalidError].
type Fleet interface {
	// Overview tells how everything stands.
	Overview(ctx context.Context) (saga.Overview, error)
	// QueueViews tells how the queues stand, in the order of their names.
	QueueViews(ctx context.Context) ([]saga.QueueView, error)
	// Pauses returns what is paused.
	Pauses(ctx context.Context) ([]saga.Pause, error)
	// PausedBy returns the pauses that hold a task as it stands.
	PausedBy(ctx context.Context, t saga.Task) ([]saga.Pause, error)
	// Unserved tells whether only a worker can go on with a task, and none serves its queue.
	Unserved(t saga.Task) (bool, error)
	// Pause holds the forward steps of a type, a service or a queue; again, it changes who and why.
	Pause(ctx context.Context, p saga.Pause) (saga.Pause, error)
	// Unheard says so where nobody here knows what is paused; nothing where it is known, or nobody can tell.
	Unheard(ctx context.Context, k saga.PauseKey) string
	// Resume ends a pause, if there is one.
	Resume(ctx context.Context, k saga.PauseKey) error
}

// items is a list that has no pages.
type items[T any] struct {
	Items []T `json:"items"`
}

// paused is a pause as it is answered to who has asked for it.
type paused struct {
	saga.Pause

	Warnings []fault `json:"warnings,omitempty"`
}

// everything lets through who may see all tasks: what is told or done is not one user's, nor one service's.
func (a *API) everything(ctx context.Context) error {
	if p := PrincipalOf(ctx); p.bound() {
		return refuse(forbidden).because("This is about everybody's tasks; %s is limited to a user or a service.", p.Name)
	}
	return nil
}

// Everything lets through, after [API.Guard], who may see what is told of everybody's tasks at once.
func (a *API) Everything(c *gin.Context) {
	if err := a.everything(c.Request.Context()); err != nil {
		a.problem(c, err)
	}
}

// tellAll answers with what one method of the fleet tells, which takes no parameters.
func tellAll[T any](a *API, c *gin.Context, ask func(context.Context) (T, error)) {
	ctx := c.Request.Context()
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err == nil {
		err = p.end()
	}
	if err == nil {
		err = a.everything(ctx)
	}
	var answer T
	if err == nil {
		answer, err = ask(ctx)
	}
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, answer)
}

// getOverview tells how everything stands: GET /v1/overview.
func (a *API) getOverview(c *gin.Context) { tellAll(a, c, a.tasks.Overview) }

// listQueues tells how the queues stand: GET /v1/queues.
func (a *API) listQueues(c *gin.Context) {
	tellAll(a, c, func(ctx context.Context) (items[saga.QueueView], error) {
		views, err := a.tasks.QueueViews(ctx)
		return items[saga.QueueView]{views}, err
	})
}

// listPauses tells what is paused: GET /v1/pauses.
func (a *API) listPauses(c *gin.Context) {
	tellAll(a, c, func(ctx context.Context) (items[saga.Pause], error) {
		list, err := a.tasks.Pauses(ctx)
		return items[saga.Pause]{append([]saga.Pause{}, list...)}, err
	})
}

// pauseKey takes what is to be paused out of the path.
func pauseKey(c *gin.Context) (saga.PauseKey, error) {
	k := saga.PauseKey{Kind: saga.PauseKind(c.Param("kind")), Name: c.Param("name")}
	var faults []fault
	if !slices.Contains(saga.PauseKinds, k.Kind) {
		faults = append(faults, fault{Parameter: "kind", Detail: oneOf(saga.PauseKinds...).says})
	}
	if !saga.ValidID(k.Name) {
		faults = append(faults, fault{Parameter: "name", Detail: idSays})
	}
	if len(faults) > 0 {
		return k, refuse(badParameter, faults...)
	}
	return k, nil
}

// pause holds the forward steps of a type, a service or a queue: PUT /v1/pauses/{kind}/{name}.
func (a *API) pause(c *gin.Context) {
	pause, err := a.setPause(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, pause)
}

func (a *API) setPause(c *gin.Context) (p paused, err error) {
	k, err := pauseKey(c)
	if err != nil {
		return p, err
	}
	data, err := body(c, maxAction)
	if err != nil {
		return p, err
	}
	o, err := newObject(data)
	if err != nil {
		return p, err
	}
	ctx := c.Request.Context()
	p.Pause = saga.Pause{PauseKey: k, By: PrincipalOf(ctx).Name, Reason: o.text("reason", reasonRule.mandatory())}
	if err := o.end(); err != nil {
		return p, err
	}
	if p.Pause, err = a.tasks.Pause(ctx, p.Pause); err != nil {
		return p, inPath(err)
	}
	if says := a.tasks.Unheard(ctx, k); says != "" {
		p.Warnings = []fault{{Parameter: "name", Detail: says}}
	}
	return p, nil
}

// resume ends a pause: DELETE /v1/pauses/{kind}/{name}. One that is not there is over, too.
func (a *API) resume(c *gin.Context) {
	if err := a.endPause(c); err != nil {
		a.problem(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func (a *API) endPause(c *gin.Context) error {
	k, err := pauseKey(c)
	if err != nil {
		return err
	}
	data, err := body(c, maxAction)
	if err != nil {
		return err
	}
	o, err := newObject(data)
	if err != nil {
		return err
	}
	o.text("reason", reasonRule) // for whoever reads along
	if err := o.end(); err != nil {
		return err
	}
	return inPath(a.tasks.Resume(c.Request.Context(), k))
}
