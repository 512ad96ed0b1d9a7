package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Triggers start tasks for what happens outside: to rows, and by signals that are no task's.
type Triggers struct {
	Source  TriggerSource
	Tasks   Starter
	Log     *slog.Logger
	Now     func() time.Time
	Changes func() int // how often a version was changed in this process; nil: that is not known

	mu    sync.Mutex
	heard map[listening]listeners
}

// listening is what workflows of a service may be started by.
type listening struct{ service, trigger, subject string }

// listeners are those that are, as far as was heard, and when that was.
type listeners struct {
	list    []saga.Triggered
	at      time.Time
	changes int // in this process, before it was asked
}

// Happen starts a task of each of a service's active workflows that the occasion triggers: the same occasion again is the
// same tasks. Those whose filters do not let it pass are left out. Errors: [saga.ErrUnavailable], when it has to be told again.
func (t *Triggers) Happen(ctx context.Context, service string, o saga.Occasion, by string) ([]saga.Begun, error) {
	list, err := t.listen(ctx, listening{service, o.Trigger, o.Subject})
	if err != nil {
		return nil, err
	}
	begun := []saga.Begun{}
	for _, w := range list {
		b := saga.Begun{Workflow: w.Key()}
		b.Task, b.Created, b.Err = t.Tasks.Start(ctx, saga.Request{
			ID: occasionID(w.Key(), o), Type: w.Workflow, Service: w.Service, Owner: w.Owner, By: by, Occasion: &o,
		})
		_, invalid := errors.AsType[*saga.InvalidError](b.Err)
		switch {
		case b.Err == nil:
		case errors.Is(b.Err, saga.ErrNotTriggered), errors.Is(b.Err, saga.ErrUnknownType): // since then it has changed
			continue
		case invalid, errors.Is(b.Err, saga.ErrConflict), errors.Is(b.Err, saga.ErrTooLarge):
			t.Log.WarnContext(ctx, "a trigger starts no task", "workflow", w.Key().String(), "trigger", o.Trigger, "subject", o.Subject,
				"error", b.Err)
		default:
			return nil, fmt.Errorf("start a task of workflow %s: %w", w.Key(), b.Err)
		}
		begun = append(begun, b)
	}
	return begun, nil
}

// listen tells which workflows are started by something. While the source is away what was heard last stands.
func (t *Triggers) listen(ctx context.Context, to listening) ([]saga.Triggered, error) {
	last, known := t.remembered(to)
	changes := 0
	if t.Changes != nil {
		changes = t.Changes()
	}
	if known && last.changes == changes && t.Now().Sub(last.at) < currentFor {
		return last.list, nil
	}
	list, err := triggered(ctx, t.Source, saga.TriggerQuery{Trigger: to.trigger, Subject: to.subject, Services: []string{to.service}})
	switch {
	case err == nil:
		t.remember(to, listeners{list, t.Now(), changes})
		return list, nil
	case known:
		return last.list, nil
	}
	return nil, fmt.Errorf("what is started by %s %s in service %q: %w: %w", to.trigger, to.subject, to.service, saga.ErrUnavailable, err)
}

func (t *Triggers) remembered(to listening) (listeners, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.heard[to]
	return l, ok
}

func (t *Triggers) remember(to listening, l listeners) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.heard == nil || len(t.heard) >= maxHeard {
		t.heard = map[listening]listeners{}
	}
	t.heard[to] = l
}

// triggered asks for all pages of what a trigger starts.
func triggered(ctx context.Context, source TriggerSource, q saga.TriggerQuery) (all []saga.Triggered, err error) {
	for q.Limit = listPage; ; {
		asked, cancel := context.WithTimeout(ctx, sourceWithin)
		page, err := source.Triggered(asked, q)
		cancel()
		if err != nil {
			return nil, err
		}
		if all = append(all, page...); len(page) < listPage {
			return all, nil
		}
		q.After = page[len(page)-1].Key()
	}
}
