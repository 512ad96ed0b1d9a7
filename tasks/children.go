package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// StartChild implements [saga.Children]. A child that has begun goes on with what it began with, whatever has become of its
// version since.
func (d *Dispatcher) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	r := childRequest(parent, id, t)
	c, refusal := d.created(ctx, r)
	if refusal != nil {
		_, err := d.again(ctx, r, refusal)
		switch {
		case err != nil && errors.Is(refusal, saga.ErrUnavailable): // it is not known which version of a workflow that is data is active
			return saga.Definite(err)
		case err == refusal, errors.Is(err, saga.ErrConflict): //nolint:errorlint // the same one: there is no such child
			return saga.Permanent(saga.Definite(refusal))
		}
		return err
	}
	c.Parent, c.ParentPath = parent.ID, path
	if t.Again && d.Restorer != nil {
		if err := d.Restorer.RestoreChild(ctx, c); err != nil {
			return err
		}
	}
	_, _, err := d.start(ctx, saga.Start{Created: c})
	return err
}

func childRequest(parent saga.Created, id string, t saga.ChildTask) saga.Request {
	return saga.Request{
		ID: id, Type: t.Type, Input: t.Input, Service: parent.Service, Owner: parent.Owner, By: parent.By, Queue: parent.Queue,
		LimitKey: parent.LimitKey,
	}
}

// UndoChild implements [saga.Children]. A child that is not known is started and cancelled at once: a start that is
// still on its way then finds its id taken, and the parent is told of its end like of any other.
func (d *Dispatcher) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	cancel := saga.Message{
		Event: saga.Event{Kind: saga.KindCancel, Error: "its parent is undone"}, Dedupe: "cancel", Confirm: true,
	}
	err := d.post(ctx, id, cancel)
	if errors.Is(err, saga.ErrNotFound) {
		err = d.StartChild(ctx, parent, path, id, t)
		if saga.IsPermanent(err) && !t.Again { // of one that may have begun and was lost, nobody knows what is to be undone
			err = d.bar(ctx, childRequest(parent, id, t), parent.ID, path)
		}
		if err != nil {
			return err
		}
		err = d.post(ctx, id, cancel) // and a replica has it
	}
	if !errors.Is(err, saga.ErrFinished) {
		return err
	}
	err = d.post(ctx, id, saga.Message{
		Event:  saga.Event{Kind: saga.KindUndoRequested, Error: "its parent is undone"},
		Reopen: true, Dedupe: "undo", Confirm: true,
	})
	if errors.Is(err, saga.ErrFinished) {
		return nil // it ended undone, and its parent has been told
	}
	return err
}

// bar takes the id of a child that cannot be started any longer, in one step with its end, so that nothing of it runs.
// A start on its way, by a worker that has been taken for dead, was let through when the child could be started.
func (d *Dispatcher) bar(ctx context.Context, r saga.Request, parent, path string) error {
	hash, err := requestHash(r)
	if err != nil || len(r.Input) > saga.MaxInput { // no start of it ever gets this far
		hash, r.Input = r.ID, json.RawMessage("null")
	}
	m, err := saga.NeverBegun(saga.Created{
		ID: r.ID, Type: r.Type, Workflow: r.Type, Input: r.Input, Owner: r.Owner, Service: r.Service, Queue: r.Queue, Hash: hash,
		LimitKey: r.LimitKey, By: r.By, Parent: parent, ParentPath: path,
	})
	if err != nil {
		return fmt.Errorf("bar task %s: %w", r.ID, err)
	}
	restored, err := d.Journal.Restore(ctx, m)
	if err == nil && restored.New {
		d.Changed()
		d.Nudge() // its parent is to be told
	}
	return err
}
