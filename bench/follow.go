package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// seats is how many tasks are followed at a time.
const seats = 10

// followed is the throughput while event streams follow tasks: when one has ended, the next that starts is followed.
func (d *database) followed(ctx context.Context, s settings) (outcome, error) {
	slots, free := make(chan struct{}, s.inFlight), make(chan struct{}, seats)
	e, err := d.engine(ctx, s, func() { <-slots })
	if err != nil {
		return outcome{}, err
	}
	defer e.close(ctx)
	var all sync.WaitGroup
	failed := make(chan error, 1)
	defer all.Wait()
	o, err := d.closedLoop(ctx, s, slots, func(int) error {
		r := saga.Request{ID: id(), Type: forwardType, Input: input}
		if _, _, err := e.dispatcher.Start(ctx, r); err != nil {
			return err
		}
		select {
		case free <- struct{}{}:
			all.Go(func() {
				defer func() { <-free }()
				if err := e.follow(ctx, r.ID); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			})
		default:
		}
		return nil
	})
	select {
	case err = <-failed:
	default:
	}
	return o, err
}

// After a read that took so long an event stream rests restFactor times as long, a second at most: see handlers/feeds.go.
const (
	longRead   = 2 * time.Millisecond
	restFactor = 4
)

// follow reads a task's journal when it has grown, as the event stream does, until the task has ended.
func (e *engine) follow(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	grown, err := e.journal.Watch(ctx, id)
	if err != nil {
		return err
	}
	for {
		begun := time.Now()
		snapshot, err := e.journal.Read(ctx, id)
		ended := time.Now()
		switch {
		case errors.Is(err, saga.ErrNotFound): // it has ended, and the run is over
			return nil
		case err != nil:
			return err
		case snapshot.Finished:
			return nil
		default:
			if _, err := saga.Fold(snapshot.Events); err != nil {
				return err
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("follow task %s: %w", id, ctx.Err())
		}
		if took := ended.Sub(begun); took >= longRead {
			time.Sleep(min(restFactor*took, time.Second) - time.Since(ended))
		}
		select {
		case <-grown: // it is read now, too
		default:
		}
	}
}
