package saga

import (
	"slices"
	"time"
)

// WebhookEvent is what a webhook tells of, as Standard Webhooks write it.
type WebhookEvent string

// What webhooks tell of.
const (
	TaskCompleted WebhookEvent = "task.completed"
	TaskFailed    WebhookEvent = "task.failed"
	TaskCancelled WebhookEvent = "task.cancelled"
	TaskStuck     WebhookEvent = "task.stuck" // an undo failed for good: an operator is needed
	WebhookTest   WebhookEvent = "webhook.test"
)

// WebhookEvents are those that webhooks may ask for.
var WebhookEvents = []WebhookEvent{TaskCompleted, TaskFailed, TaskCancelled, TaskStuck}

// Tells is what webhooks tell of an event of a journal; empty: nothing.
func (e *Event) Tells() WebhookEvent {
	switch e.Kind { //nolint:exhaustive // the others are nobody's business
	case KindCompleted:
		return TaskCompleted
	case KindFailed:
		return TaskFailed
	case KindCancelled:
		return TaskCancelled
	case KindStuck:
		return TaskStuck
	}
	return ""
}

// TaskWebhook is where the end of one task is told, as its request asked.
type TaskWebhook struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"` // the name of the secret that signs; empty: it is not signed
	// Public tells that who asked is limited to a user or a service: the URL must be on the internet, whatever else may be
	// called here.
	Public bool `json:"public,omitempty"`
}

// Webhook is where events of many tasks are told: those of a service, or of all.
type Webhook struct {
	ID         string         `json:"id"`
	Service    string         `json:"service,omitempty"` // empty: of all services, and of none
	URL        string         `json:"url"`
	SecretName string         `json:"secret_name"`
	Events     []WebhookEvent `json:"events"`
	Types      []string       `json:"types,omitempty"` // of tasks; none: all
	Enabled    bool           `json:"enabled"`
	Reason     string         `json:"reason,omitempty"` // of the last change
	By         string         `json:"by"`               // who made the last change
	CreatedAt  time.Time      `json:"created_at"`
	ChangedAt  time.Time      `json:"changed_at"`
	// Since is when it was last enabled: it is told of nothing that happened before.
	Since time.Time `json:"since"`
}

// Wants tells whether the webhook is to be told of an event of a task.
func (w *Webhook) Wants(c Created, e Event) bool {
	return w.Enabled && (w.Service == "" || w.Service == c.Service) && !e.At.Before(w.Since) &&
		slices.Contains(w.Events, e.Tells()) && (len(w.Types) == 0 || slices.Contains(w.Types, c.Type))
}

// WebhookChange changes a webhook: what is nil stays.
type WebhookChange struct {
	ID         string          `json:"id"`
	URL        *string         `json:"url,omitempty"`
	SecretName *string         `json:"secret_name,omitempty"`
	Events     *[]WebhookEvent `json:"events,omitempty"`
	Types      *[]string       `json:"types,omitempty"`
	Enabled    *bool           `json:"enabled,omitempty"`
	Reason     string          `json:"reason"`
	By         string          `json:"by"`
	// While is the URL that the change is about: if the webhook has another one by now, it stays as it is. Empty: any.
	While string `json:"while,omitempty"`
}

// WebhookQuery selects webhooks, in the order of their ids.
type WebhookQuery struct {
	ID      string // that one
	Service string // empty: of all
	After   string // an id
	Limit   int
}

// DeliveryQuery selects tasks that deliver a webhook's events, or those of one task, newest first.
type DeliveryQuery struct {
	Webhook string
	Task    string
	Cursor  string // opaque; from the previous page
	Limit   int
}

// News is what webhooks may be told of a task.
type News struct {
	Created Created
	Events  []Event // those that some webhook may ask for
}

// WebhookType is the type of the tasks that deliver to webhooks.
const WebhookType = "webhook.deliver"
