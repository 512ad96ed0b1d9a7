package tasks

import (
	"context"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// AddWebhook registers a webhook. Errors: *[saga.InvalidError].
func (w *Webhooks) AddWebhook(ctx context.Context, hook saga.Webhook) (saga.Webhook, error) {
	if err := w.checkURL(hook.URL); err != nil {
		return saga.Webhook{}, err
	}
	defer w.forget()
	return w.Source.AddWebhook(ctx, hook)
}

func (w *Webhooks) checkURL(s string) error {
	if _, err := w.HTTP.webhookURL(s); err != nil {
		return saga.Invalid("/url", "%s", asSentence(err))
	}
	return nil
}

// Webhook returns one. Errors: [saga.ErrNotFound].
func (w *Webhooks) Webhook(ctx context.Context, id string) (saga.Webhook, error) {
	list, err := w.Source.Webhooks(ctx, saga.WebhookQuery{ID: id, Limit: 1})
	if err == nil && len(list) == 0 {
		err = saga.ErrNotFound
	}
	if err != nil {
		return saga.Webhook{}, fmt.Errorf("webhook %s: %w", id, err)
	}
	return list[0], nil
}

// ListWebhooks lists them, in the order of their ids.
func (w *Webhooks) ListWebhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error) {
	return w.Source.Webhooks(ctx, q)
}

// ChangeWebhook changes one. Errors: [saga.ErrNotFound], *[saga.InvalidError].
func (w *Webhooks) ChangeWebhook(ctx context.Context, c saga.WebhookChange) (saga.Webhook, error) {
	if c.URL != nil {
		if err := w.checkURL(*c.URL); err != nil {
			return saga.Webhook{}, err
		}
	}
	defer w.forget()
	return w.Source.ChangeWebhook(ctx, c)
}

// RemoveWebhook removes one. Errors: [saga.ErrNotFound].
func (w *Webhooks) RemoveWebhook(ctx context.Context, id string) error {
	defer w.forget()
	return w.Source.RemoveWebhook(ctx, id)
}

// TestWebhook starts the delivery of an event that is none, to a webhook that may be disabled. Errors: [saga.ErrNotFound].
func (w *Webhooks) TestWebhook(ctx context.Context, id, by string) (saga.Task, error) {
	hook, err := w.Webhook(ctx, id)
	if err != nil {
		return saga.Task{}, err
	}
	w.forget() // it may be new
	d := webhookDelivery{Event: saga.WebhookTest, At: w.Now().UTC(), Webhook: id}
	r := d.request(w.Tasks.NewID(), saga.NilOwner, hook.Service, "", id)
	r.By = by
	task, _, err := w.Tasks.Start(ctx, r)
	return task, err
}

// Deliveries lists the tasks that deliver, newest first.
func (w *Webhooks) Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error) {
	return w.Source.Deliveries(ctx, q)
}
