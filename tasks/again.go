package tasks

import (
	"context"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// again answers a request that would be refused, if it was accepted before: what its type takes, or which version is active,
// may have changed since. Else the refusal stands. When nobody can tell, that is the error: a sender who is refused asks
// under another id, and what is done is done twice.
func (d *Dispatcher) again(ctx context.Context, r saga.Request, refusal error) (saga.Task, error) {
	hash, err := requestHash(r)
	if r.ID == "" || err != nil {
		return saga.Task{}, refusal
	}
	events, task, err := d.known(ctx, r.ID)
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return saga.Task{}, refusal
	case err != nil:
		return saga.Task{}, err
	case len(events) > 0 && events[0].Created.Hash != hash:
		return saga.Task{}, fmt.Errorf("start task %s: %w", r.ID, saga.ErrConflict)
	case len(events) > 0:
		task, _, err = d.start(ctx, saga.Start{Created: *events[0].Created}) // as it was: it may have to be queued
		return task, err
	}
	// Its journal is gone. The row has what the hash is of.
	old, err := requestHash(saga.Request{Type: task.Type, Service: task.Service, Owner: task.UserID, Input: task.Input})
	if err != nil || old != hash {
		return saga.Task{}, refusal
	}
	return task, nil
}

// known returns the events of a task, and the task as of the last one; of one that ended so long ago that its journal has
// expired, the row alone. When there should be a journal and is none, the row comes with an error: [saga.ErrLost] if none
// can be made, else [saga.ErrUnavailable].
func (d *Dispatcher) known(ctx context.Context, id string) ([]saga.Event, saga.Task, error) {
	snapshot, err := d.Journal.Read(ctx, id)
	if errors.Is(err, saga.ErrNotFound) {
		task, rowErr := d.Rows.Get(ctx, id)
		if rowErr != nil || task.State.Finished() {
			return nil, task, rowErr
		}
		switch err := d.restore(ctx, id); {
		case errors.Is(err, saga.ErrNotFound):
			return nil, task, fmt.Errorf("read task %s: %w", id, saga.ErrLost)
		case err != nil:
			return nil, task, fmt.Errorf("read task %s: %w: %v", id, saga.ErrUnavailable, err) //nolint:errorlint // whatever it is, the task is there
		}
		snapshot, err = d.Journal.Read(ctx, id)
	}
	if err != nil {
		return nil, saga.Task{}, err
	}
	record, err := saga.Fold(snapshot.Events)
	if err != nil {
		return nil, saga.Task{}, fmt.Errorf("task %s: %w", id, err)
	}
	return snapshot.Events, record.Task(snapshot.Version), nil
}
