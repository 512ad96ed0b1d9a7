package handlers

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// webhookList is a page of webhooks.
type webhookList struct {
	Webhooks []saga.Webhook `json:"webhooks"`
	Next     string         `json:"next,omitempty"`
}

// listWebhooks lists webhooks, in the order in which they were registered: GET /v1/webhooks.
func (a *API) listWebhooks(c *gin.Context) {
	q, err := webhookQuery(c.Request.URL.RawQuery)
	if err != nil {
		a.problem(c, err)
		return
	}
	limit := q.Limit
	q.Limit++
	list, err := a.tasks.ListWebhooks(c.Request.Context(), q)
	if err != nil {
		a.problem(c, err)
		return
	}
	page, last := cut(list, limit)
	if page == nil {
		page = []saga.Webhook{}
	}
	a.json(c, http.StatusOK, webhookList{page, base64.RawURLEncoding.EncodeToString([]byte(last.ID))})
}

func webhookQuery(raw string) (saga.WebhookQuery, error) {
	p, err := parseQuery(raw)
	if err != nil {
		return saga.WebhookQuery{}, err
	}
	q := saga.WebhookQuery{Service: p.text("service", nameRule), Limit: p.limit()}
	q.After, _ = idAfter(p.text("cursor", webhookCursorRule))
	return q, p.end()
}

// webhookCursorRule is a cursor of the list of webhooks: the id of the last one of the page before.
var webhookCursorRule = rule{
	holds: func(s string) bool { _, ok := idAfter(s); return ok },
	says:  cursorRule.says,
}

func idAfter(cursor string) (string, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	return string(raw), err == nil && saga.ValidID(string(raw))
}

// getWebhook answers with a webhook: GET /v1/webhooks/{id}.
func (a *API) getWebhook(c *gin.Context) {
	id, err := taskID(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	w, err := a.tasks.Webhook(c.Request.Context(), id)
	if err != nil {
		a.problem(c, aboutWebhook(err))
		return
	}
	a.json(c, http.StatusOK, w)
}

// listDeliveries lists what was delivered to a webhook, newest first: GET /v1/webhooks/{id}/deliveries.
func (a *API) listDeliveries(c *gin.Context) {
	id, err := taskID(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.deliveries(c, saga.DeliveryQuery{Webhook: id})
}

// listTaskDeliveries lists what was told of a task, newest first: GET /v1/tasks/{id}/deliveries.
func (a *API) listTaskDeliveries(c *gin.Context) {
	task, err := a.get(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.deliveries(c, saga.DeliveryQuery{Task: task.ID})
}

// deliveries answers with a page of tasks that deliver, of those that the principal may know of.
func (a *API) deliveries(c *gin.Context, q saga.DeliveryQuery) {
	page, err := a.deliveryPage(c, q)
	if err != nil {
		a.problem(c, err)
		return
	}
	who := PrincipalOf(c.Request.Context())
	page.Tasks = slices.DeleteFunc(page.Tasks, func(t saga.Task) bool { return !who.sees(t) })
	for i := range page.Tasks {
		page.Tasks[i] = shown(page.Tasks[i])
	}
	if page.Tasks == nil {
		page.Tasks = []saga.Task{}
	}
	a.json(c, http.StatusOK, page)
}

func (a *API) deliveryPage(c *gin.Context, q saga.DeliveryQuery) (saga.Page, error) {
	p, err := parseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return saga.Page{}, err
	}
	q.Cursor, q.Limit = p.text("cursor", cursorRule), p.limit()
	if err := p.end(); err != nil {
		return saga.Page{}, err
	}
	page, err := a.tasks.Deliveries(c.Request.Context(), q)
	if broken, ok := errors.AsType[*saga.InvalidError](err); ok {
		return page, aboutParameters(broken)
	}
	return page, err
}
