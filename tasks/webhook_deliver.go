package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// WebhookType is the type of task that tells a webhook of an event.
const WebhookType = saga.WebhookType

const (
	// webhookTimeout is how long a receiver may take to answer.
	webhookTimeout = 20 * time.Second
	// maxWebhookRetryAfter is the longest that a receiver may put a delivery off.
	maxWebhookRetryAfter = 24 * time.Hour
	// webhookJitter is the part of a wait that is added at random.
	webhookJitter = 0.2
)

// WebhookLimit is how many deliveries to one receiver are made at once, unless OSP_LIMITS says otherwise: one that is slow
// keeps none of the others waiting.
var WebhookLimit = Limit{Concurrency: 8, Per: PerKey}

// webhookWaits are the waits between attempts, as Standard Webhooks suggest: about three days in all.
var webhookWaits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// WebhookDeliver is the type webhook.deliver: one event told to one receiver. Clients do not start it.
func WebhookDeliver(w *Webhooks) Type {
	step := saga.Activity[webhookDelivery, delivered]{
		Name: "deliver", Do: w.deliver, Timeout: webhookTimeout, NoEffect: true, // nothing of it could be undone
		Retry: saga.Retry{Attempts: len(webhookWaits) + 1, First: time.Second, Factor: 1, Max: time.Second}, // deliver says how long
	}
	return Type{
		Name: WebhookType, Description: "Tells a webhook of an event.", Access: saga.AccessNone, Static: true,
		Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: WebhookType, Version: 1, Root: saga.Sequence(step.Step())}, nil
		},
	}
}

// delivered is a delivery's output.
type delivered struct {
	Status int `json:"status"` // of the receiver's answer
}

// receiver is where a delivery goes.
type receiver struct {
	url, secret string
	public      bool
}

// deliver makes one attempt.
func (w *Webhooks) deliver(ctx context.Context, c saga.Call, d webhookDelivery) (delivered, error) {
	to, err := w.receiver(ctx, d)
	if err != nil {
		return delivered{}, w.later(c, 0, err)
	}
	body, err := w.body(ctx, d)
	if err != nil {
		return delivered{}, w.later(c, 0, err)
	}
	h := w.client(to.public)
	m, keys, err := h.webhookMessage(to, d.Message, body, w.Now())
	if err != nil {
		return delivered{}, w.later(c, 0, err)
	}
	a, unsent := h.send(ctx, c, m)
	origin := m.url.Scheme + "://" + m.url.Host // what comes after it may be secret
	if unsent != nil {
		err := fmt.Errorf("POST %s: %s", origin, keys.redact(unsent.cause.Error()))
		if unsent.final {
			return delivered{}, saga.Permanent(err)
		}
		return delivered{}, w.later(c, 0, err)
	}
	told := fmt.Errorf("POST %s: %d %s%s", origin, a.status, http.StatusText(a.status), a.excerpt(keys))
	switch {
	case outcomeOf(a.status) == succeeded:
		return delivered{Status: a.status}, nil
	case a.status == http.StatusGone:
		return delivered{}, w.gone(ctx, c, d, to.url, told)
	}
	return delivered{}, w.later(c, retryAfter(a.header, maxWebhookRetryAfter), told)
}

// later has the next attempt made when it is time for that, or when the receiver asks for it.
func (w *Webhooks) later(c saga.Call, asked time.Duration, err error) error {
	if saga.IsPermanent(err) {
		return err
	}
	random := w.Random
	if random == nil {
		random = saga.DefaultRandom
	}
	wait := max(asked, webhookWaits[min(max(c.Attempt, 1), len(webhookWaits))-1])
	return saga.RetryAfter(err, wait+time.Duration(float64(wait)*webhookJitter*random()))
}

// gone ends a delivery for good, and disables its webhook. One that has moved meanwhile is told where it is now.
func (w *Webhooks) gone(ctx context.Context, c saga.Call, d webhookDelivery, url string, told error) error {
	if d.Webhook == "" {
		return saga.Permanent(told)
	}
	off := false
	hook, err := w.Source.ChangeWebhook(ctx, saga.WebhookChange{
		ID: d.Webhook, Enabled: &off, While: url, By: "osp", Reason: "the receiver answered 410 Gone to delivery " + c.Task.ID,
	})
	w.forget()
	if err != nil && !errors.Is(err, saga.ErrNotFound) {
		return w.later(c, 0, fmt.Errorf("%w; the webhook could not be disabled: %w", told, err))
	}
	if err == nil && hook.Enabled && hook.URL != url {
		return w.later(c, 0, fmt.Errorf("%w; the webhook has moved", told))
	}
	return saga.Permanent(fmt.Errorf("%w; the webhook is disabled", told))
}

// receiver finds out where a delivery goes now: the webhook may have been changed since the event.
func (w *Webhooks) receiver(ctx context.Context, d webhookDelivery) (receiver, error) {
	if d.To != nil {
		return receiver{d.To.URL, d.To.Secret, d.To.Public}, nil
	}
	wanted := func(hook saga.Webhook) bool { return hook.Enabled || d.Event == saga.WebhookTest }
	hook, err := w.find(ctx, d.Webhook)
	if errors.Is(err, saga.ErrNotFound) || err == nil && !wanted(hook) {
		hook, err = w.now(ctx, d.Webhook) // it may have been registered or enabled a moment ago
	}
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return receiver{}, saga.Permanent(fmt.Errorf("webhook %s: it has been removed", d.Webhook))
	case err != nil:
		return receiver{}, err
	case !wanted(hook):
		return receiver{}, saga.Permanent(fmt.Errorf("webhook %s: it is disabled", d.Webhook))
	}
	return receiver{url: hook.URL, secret: hook.SecretName}, nil
}

// webhookMessage makes what goes over the wire. A secret may hold several, with spaces or commas between them: the message
// has a signature by each, while one takes the place of another.
func (h *HTTP) webhookMessage(to receiver, id string, body []byte, now time.Time) (*message, *keyring, error) {
	if h == nil {
		return nil, nil, saga.Permanent(errors.New("this program was not made to call HTTP endpoints"))
	}
	u, err := h.webhookURL(to.url)
	if err != nil { // what is let through may have changed
		return nil, nil, saga.Permanent(fmt.Errorf("the webhook's URL: %w", err))
	}
	m := &message{
		method: http.MethodPost, url: u, body: body, header: http.Header{"Content-Type": {"application/json"}}, notice: true,
	}
	keys, err := h.signingKeys(to.secret)
	if err == nil {
		m.sign(id, now, keys...)
	}
	return m, newKeyring(h.options.Secrets, []string{to.secret}), err
}

// signingKeys are the keys of a secret; none: nothing is to be signed.
func (h *HTTP) signingKeys(name string) (keys [][]byte, err error) {
	if name == "" {
		return nil, nil
	}
	v, err := newKeyring(h.options.Secrets, []string{name}).value(name)
	if err != nil {
		return nil, err
	}
	written, _ := v.(string)
	for one := range strings.FieldsFuncSeq(written, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		key, err := signingKey(name, one)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if keys == nil {
		_, err = signingKey(name, "")
	}
	return keys, err
}
