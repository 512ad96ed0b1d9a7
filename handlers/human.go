package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

var outcomeRule = oneOf(saga.HumanCompleted, saga.HumanRejected)

// answeredView is the answer to an answer that was recorded. It tells nothing of the task that its sender did not know.
type answeredView struct {
	ID      string    `json:"id"`
	Step    string    `json:"step"`
	Outcome string    `json:"outcome"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// answerHuman takes a person's answer: POST /v1/tasks/{id}/human/{step}.
func (a *API) answerHuman(c *gin.Context) {
	given, err := a.humanAnswer(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	status := http.StatusOK
	if given.New {
		status = http.StatusAccepted
	}
	a.json(c, status, answeredView{c.Param("id"), given.Step, given.Outcome, given.By, given.At})
}

func (a *API) humanAnswer(c *gin.Context) (saga.Answered, error) {
	id, err := taskID(c)
	if err != nil {
		return saga.Answered{}, err
	}
	step := c.Param("step")
	if !stepRule.holds(step) {
		return saga.Answered{}, refuse(invalid, fault{Parameter: "step", Detail: stepRule.says})
	}
	ctx := c.Request.Context()
	if err := a.permitAnswer(ctx, id, step); err != nil {
		return saga.Answered{}, err
	}
	data, err := body(c, maxSignal)
	if err != nil {
		return saga.Answered{}, err
	}
	o, err := newObject(data)
	if err != nil {
		return saga.Answered{}, err
	}
	answer := saga.HumanAnswer{
		Outcome: o.text("outcome", outcomeRule.mandatory()),
		Output:  o.object("output"),
		Reason:  o.text("reason", reasonRule),
		By:      PrincipalOf(ctx).Name,
	}
	if err := o.end(); err != nil {
		return saga.Answered{}, err
	}
	return a.tasks.Answer(ctx, id, step, answer)
}

// mightAnswer tells whether the principal may know of a task, or may answer human tasks like it, of whatever roles they ask
// for.
func (a *API) mightAnswer(ctx context.Context, h saga.HumanTask) bool {
	if PrincipalOf(ctx).sees(saga.Task{UserID: h.Owner, Service: h.Service}) {
		return true
	}
	scopes, err := a.answersIn(ctx, h.Service)
	return err == nil && slices.ContainsFunc(scopes, func(s saga.HumanScope) bool {
		s.Roles = nil
		return s.Has(h)
	})
}

// object takes an object; nil when it is missing or null, or wrong.
func (o *object) object(name string) json.RawMessage {
	raw := bytes.TrimSpace(o.raw(name))
	switch {
	case len(raw) == 0, string(raw) == "null":
		return nil
	case raw[0] != '{':
		o.wrong(name, "must be an object")
		return nil
	}
	return raw
}

// notAsked says why nobody's answer is taken.
func notAsked(e *saga.NotAskedError) *refusal {
	switch e.State {
	case saga.HumanNone:
		return refuse(noHumanTask)
	case saga.HumanAhead:
		return refuse(notWaiting).because("The step %q has not begun: there is nothing to answer yet.", clip(e.Step))
	case saga.HumanAnswered:
		return refuse(notWaiting).because("The step %q has been answered.", clip(e.Step))
	case saga.HumanOpen, saga.HumanOver:
	}
	return refuse(notWaiting).because("The step %q waits no longer: nobody answered in time, or its task is being undone or has ended.", clip(e.Step))
}

// humanView is what those who may answer a human task are told: nothing else of the task.
type humanView struct {
	Task        string     `json:"task"`
	Step        string     `json:"step"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Roles       []string   `json:"roles"`
	Service     string     `json:"service,omitempty"`
	Since       time.Time  `json:"since"`
	DueAt       *time.Time `json:"due_at,omitempty"`
}

// humanList is a page of open human tasks.
type humanList struct {
	Tasks []humanView `json:"human_tasks"`
	Next  string      `json:"next,omitempty"`
}

// listHumans lists the open human tasks that the caller may answer: GET /v1/human-tasks.
func (a *API) listHumans(c *gin.Context) {
	page, err := a.humans(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	list := humanList{Tasks: []humanView{}, Next: page.Next}
	for _, h := range page.Tasks {
		list.Tasks = append(list.Tasks, humanView{h.Task, h.Step, h.Title, h.Description, h.Roles, h.Service, h.Since, h.DueAt})
	}
	a.json(c, http.StatusOK, list)
}

func (a *API) humans(c *gin.Context) (saga.HumanPage, error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return saga.HumanPage{}, err
	}
	q := saga.HumanQuery{
		Service: p.text("service", nameRule), Role: p.text("role", rule{holds: upTo(100), says: "must be 1 to 100 bytes without a NUL"}),
		Cursor: p.text("cursor", cursorRule), Limit: defaultLimit,
	}
	if n, ok := digits(p.text("limit", limitRule)); ok {
		q.Limit = int(n)
	}
	if err := p.end(); err != nil {
		return saga.HumanPage{}, err
	}
	ctx := c.Request.Context()
	if err := PrincipalOf(ctx).narrow(&saga.Query{Service: q.Service}); err != nil {
		return saga.HumanPage{}, err
	}
	if q.Scopes, err = a.answersIn(ctx, q.Service); err != nil {
		return saga.HumanPage{}, err
	}
	page, err := a.tasks.HumanTasks(ctx, q)
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		return page, aboutParameters(broken)
	}
	return page, err
}
