package handlers

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// begunAnswer tells what an occasion has started: one item for each workflow whose trigger it is, in the order of the ids.
type begunAnswer struct {
	Accepted int         `json:"accepted"` // begun by this request
	Existing int         `json:"existing"` // the same occasion had been told before
	Refused  int         `json:"refused"`
	Items    []begunItem `json:"items"`
}

type begunItem struct {
	Workflow string       `json:"workflow"`
	Status   int          `json:"status"` // 202, 200, or what a start would have been refused with
	ID       string       `json:"id,omitempty"`
	Location string       `json:"location,omitempty"`
	Problem  *problemBody `json:"problem,omitempty"`
}

// happen starts what an occasion in a service triggers, and answers.
func (a *API) happen(c *gin.Context, service string, o saga.Occasion, by string) {
	ctx := c.Request.Context()
	leave, err := a.gate.enter(ctx)
	if err != nil {
		a.problem(c, err)
		return
	}
	defer leave()
	begun, err := a.tasks.Happen(ctx, service, o, by)
	if err != nil {
		a.problem(c, err)
		return
	}
	answer := begunAnswer{Items: make([]begunItem, len(begun))}
	for i, b := range begun {
		it := begunItem{Workflow: b.Workflow.ID, Status: startStatus(b.Created)}
		switch {
		case b.Err != nil:
			problem, _ := a.describe(ctx, b.Err)
			it.Status, it.Problem = problem.Status, &problem
			answer.Refused++
		case b.Created:
			answer.Accepted++
		default:
			answer.Existing++
		}
		if b.Err == nil {
			it.ID, it.Location = b.Task.ID, location(b.Task.ID)
		}
		answer.Items[i] = it
	}
	a.json(c, http.StatusMultiStatus, answer)
}

var signalNameRule = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`).MatchString

// raiseSignal starts tasks of the workflows of a service that a signal triggers: POST /v1/signals/{name}.
func (a *API) raiseSignal(c *gin.Context) {
	service, occasion, err := a.raised(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.happen(c, service, occasion, PrincipalOf(c.Request.Context()).Name)
}

func (a *API) raised(c *gin.Context) (service string, o saga.Occasion, err error) {
	o = saga.Occasion{Trigger: saga.TriggerSignal, Subject: c.Param("name")}
	if !signalNameRule(o.Subject) {
		return "", o, refuse(invalid, fault{Parameter: "name", Detail: "must be a letter or _, and up to 63 letters, digits, dots, underscores or dashes"})
	}
	ctx := c.Request.Context()
	if err := a.rates.one(ctx); err != nil {
		return "", o, err
	}
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return "", o, err
	}
	data, err := body(c, maxStart)
	if err != nil {
		return "", o, err
	}
	members, err := newObject(data)
	if err != nil {
		return "", o, err
	}
	service, id, payload := members.text("service", nameRule), members.text("id", idRule), members.raw("payload")
	if err := fits(payload); err != nil {
		return "", o, err
	}
	if id != "" && key != "" && id != key {
		members.wrong("id", "differs from the Idempotency-Key header; send one of the two")
	}
	if err := members.end(); err != nil {
		return "", o, err
	}
	if payload == nil {
		payload = json.RawMessage(`null`)
	}
	switch {
	case id != "":
		o.Key = "id " + id
	case key != "":
		o.Key = "id " + key
	default:
		o.Key = "made " + a.newID()
	}
	if service, err = a.permitSignal(ctx, service); err != nil {
		return "", o, err
	}
	o.Told, err = json.Marshal(map[string]any{"signal_name": o.Subject, "payload": payload})
	return service, o, err
}
