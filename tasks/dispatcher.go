package tasks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
)

// DispatcherJournal is what a [Dispatcher] uses of a journal.
type DispatcherJournal interface {
	Start(ctx context.Context, s saga.Start) (saga.Started, error)
	Restore(ctx context.Context, r saga.Restoration) (saga.Restored, error)
	Read(ctx context.Context, id string) (saga.Snapshot, error)
	Post(ctx context.Context, id string, m saga.Message) (saga.Posted, error)
	Watch(ctx context.Context, id string) (<-chan struct{}, error)
	DeadLetters(ctx context.Context, after string, limit int) ([]saga.DeadLetter, error)
	Resend(ctx context.Context, ids []string) (int, error)
}

// Rows is where tasks are read from when their journal is gone, and lists always.
type Rows interface {
	Get(ctx context.Context, id string) (saga.Task, error)
	List(ctx context.Context, q saga.Query) (saga.Page, error)
	Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error)
	HumanTasks(ctx context.Context, q saga.HumanQuery) (saga.HumanPage, error)
}

// Dispatcher starts, reads and steers tasks. It is what clients talk to, behind HTTP.
type Dispatcher struct {
	Catalogue *Catalogue
	Journal   DispatcherJournal
	Queue     Waker
	Rows      Rows
	Fair      *Fair          // nil: every task goes straight to its queue
	Restorer  *Restorer      // nil: what Redis has lost stays so
	Webhooks  *Webhooks      // nil: no task may have one
	Queues    map[string]int // the queues there are
	// RowWithin is how long a start waits until the task's row is in the result store; 0: it does not.
	RowWithin time.Duration
	Log       *slog.Logger
	Now       func() time.Time
	NewID     func() string
	// Started is called when a task was accepted that is new. May be nil.
	Started func(c *saga.Created)
	// Trace is the trace context of what starts a task, which is kept with it. Nil: nothing is.
	Trace func(ctx context.Context) string
	// Changed is called when a journal grew: its row is to be written.
	Changed func()
	// Nudge is called when a wake-up may have missed its task.
	Nudge func()
}

// Start records a task and has it delivered. Journal written means accepted, even if asynq could not be told: the
// sweeper finds the task. created is false when the same request had been accepted before.
func (d *Dispatcher) Start(ctx context.Context, r saga.Request) (task saga.Task, created bool, err error) {
	c, err := d.created(ctx, r)
	if err != nil {
		task, err = d.again(ctx, r, err)
	} else {
		task, created, err = d.start(ctx, saga.Start{Created: c, Given: r.ID != "" && d.Restorer != nil})
	}
	if err == nil {
		err = d.awaitRow(ctx, task.ID)
	}
	return task, created, err
}

func (d *Dispatcher) start(ctx context.Context, s saga.Start) (saga.Task, bool, error) {
	c := s.Created
	if d.Fair != nil {
		s.Hold = d.Fair.group(ctx, &c)
	}
	started, err := d.Journal.Start(ctx, s)
	if errors.Is(err, saga.ErrIncomplete) {
		d.lookFirst(ctx, c.ID)
		s.Given = false
		started, err = d.Journal.Start(ctx, s)
	}
	if err != nil {
		if s.Hold != "" {
			d.Fair.look() // it may be held back all the same
		}
		return saga.Task{}, false, err
	}
	switch {
	case started.Held:
		d.Fair.held(c.Queue)
	case !started.Finished:
		if err := d.enqueue(ctx, started.Ref, &c); err != nil {
			d.Log.WarnContext(ctx, "accepted, but not queued yet", "task", c.ID, "error", err)
			d.Nudge()
		}
	}
	if !started.New {
		task, err := d.Get(ctx, c.ID)
		return task, false, err
	}
	d.Changed()
	if d.Started != nil {
		d.Started(&c)
	}
	record, err := saga.Fold([]saga.Event{{Seq: 1, At: started.At, Kind: saga.KindCreated, Created: &c}})
	if err != nil {
		return saga.Task{}, false, err
	}
	return record.Task(started.At.UnixMicro()), true, nil
}

func (d *Dispatcher) enqueue(ctx context.Context, ref saga.Ref, c *saga.Created) error {
	if d.Fair == nil {
		return d.Queue.Enqueue(ctx, ref)
	}
	return d.Fair.Enqueue(ctx, ref, c)
}

// lookFirst restores a task that Redis may have lost, before another is begun in its place. It says no to nobody: with the
// result store away the task begins anew, and its effects are answered by their fences and idempotency keys.
func (d *Dispatcher) lookFirst(ctx context.Context, id string) {
	if err := d.restore(ctx, id); err != nil && !errors.Is(err, saga.ErrNotFound) {
		d.Log.WarnContext(ctx, "it is not known whether Redis has lost this task: it begins anew", "task", id, "error", err)
	}
}

// created validates a request and makes what its journal begins with.
func (d *Dispatcher) created(ctx context.Context, r saga.Request) (saga.Created, error) {
	queue, err := d.queue(r)
	if err != nil {
		return saga.Created{}, err
	}
	if len(r.Input) > saga.MaxInput {
		return saga.Created{}, fmt.Errorf("input: %w: %d bytes, at most %d are allowed", saga.ErrTooLarge, len(r.Input), saga.MaxInput)
	}
	if err := d.Webhooks.checkOf(r); err != nil {
		return saga.Created{}, err
	}
	plan, err := d.Catalogue.Begin(ctx, r)
	if err != nil {
		return saga.Created{}, err
	}
	if plan.Input != nil {
		if r.Input = plan.Input; len(r.Input) > saga.MaxInput {
			return saga.Created{}, fmt.Errorf("input: %w: %d bytes, at most %d are allowed", saga.ErrTooLarge, len(r.Input), saga.MaxInput)
		}
	}
	if r.ID == "" {
		r.ID = d.NewID()
	}
	r.Owner = cmp.Or(r.Owner, saga.NilOwner)
	hash, err := requestHash(r)
	if err != nil {
		return saga.Created{}, saga.Invalid("/input", "%v", err)
	}
	c := saga.Created{
		ID: r.ID, Type: r.Type, Workflow: plan.Workflow.Name, Version: plan.Workflow.Version, TreeHash: plan.TreeHash,
		Definition: plan.Definition, Input: r.Input, Owner: r.Owner, Service: r.Service, Queue: queue, Hash: hash,
		ProcessAt: saga.MicrosOf(r.ProcessAt), LimitKey: r.LimitKey, RetryOf: r.RetryOf, By: r.By, Webhook: r.Webhook,
	}
	if d.Trace != nil {
		c.Trace = d.Trace(ctx)
	}
	if deadline := plan.Workflow.Deadline; deadline > 0 {
		from := d.Now()
		if r.ProcessAt.After(from) {
			from = r.ProcessAt
		}
		c.Deadline = saga.MicrosOf(from.Add(deadline))
	}
	return c, nil
}

func (d *Dispatcher) queue(r saga.Request) (string, error) {
	pointer, name := "/queue", r.Queue
	switch {
	case name != "" && r.Priority != "":
		return "", saga.Invalid("/priority", "give queue or priority, not both")
	case r.Priority != "":
		pointer, name = "/priority", r.Priority
	case name == "":
		name = "default"
	}
	if _, ok := d.Queues[name]; !ok {
		return "", noQueue(pointer, name, d.Queues)
	}
	return name, nil
}

// requestHash tells two requests apart by what they ask for: type, input, service, owner and, if there is one, webhook. White
// space and the order of keys in the input make no difference.
func requestHash(r saga.Request) (string, error) {
	var input any
	if len(r.Input) > 0 {
		dec := json.NewDecoder(bytes.NewReader(r.Input))
		dec.UseNumber()
		if err := dec.Decode(&input); err != nil {
			return "", fmt.Errorf("not valid JSON: %w", err)
		}
	}
	asked := []any{r.Type, r.Service, cmp.Or(r.Owner, saga.NilOwner), input} // maps are written with sorted keys
	if r.Webhook != nil {
		asked = append(asked, r.Webhook.URL, r.Webhook.Secret)
	}
	canonical, err := json.Marshal(asked)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:16]), nil
}

// Get returns a task: from its journal while there is one, else from the result store.
func (d *Dispatcher) Get(ctx context.Context, id string) (saga.Task, error) {
	_, task, err := d.Events(ctx, id, 0)
	return task, err
}

// Events returns what happened to a task after an event, and the task as of the last one.
func (d *Dispatcher) Events(ctx context.Context, id string, after int64) ([]saga.Event, saga.Task, error) {
	events, task, err := d.known(ctx, id)
	if err != nil && task.ID != "" {
		return nil, task, nil
	}
	after = min(max(after, 0), int64(len(events)))
	return events[after:], task, err
}

// List returns a page of tasks from the result store.
func (d *Dispatcher) List(ctx context.Context, q saga.Query) (saga.Page, error) {
	return d.Rows.List(ctx, q)
}

// Counts tells how many tasks of a query the result store has.
func (d *Dispatcher) Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error) {
	return d.Rows.Counts(ctx, q)
}

// Watch tells of every append to a task's journal until ctx ends.
func (d *Dispatcher) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	return d.Journal.Watch(ctx, id)
}

// Types lists the catalogue.
func (d *Dispatcher) Types() []saga.TaskType { return d.Catalogue.Types() }

// Type returns one entry of the catalogue.
func (d *Dispatcher) Type(name string) (saga.TaskType, bool) { return d.Catalogue.Type(name) }
