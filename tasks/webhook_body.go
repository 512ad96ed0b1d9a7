package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// maxWebhookOutput is the largest output that is told, in bytes: who wants a larger one asks for the task.
const maxWebhookOutput = 256 << 10

// webhookBody is what a receiver is sent.
type webhookBody struct {
	Type      saga.WebhookEvent `json:"type"`
	Timestamp time.Time         `json:"timestamp"` // of the event
	Data      any               `json:"data"`
}

// webhookTask is a task as it was when the event happened.
type webhookTask struct {
	ID            string          `json:"id"`
	Type          string          `json:"type"`
	Service       string          `json:"service,omitempty"`
	UserID        string          `json:"user_id"`
	Status        saga.Status     `json:"status"`
	State         saga.State      `json:"state"`
	Output        json.RawMessage `json:"output,omitempty"`
	OutputOmitted bool            `json:"output_omitted,omitempty"`
	Error         string          `json:"error,omitempty"`
	NotUndone     []string        `json:"not_undone,omitempty"`
	StuckOn       []webhookStep   `json:"stuck_on,omitempty"`
	RetryOf       string          `json:"retry_of,omitempty"`
	CreatedAt     time.Time       `json:"created_at"`
	StartedAt     *time.Time      `json:"started_at,omitempty"`
	CompletedAt   *time.Time      `json:"completed_at,omitempty"`
}

// webhookStep is a step whose undo failed for good.
type webhookStep struct {
	Step  string `json:"step"`
	Error string `json:"error"`
}

// webhookTest is what a test tells.
type webhookTest struct {
	Webhook string `json:"webhook"`
}

// body makes what is sent: the same bytes for each attempt, while the task's journal is there.
func (w *Webhooks) body(ctx context.Context, d webhookDelivery) ([]byte, error) {
	b := webhookBody{Type: d.Event, Timestamp: d.At.UTC(), Data: webhookTest{d.Webhook}}
	if d.Task != "" {
		task, err := w.Tasks.asOf(ctx, d.Task, d.Seq, d.Event)
		switch {
		case errors.Is(err, saga.ErrNotFound):
			return nil, saga.Permanent(fmt.Errorf("task %s: it has been deleted", d.Task))
		case err != nil:
			return nil, err
		}
		b.Data = taskTold(task)
	}
	return encodeJSON(b)
}

// asOf returns a task as it was after an event. It is told of as it is when its journal is gone, and when that was lost and
// made again of what was kept, without the event.
func (d *Dispatcher) asOf(ctx context.Context, id string, seq int64, told saga.WebhookEvent) (saga.Task, error) {
	events, task, err := d.Events(ctx, id, 0)
	if err != nil || int64(len(events)) <= seq || events[seq-1].Tells() != told {
		return task, err
	}
	record, err := saga.Fold(events[:seq])
	if err != nil {
		return task, err
	}
	return record.Task(task.Version), nil
}

func taskTold(t saga.Task) webhookTask {
	told := webhookTask{
		ID: t.ID, Type: t.Type, Service: t.Service, UserID: t.UserID, Status: t.Status, State: t.State, Output: t.Output, Error: t.Error,
		NotUndone: t.NotUndone, RetryOf: t.RetryOf, CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, CompletedAt: t.CompletedAt,
	}
	if len(t.Output) > maxWebhookOutput {
		told.Output, told.OutputOmitted = nil, true
	}
	for _, s := range t.Steps {
		if s.State == saga.StepStuck {
			told.StuckOn = append(told.StuckOn, webhookStep{s.Path, s.UndoError})
		}
	}
	return told
}
