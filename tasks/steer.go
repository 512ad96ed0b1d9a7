package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// Cancel asks for a task to be undone. It has an effect only while the task moves forward.
func (d *Dispatcher) Cancel(ctx context.Context, id, by, reason string) (saga.Task, error) {
	err := d.post(ctx, id, saga.Message{
		Event: saga.Event{Kind: saga.KindCancel, By: by, Error: reason}, Dedupe: "cancel",
	})
	if err != nil {
		return saga.Task{}, err
	}
	return d.Get(ctx, id)
}

// Signal sends a signal. It waits in the journal until a step consumes it.
func (d *Dispatcher) Signal(ctx context.Context, id string, s saga.SignalRequest) error {
	m := saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: s.Name, Data: s.Payload, By: s.By}}
	if s.Dedupe != "" {
		m.Dedupe = "signal/" + s.Name + "/" + s.Dedupe
	}
	return d.post(ctx, id, m)
}

// Retry starts a new task with the input of one that has ended, or that is lost for good. A child is not run again beside its
// parent, which has its effects on its own: [saga.ChildError].
func (d *Dispatcher) Retry(ctx context.Context, id, by string) (saga.Task, error) {
	return d.RetryAs(ctx, id, "", by)
}

// RetryAs is [Dispatcher.Retry] with the new task's id: the same again is the same task.
func (d *Dispatcher) RetryAs(ctx context.Context, id, as, by string) (saga.Task, error) {
	old, err := d.Get(ctx, id)
	if err != nil {
		return saga.Task{}, err
	}
	if !old.State.Finished() && !d.lost(ctx, id) {
		return saga.Task{}, fmt.Errorf("retry task %s, which is %s: %w", id, old.State, saga.ErrUnfinished)
	}
	began, err := d.began(ctx, id)
	switch {
	case err != nil:
		return saga.Task{}, fmt.Errorf("retry task %s: %w", id, err)
	case began.Parent != "" || began.ID == "" && saga.MaybeChild(id): // rows do not tell: better none than beside its parent's own
		return saga.Task{}, fmt.Errorf("retry task %s: %w", id, &saga.ChildError{Parent: began.Parent})
	}
	task, _, err := d.Start(ctx, saga.Request{
		ID: as, Type: old.Type, Input: old.Input, Service: old.Service, Owner: old.UserID, By: by, RetryOf: id, Own: true, // it was taken before
		LimitKey: began.LimitKey, Webhook: began.Webhook,
	})
	return task, err
}

// began is what a task began with. Its parent, its limit key and its webhook are gone with the journal: rows do not have them.
func (d *Dispatcher) began(ctx context.Context, id string) (saga.Created, error) {
	snapshot, err := d.Journal.Read(ctx, id)
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return saga.Created{}, nil
	case err != nil:
		return saga.Created{}, err
	case len(snapshot.Events) == 0 || snapshot.Events[0].Created == nil:
		return saga.Created{}, nil
	}
	return *snapshot.Events[0].Created, nil
}

// lost tells whether a task that has not ended has no journal any longer.
func (d *Dispatcher) lost(ctx context.Context, id string) bool {
	_, err := d.Journal.Read(ctx, id)
	return errors.Is(err, saga.ErrNotFound)
}

// Resolve records an operator's word on a step whose undo failed for good.
func (d *Dispatcher) Resolve(ctx context.Context, id string, r saga.Resolution) (saga.Task, error) {
	task, err := d.Get(ctx, id)
	if err != nil {
		return saga.Task{}, err
	}
	if task.State != saga.Stuck {
		return saga.Task{}, fmt.Errorf("resolve task %s, which is %s: %w", id, task.State, saga.ErrNotStuck)
	}
	stuck := false
	for _, s := range task.Steps {
		stuck = stuck || s.Path == r.Step && s.State == saga.StepStuck
	}
	if !stuck {
		return saga.Task{}, saga.Invalid("/step", "step %q is not the one that is stuck", r.Step)
	}
	err = d.post(ctx, id, saga.Message{
		Event: saga.Event{Kind: saga.KindResolved, Path: r.Step, Name: string(r.Action), Error: r.Reason, By: r.By},
		// Two operators who saw the same stuck task resolve it once.
		Dedupe: fmt.Sprintf("resolve/%d", task.Version),
	})
	if err != nil {
		return saga.Task{}, err
	}
	return d.Get(ctx, id)
}

// post appends an event from outside and wakes the task. A wake-up that misses is found by the sweeper.
func (d *Dispatcher) post(ctx context.Context, id string, m saga.Message) error {
	_, err := d.send(ctx, id, m)
	return err
}

// send is post, and tells whether the event had come before.
func (d *Dispatcher) send(ctx context.Context, id string, m saga.Message) (saga.Posted, error) {
	posted, err := d.Journal.Post(ctx, id, m)
	if errors.Is(err, saga.ErrNotFound) {
		switch restoreErr := d.restore(ctx, id); {
		case restoreErr == nil:
			posted, err = d.Journal.Post(ctx, id, m)
		case errors.Is(restoreErr, saga.ErrNotFound):
			err = d.gone(ctx, id, err)
		default:
			err = restoreErr
		}
	}
	if err != nil {
		return posted, err
	}
	d.Changed()
	if err := d.Queue.Wake(ctx, posted.Ref); err != nil {
		d.Nudge()
	}
	return posted, nil
}

// restore makes the journal of a task again that Redis has lost.
func (d *Dispatcher) restore(ctx context.Context, id string) error {
	if d.Restorer == nil {
		return saga.ErrNotFound
	}
	return d.Restorer.Restore(ctx, id)
}

// gone says why there is no journal of a task, and none that could be made again.
func (d *Dispatcher) gone(ctx context.Context, id string, err error) error {
	row, rowErr := d.Rows.Get(ctx, id)
	switch {
	case rowErr != nil:
		return err
	case row.State.Finished():
		return fmt.Errorf("post to task %s: %w", id, saga.ErrFinished) // its journal has expired
	}
	return fmt.Errorf("post to task %s: %w", id, saga.ErrLost)
}
