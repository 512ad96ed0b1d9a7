package tasks

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Per says which tasks of a type share a limit.
type Per string

// What a limit may be for.
const (
	PerType    Per = "type"    // all of them
	PerService Per = "service" // those of a service
	PerUser    Per = "user"    // those of a user
	PerKey     Per = "key"     // those whose requests have the same limit_key
)

// Limit is the limit of a type of task.
type Limit struct {
	Concurrency int           // tasks that run at once; zero: any number
	Every       time.Duration // how far apart tasks begin; zero: not at all
	Per         Per
}

// Slots keeps the room under limits.
type Slots interface {
	Enter(ctx context.Context, l saga.Limit, id string, begins bool) (saga.Turn, error)
	Stay(ctx context.Context, l saga.Limit, id string) error
	Leave(ctx context.Context, l saga.Limit, id string) (next []string, err error)
	// Give gives free room to those that wait; Crowded tells where somebody does.
	Give(ctx context.Context, l saga.Limit) (next []string, err error)
	Crowded(ctx context.Context) ([]saga.Limit, error)
	// Mark leaves a wake mark. Errors: [saga.ErrFinished].
	Mark(ctx context.Context, id string) (saga.Ref, error)
}

// Limits holds tasks to the limits of their types. It is a [saga.Limiter].
type Limits struct {
	Types map[string]Limit
	Slots Slots
	Queue Waker
	Log   *slog.Logger
	Nudge func() // a wake-up may have missed its task
}

// of is the limit of a task.
func (l *Limits) of(c saga.Created) (saga.Limit, bool) {
	t, ok := l.Types[c.Type]
	if !ok {
		return saga.Limit{}, false
	}
	limit := saga.Limit{Name: c.Type, Concurrency: t.Concurrency, Every: t.Every}
	switch t.Per {
	case PerType:
	case PerService:
		limit.Name += "/" + c.Service
	case PerUser:
		limit.Name += "/" + c.Owner
	case PerKey:
		limit.Name += "/" + c.LimitKey
	}
	return limit, true
}

// Enter implements [saga.Limiter].
func (l *Limits) Enter(ctx context.Context, c saga.Created, begins bool) (saga.Turn, error) {
	limit, ok := l.of(c)
	if !ok {
		return saga.Turn{Room: true}, nil
	}
	turn, err := l.Slots.Enter(ctx, limit, c.ID, begins)
	l.wake(ctx, limit, turn.Next)
	return turn, err
}

// Stay implements [saga.Limiter].
func (l *Limits) Stay(ctx context.Context, c saga.Created) {
	if limit, ok := l.of(c); ok {
		if err := l.Slots.Stay(ctx, limit, c.ID); err != nil {
			l.Log.WarnContext(ctx, "room under a limit not kept, trying again", "task", c.ID, "error", err)
		}
	}
}

// Leave implements [saga.Limiter]. If it fails the room is free when the lease would have ended.
func (l *Limits) Leave(ctx context.Context, c saga.Created) {
	limit, ok := l.of(c)
	if !ok {
		return
	}
	next, err := l.Slots.Leave(ctx, limit, c.ID)
	if err != nil {
		l.Log.WarnContext(ctx, "room under a limit not given back: it is free when it expires", "task", c.ID, "error", err)
	}
	l.wake(ctx, limit, next)
}

// wake has those delivered that got room. One that has ended makes room for the next.
func (l *Limits) wake(ctx context.Context, limit saga.Limit, ids []string) {
	for len(ids) > 0 {
		id := ids[0]
		ids = ids[1:]
		ref, err := l.Slots.Mark(ctx, id)
		switch {
		case errors.Is(err, saga.ErrFinished):
			var more []string
			more, err = l.Slots.Leave(ctx, limit, id)
			ids = append(ids, more...)
		case err == nil:
			if l.Queue.Wake(ctx, ref) != nil {
				l.Nudge() // it is just about to park: its mark is swept
			}
		}
		if err != nil {
			l.Log.WarnContext(ctx, "a task that got room is not woken: it gets room again", "task", id, "error", err)
		}
	}
}

// Run gives room that somebody died with to others, until ctx ends.
func (l *Limits) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := l.Sweep(ctx); err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "sweep of limits failed, trying again", "error", err)
		}
	}
}

// Sweep gives free room to those that wait for it, under every limit.
func (l *Limits) Sweep(ctx context.Context) error {
	crowded, err := l.Slots.Crowded(ctx)
	if err != nil {
		return err
	}
	for _, limit := range crowded {
		next, err := l.Slots.Give(ctx, limit)
		if err != nil {
			return err
		}
		l.wake(ctx, limit, next)
	}
	return nil
}

// Opening is what tasks of a type begin with, where that may be recorded before anybody has asked for room.
func (l *Limits) Opening(opening func(typeName string) *saga.Opening) func(typeName string) *saga.Opening {
	return func(typeName string) *saga.Opening {
		if _, limited := l.Types[typeName]; limited {
			return nil
		}
		return opening(typeName)
	}
}
