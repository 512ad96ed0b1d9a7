package handlers

import (
	"context"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// hooks notes what was asked about webhooks. There is one of every id but nowhere.
type hooks struct {
	added   saga.Webhook
	change  saga.WebhookChange
	removed string
	tested  string
	query   saga.WebhookQuery
	asked   saga.DeliveryQuery
	list    []saga.Webhook
	page    saga.Page
}

// touched tells whether any webhook was.
func (h *hooks) touched() bool { return h.added.ID+h.change.ID+h.removed+h.tested != "" }

func (f *fake) hook(id string) (saga.Webhook, error) {
	leave, err := f.enter()
	defer leave()
	if err == nil && id == "nowhere" {
		err = fmt.Errorf("webhook %s: %w", id, saga.ErrNotFound)
	}
	return saga.Webhook{
		ID: id, URL: "https://till.example/", SecretName: "KEY", Events: saga.WebhookEvents, Enabled: true, By: "ann", CreatedAt: noon, ChangedAt: noon, Since: noon,
	}, err
}

func (f *fake) AddWebhook(_ context.Context, w saga.Webhook) (saga.Webhook, error) {
	if w.URL == "https://refused.example/" {
		return w, saga.Invalid("/url", "It is refused.")
	}
	_, err := f.hook(w.ID)
	f.hooks.added = w
	w.CreatedAt, w.ChangedAt, w.Since = noon, noon, noon
	return w, err
}

func (f *fake) Webhook(_ context.Context, id string) (saga.Webhook, error) { return f.hook(id) }

func (f *fake) ListWebhooks(_ context.Context, q saga.WebhookQuery) ([]saga.Webhook, error) {
	leave, err := f.enter()
	defer leave()
	f.hooks.query = q
	return f.hooks.list, err
}

func (f *fake) ChangeWebhook(_ context.Context, c saga.WebhookChange) (saga.Webhook, error) {
	w, err := f.hook(c.ID)
	if err == nil {
		f.hooks.change = c
	}
	return w, err
}

func (f *fake) RemoveWebhook(_ context.Context, id string) error {
	_, err := f.hook(id)
	if err == nil {
		f.hooks.removed = id
	}
	return err
}

func (f *fake) TestWebhook(_ context.Context, id, _ string) (saga.Task, error) {
	_, err := f.hook(id)
	if err == nil {
		f.hooks.tested = id
	}
	return saga.Task{
		ID: "d1", Type: "webhook.deliver", UserID: saga.NilOwner, Status: saga.StatusPending, State: saga.Pending, Phase: saga.Forward,
		Input: []byte(`{}`), CreatedAt: noon, Version: 1,
	}, err
}

func (f *fake) Deliveries(_ context.Context, q saga.DeliveryQuery) (saga.Page, error) {
	leave, err := f.enter()
	defer leave()
	f.hooks.asked = q
	if q.Cursor == "none" {
		return saga.Page{}, saga.Invalid("/cursor", "This is no cursor of a list.")
	}
	return f.hooks.page, err
}
