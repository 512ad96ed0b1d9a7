package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// WebhookSource keeps webhooks, and finds their deliveries. The result stores do.
type WebhookSource interface {
	Webhooks(ctx context.Context, q saga.WebhookQuery) ([]saga.Webhook, error)
	AddWebhook(ctx context.Context, w saga.Webhook) (saga.Webhook, error)
	ChangeWebhook(ctx context.Context, c saga.WebhookChange) (saga.Webhook, error)
	RemoveWebhook(ctx context.Context, id string) error
	Deliveries(ctx context.Context, q saga.DeliveryQuery) (saga.Page, error)
}

// Webhooks tell how tasks end. Each delivery is a task of its own, of the type webhook.deliver.
type Webhooks struct {
	Source WebhookSource
	Tasks  *Dispatcher
	// HTTP makes the calls; Public those to URLs of callers who are limited to a user or a service. Nil: HTTP does.
	HTTP, Public *HTTP
	Log          *slog.Logger
	Now          func() time.Time
	Random       func() float64 // for jitter; nil: [saga.DefaultRandom]

	mu      sync.Mutex
	known   []saga.Webhook // all that there are
	at      time.Time      // when that was heard; zero: never
	changes int            // in this process
}

const (
	// webhooksFor is how long a process goes by what it has heard of the webhooks.
	webhooksFor = 5 * time.Second
	// webhooksPage is how many are asked for at once.
	webhooksPage = 500
)

// all returns the webhooks, as they were a few seconds ago at most.
func (w *Webhooks) all(ctx context.Context) ([]saga.Webhook, error) {
	if list, at, _ := w.remembered(); !at.IsZero() && w.Now().Sub(at) < webhooksFor {
		return list, nil
	}
	return w.ask(ctx)
}

// ask returns the webhooks as they are now. With an error it returns what was heard last.
func (w *Webhooks) ask(ctx context.Context) ([]saga.Webhook, error) {
	list, _, changes := w.remembered()
	asked, cancel := context.WithTimeout(ctx, sourceWithin)
	defer cancel()
	fresh := []saga.Webhook{}
	for q := (saga.WebhookQuery{Limit: webhooksPage}); ; q.After = fresh[len(fresh)-1].ID {
		page, err := w.Source.Webhooks(asked, q)
		if err != nil {
			return list, fmt.Errorf("which webhooks there are: %w: %w", saga.ErrUnavailable, err)
		}
		if fresh = append(fresh, page...); len(page) < webhooksPage {
			break
		}
	}
	w.remember(fresh, changes)
	return fresh, nil
}

func (w *Webhooks) remembered() ([]saga.Webhook, time.Time, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known, w.at, w.changes
}

// remember notes an answer, unless a webhook was changed here since it was asked for: it may be from before.
func (w *Webhooks) remember(list []saga.Webhook, changes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if changes == w.changes {
		w.known, w.at = list, w.Now()
	}
}

// forget has the webhooks asked for anew. What was heard last stands while nobody can tell.
func (w *Webhooks) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes++
	w.at = time.Time{}
}

// find returns a webhook. While the source is away what was heard last stands. Errors: [saga.ErrNotFound].
func (w *Webhooks) find(ctx context.Context, id string) (saga.Webhook, error) {
	list, err := w.all(ctx)
	for _, hook := range list {
		if hook.ID == id {
			return hook, nil
		}
	}
	if err == nil {
		err = saga.ErrNotFound
	}
	return saga.Webhook{}, err
}

// now asks for a webhook anew. Errors: [saga.ErrNotFound].
func (w *Webhooks) now(ctx context.Context, id string) (saga.Webhook, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceWithin)
	defer cancel()
	hook, err := w.Webhook(ctx, id)
	if err != nil && !errors.Is(err, saga.ErrNotFound) {
		err = fmt.Errorf("%w: %s", saga.ErrUnavailable, err.Error()) // for now, whatever it is
	}
	return hook, err
}

// client is what calls a URL.
func (w *Webhooks) client(public bool) *HTTP {
	if public && w.Public != nil {
		return w.Public
	}
	return w.HTTP
}

// checkOf tells what is wrong with the webhook of a request, if it has one.
func (w *Webhooks) checkOf(r saga.Request) error {
	switch {
	case r.Webhook == nil:
		return nil
	case w == nil:
		return saga.Invalid("/webhook", "This program sends no webhooks.")
	}
	if _, err := w.client(r.Webhook.Public).webhookURL(r.Webhook.URL); err != nil {
		return saga.Invalid("/webhook/url", "%s", asSentence(err))
	}
	return nil
}

// maxWebhookURL is how long a URL may be, in bytes.
const maxWebhookURL = 2048

// webhookURL reads a URL that webhooks are sent to. It is held to what is held of a step's, and to https besides.
func (h *HTTP) webhookURL(s string) (*url.URL, error) {
	switch {
	case len(s) > maxWebhookURL:
		return nil, fmt.Errorf("the URL has %d bytes: at most %d are allowed", len(s), maxWebhookURL)
	case hasTemplate(s):
		return nil, errors.New("a webhook's URL is taken as it is: write no ${…} in it")
	}
	parsed, err := parseURL(s, func(tail string) (template, error) { return template{{literal: tail}}, nil })
	if err != nil {
		return nil, err
	}
	u, err := parsed.assemble(parsed.rest[0].literal)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "https" && (h == nil || h.guard != nil):
		return nil, errors.New("a webhook's URL begins with https:// (OSP_HTTP_ALLOW_PRIVATE=true lets operators use http, too)")
	}
	return u, h.checkHost(u.Hostname())
}
