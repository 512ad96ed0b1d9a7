package handlers

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// actionList is a page of the audit.
type actionList struct {
	Entries []saga.Action `json:"entries"`
	Next    string        `json:"next,omitempty"`
}

// listActions answers with one page of the audit: GET /v1/audit.
func (a *API) listActions(c *gin.Context) {
	list, err := a.actions(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, list)
}

func (a *API) actions(c *gin.Context) (actionList, error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return actionList{}, err
	}
	named := rule{holds: upTo(maxShown), says: "must be 1 to 200 bytes without a NUL"}
	q := saga.ActionQuery{
		Name: p.text("action", named), Subject: p.text("subject", named), By: p.text("by", named),
		Before: p.text("cursor", rule{holds: saga.ValidID, says: cursorRule.says}), Limit: p.limit(),
	}
	if err := p.end(); err != nil {
		return actionList{}, err
	}
	if a.audit == nil {
		return actionList{Entries: []saga.Action{}}, nil
	}
	limit := q.Limit
	q.Limit++
	found, err := a.audit.Actions(c.Request.Context(), q)
	if err != nil {
		return actionList{}, err
	}
	page, last := cut(found, limit)
	if page == nil {
		page = []saga.Action{}
	}
	return actionList{page, last.ID}, nil
}
