package results

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Source is the part of a [saga.Journal] that the flusher works with.
type Source interface {
	Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error)
	Clean(ctx context.Context, f []saga.Flushed) error
}

// Saver is the part of a [Store] that the flusher works with.
type Saver interface {
	Save(ctx context.Context, tasks []saga.Task) ([]Saved, error)
}

// DeadLetters takes note of rows that the store will never take. They stay dirty in the journal.
type DeadLetters interface {
	Refused(ctx context.Context, t saga.Task, err error)
}

// Flusher carries tasks from the journal to the store. It acts when it is notified and otherwise sweeps now and then.
// Any number of flushers may work on the same journal and store.
type Flusher struct {
	Journal Source
	Store   Saver
	Log     *slog.Logger

	DeadLetters DeadLetters    // nil: they are logged
	Random      func() float64 // for jitter; nil: [saga.DefaultRandom]

	Delay time.Duration // how long a notified flusher waits for more; zero: 100 ms
	Sweep time.Duration // how often it looks without being notified; zero: 5 s
	Drain time.Duration // how long it goes on writing after it was stopped; zero: 5 s
	Rows  int           // in one batch; zero: 200
	Bytes int           // in one batch, about; zero: 1 MB. A larger row goes alone

	once    sync.Once
	woken   chan struct{}
	refused map[string]int64 // id → version that the store will never take
	away    int              // failures in a row
}

// NewFlusher returns a flusher with every setting at its default.
func NewFlusher(journal Source, store Saver, log *slog.Logger) *Flusher {
	return &Flusher{Journal: journal, Store: store, Log: log}
}

// Notify says that a journal has grown. It never blocks.
func (f *Flusher) Notify() {
	select {
	case f.wake() <- struct{}{}:
	default:
	}
}

// wake holds at most one notification: more would say the same.
func (f *Flusher) wake() chan struct{} {
	f.once.Do(func() { f.woken = make(chan struct{}, 1) })
	return f.woken
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Run flushes until ctx ends, and what there is then, for Drain at most.
func (f *Flusher) Run(ctx context.Context) {
	f.refused = map[string]int64{}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	drained := make(chan struct{})
	defer close(drained)
	context.AfterFunc(ctx, func() {
		deadline := time.NewTimer(or(f.Drain, 5*time.Second))
		defer deadline.Stop()
		select {
		case <-deadline.C:
			cancel()
		case <-drained:
		}
	})
	sweep := time.NewTicker(or(f.Sweep, 5*time.Second))
	defer sweep.Stop()
	for {
		f.flush(work)
		select {
		case <-f.wake():
			wait(ctx, or(f.Delay, 100*time.Millisecond))
		case <-sweep.C:
		case <-ctx.Done():
			f.flush(work)
			if work.Err() != nil {
				f.Log.WarnContext(ctx, "stopped with rows unwritten: they stay dirty, and another process will write them")
			}
			return
		}
	}
}

// wait returns when d has passed, or ctx has ended.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// flush writes all that is dirty.
func (f *Flusher) flush(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = f.flushSome(ctx); err != nil && ctx.Err() == nil {
			f.pause(ctx, "the journal's dirty rows cannot be read or marked", err)
			more = true
		}
	}
}

// flushSome writes what the journal hands out at once, and tells whether there may be more.
func (f *Flusher) flushSome(ctx context.Context) (more bool, err error) {
	limit := or(f.Rows, 200)
	snapshots, err := f.Journal.Dirty(ctx, limit)
	if err != nil {
		return false, err
	}
	for batch := range batches(f.prepare(ctx, snapshots), or(f.Bytes, 1_000_000)) {
		if err := f.write(ctx, batch); err != nil {
			return false, err
		}
	}
	f.back(ctx)
	return len(snapshots) == limit, nil
}

// pause waits before the next attempt: longer from failure to failure, and as long as the store asked for.
func (f *Flusher) pause(ctx context.Context, what string, err error) {
	const first, longest = 200 * time.Millisecond, 10 * time.Second
	d := min(first<<min(f.away, 10), longest)
	random := f.Random
	if random == nil {
		random = saga.DefaultRandom
	}
	d -= time.Duration(float64(d/2) * random())
	if e, ok := errors.AsType[*APIError](err); ok {
		d = max(d, e.Pause())
	}
	f.away++
	f.Log.WarnContext(ctx, what, "error", err, "failures", f.away, "again_in", d)
	wait(ctx, d)
}

// back notes that a call has succeeded.
func (f *Flusher) back(ctx context.Context) {
	if f.away > 0 {
		f.Log.InfoContext(ctx, "rows are written again", "failures", f.away)
		f.away = 0
	}
}
