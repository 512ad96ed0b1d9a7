package handlers

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// deletion is the answer to a deletion.
type deletion struct {
	ID      string      `json:"id"`
	Task    string      `json:"task,omitempty"`
	Service string      `json:"service,omitempty"`
	UserID  string      `json:"user_id,omitempty"`
	DryRun  bool        `json:"dry_run"`
	Deleted saga.Counts `json:"deleted"`
	By      string      `json:"by"`
	Reason  string      `json:"reason"`
	At      time.Time   `json:"at"`
}

// deleteSubject deletes all that is kept of a task, a service or a user: POST /v1/deletions.
func (a *API) deleteSubject(c *gin.Context) {
	answer, err := a.delete(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, answer)
}

func (a *API) delete(c *gin.Context) (deletion, error) {
	data, err := body(c, maxAction)
	if err != nil {
		return deletion{}, err
	}
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return deletion{}, err
	}
	o, err := newObject(data)
	if err != nil {
		return deletion{}, err
	}
	ctx := c.Request.Context()
	answer := deletion{
		Task:    o.text("task", nameRule),
		Service: o.text("service", nameRule),
		UserID:  strings.ToLower(o.text("user_id", userRule)),
		DryRun:  o.flag("dry_run"),
		Reason:  o.text("reason", reasonRule.mandatory()),
		By:      PrincipalOf(ctx).Name,
	}
	d := saga.Deletion{Reason: answer.Reason, By: answer.By, DryRun: answer.DryRun}
	subjects := 0
	for _, s := range []struct {
		kind saga.SubjectKind
		id   string
	}{{saga.SubjectTask, answer.Task}, {saga.SubjectService, answer.Service}, {saga.SubjectUser, answer.UserID}} {
		if s.id != "" {
			d.Kind, d.Subject = s.kind, s.id
			subjects++
		}
	}
	if subjects != 1 && len(o.faults) == 0 {
		o.faults = append(o.faults, atPointer("", "must have exactly one of task, service and user_id"))
	}
	if err := o.end(); err != nil {
		return deletion{}, err
	}
	about(ctx, string(d.Kind), d.Subject)
	if key != "" { // with another subject or reason it is another deletion
		d.ID = keyedID(d.By, key, string(d.Kind)+"\x00"+d.Subject+"\x00"+d.Reason)
	}
	deleted, err := a.tasks.Delete(ctx, d)
	answer.ID, answer.Deleted, answer.At = deleted.ID, deleted.Counts, deleted.At
	return answer, err
}
