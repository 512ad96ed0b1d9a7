package handlers

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// maxResend is how many dead letters one request may name.
const maxResend = 1000

// listDeadLetters answers with one page of rows that the result store has refused for good: GET /v1/dead-letters.
func (a *API) listDeadLetters(c *gin.Context) {
	page, err := a.deadLetters(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	if page.Letters == nil {
		page.Letters = []saga.DeadLetter{}
	}
	a.json(c, http.StatusOK, page)
}

func (a *API) deadLetters(c *gin.Context) (saga.DeadLetters, error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return saga.DeadLetters{}, err
	}
	cursor, limit := p.text("cursor", cursorRule), p.limit()
	if err := p.end(); err != nil {
		return saga.DeadLetters{}, err
	}
	page, err := a.tasks.DeadLetters(c.Request.Context(), cursor, limit)
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		return page, aboutParameters(broken)
	}
	return page, err
}

// resent is the answer to a resend.
type resent struct {
	Resent int `json:"resent"`
}

// resendDeadLetters has rows written again that were refused: POST /v1/dead-letters/resend.
func (a *API) resendDeadLetters(c *gin.Context) {
	n, err := a.resend(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, resent{Resent: n})
}

func (a *API) resend(c *gin.Context) (int, error) {
	data, err := body(c, maxAction)
	if err != nil {
		return 0, err
	}
	o, err := newObject(data)
	if err != nil {
		return 0, err
	}
	ids, all := resendRequest(o)
	_ = o.text("reason", reasonRule) // for the audit
	if err := o.end(); err != nil {
		return 0, err
	}
	if all {
		return a.tasks.ResendAll(c.Request.Context())
	}
	return a.tasks.Resend(c.Request.Context(), ids)
}

// resendRequest reads {"ids": […]} or {"all": true}.
func resendRequest(o *object) (ids []string, all bool) {
	rawIDs, rawAll := o.raw("ids"), o.raw("all")
	switch {
	case (rawIDs == nil) == (rawAll == nil):
		o.faults = append(o.faults, atPointer("", `must have "ids", or "all": true`))
	case rawAll != nil:
		if string(rawAll) != "true" {
			o.wrong("all", "must be true")
		}
		return nil, true
	}
	if rawIDs == nil {
		return nil, false
	}
	if err := json.Unmarshal(rawIDs, &ids); err != nil || len(ids) == 0 || len(ids) > maxResend {
		o.wrong("ids", "must be a list of 1 to %d ids of tasks", maxResend)
		return nil, false
	}
	for i, id := range ids {
		if !validID(id) {
			o.faults = append(o.faults, atPointer(pointer("ids", index(i)), "%s", idSays))
		}
	}
	return ids, false
}
