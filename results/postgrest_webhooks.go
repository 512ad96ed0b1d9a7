package results

import (
	"context"
	"encoding/json"

	"github.com/osp-platform/osp/saga"
)

const (
	fnWebhooks      function = "osp_webhooks"
	fnWebhookAdd    function = "osp_webhook_add"
	fnWebhookChange function = "osp_webhook_change"
	fnWebhookRemove function = "osp_webhook_remove"
	fnDeliveries    function = "osp_deliveries"
)

// Webhooks returns webhooks, in the order of their ids.
func (p *PostgREST) Webhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error) {
	query := given(map[string]string{"id": q.ID, "service": q.Service, "after": q.After})
	query["max"] = q.Limit
	list, err := ask[[]saga.Webhook](ctx, p, fnWebhooks, map[string]any{"query": query})
	for i := range list {
		list[i] = inUTC(list[i])
	}
	return list, err
}

// given has the members that are not empty.
func given(texts map[string]string) map[string]any {
	query := map[string]any{}
	for name, value := range texts {
		if value != "" {
			query[name] = value
		}
	}
	return query
}

func inUTC(w saga.Webhook) saga.Webhook {
	w.CreatedAt, w.ChangedAt, w.Since = w.CreatedAt.UTC(), w.ChangedAt.UTC(), w.Since.UTC()
	if len(w.Types) == 0 {
		w.Types = nil
	}
	return w
}

// AddWebhook keeps a webhook that is new.
func (p *PostgREST) AddWebhook(ctx context.Context, w saga.Webhook) (saga.Webhook, error) {
	added, err := ask[saga.Webhook](ctx, p, fnWebhookAdd, map[string]any{"webhook": w})
	return inUTC(added), err
}

// ChangeWebhook changes what is not nil.
func (p *PostgREST) ChangeWebhook(ctx context.Context, c saga.WebhookChange) (saga.Webhook, error) {
	changed, err := ask[saga.Webhook](ctx, p, fnWebhookChange, map[string]any{"change": c})
	return inUTC(changed), err
}

// RemoveWebhook removes one.
func (p *PostgREST) RemoveWebhook(ctx context.Context, id string) error {
	removed, err := ask[bool](ctx, p, fnWebhookRemove, map[string]any{"id": id})
	if err == nil && !removed {
		err = saga.ErrNotFound
	}
	return err
}

// Deliveries returns tasks that deliver, newest first.
func (p *PostgREST) Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return saga.Page{}, err
	}
	limit := limitOf(saga.Query{Limit: q.Limit})
	query := given(map[string]string{"webhook": q.Webhook, "task": q.Task, "before_id": after.ID})
	query["max"] = limit + 1
	if !after.At.IsZero() {
		query["before_at"] = after.At.UTC()
	}
	rows, err := ask[[]json.RawMessage](ctx, p, fnDeliveries, map[string]any{"query": query})
	if err != nil {
		return saga.Page{}, err
	}
	tasks := make([]saga.Task, len(rows))
	for i, r := range rows {
		if tasks[i], err = decodeTask(r); err != nil {
			return saga.Page{}, err
		}
	}
	return pageOf(tasks, limit), nil
}
