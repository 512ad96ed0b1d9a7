package tasks

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/osp-platform/osp/saga"
)

// FleetJournal is what a [Fleet] uses of a journal.
type FleetJournal interface {
	Pauses(ctx context.Context) ([]saga.Pause, error)
	Pause(ctx context.Context, p saga.Pause) (saga.Pause, error)
	Resume(ctx context.Context, k saga.PauseKey) error
	Held(ctx context.Context, queues ...string) ([]int, error)
	DirtyCount(ctx context.Context) (int, error)
	DeadCount(ctx context.Context) (int, error)
	Minutes(ctx context.Context) ([]saga.Minute, error)
}

// Counter counts the tasks in the result store.
type Counter interface {
	Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error)
}

// Fleet is what operators see and steer of everything at once: queues, pauses, and how all stands.
type Fleet struct {
	Journal FleetJournal
	Queue   *Queue
	Queues  map[string]int // the queues there are, with their weights
	Rows    Counter
	Backlog func(ctx context.Context) (int, error) // deliveries that are due
	// BuiltIn are the types that are, Deployed the workflows that are data: what a pause of a type may be about.
	BuiltIn  func() []saga.TaskType
	Deployed func(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error)
	Log      *slog.Logger
	Now      func() time.Time
	// Paused has this process look at the pauses at once, and not within a second. Nil: no worker is in it.
	Paused func(ctx context.Context) error

	counted  atomic.Pointer[counted]
	counting flight
	roster   roster
}

const (
	countsKept    = 5 * time.Second // for how long an overview shows the same counts: many pages ask
	countPatience = 9 * time.Second // the database has 8 s
)

// Pauses returns what is paused. A queue that somebody paused in Asynqmon is among it.
func (f *Fleet) Pauses(ctx context.Context) ([]saga.Pause, error) {
	list, err := f.Journal.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	halted, err := f.Queue.Halted(ctx, slices.Sorted(maps.Keys(f.Queues)))
	if err != nil {
		return nil, err
	}
	for name, since := range halted {
		key := saga.PauseKey{Kind: saga.PauseQueue, Name: name}
		if !slices.ContainsFunc(list, func(p saga.Pause) bool { return p.PauseKey == key }) {
			list = append(list, halt(name, since))
		}
	}
	slices.SortFunc(list, func(a, b saga.Pause) int {
		return strings.Compare(string(a.Kind)+"/"+a.Name, string(b.Kind)+"/"+b.Name)
	})
	return list, nil
}

// Pause holds the forward steps of a type, a service or a queue. Again, it changes who and why, not since when.
func (f *Fleet) Pause(ctx context.Context, p saga.Pause) (saga.Pause, error) {
	if err := f.knows(p.PauseKey); err != nil {
		return p, err
	}
	p, err := f.Journal.Pause(ctx, p)
	if err == nil && f.Paused != nil {
		if err := f.Paused(ctx); err != nil {
			f.Log.WarnContext(ctx, "paused, which is seen within a second", "error", err)
		}
	}
	return p, err
}

// Resume ends a pause, if there is one, also one that asynq has.
func (f *Fleet) Resume(ctx context.Context, k saga.PauseKey) error {
	if err := f.knows(k); err != nil {
		return err
	}
	if k.Kind == saga.PauseQueue {
		if err := f.Queue.Unhalt(ctx, k.Name); err != nil {
			return err
		}
	}
	return f.Journal.Resume(ctx, k)
}

func (f *Fleet) knows(k saga.PauseKey) error {
	if _, ok := f.Queues[k.Name]; k.Kind == saga.PauseQueue && !ok {
		return noQueue("/name", k.Name, f.Queues)
	}
	return nil
}

// QueueViews tells how the queues stand.
func (f *Fleet) QueueViews(ctx context.Context) ([]saga.QueueView, error) {
	views, err := f.Queue.Views(ctx, f.Queues, f.Now())
	if err != nil {
		return nil, err
	}
	held, err := f.Journal.Held(ctx, slices.Sorted(maps.Keys(f.Queues))...)
	if err != nil {
		return nil, err
	}
	pauses, err := f.Journal.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	for i := range views {
		v := &views[i]
		v.Pending += held[i]
		v.Paused = v.UndoPaused || slices.ContainsFunc(pauses, func(p saga.Pause) bool {
			return p.PauseKey == saga.PauseKey{Kind: saga.PauseQueue, Name: v.Name}
		})
		if v.Unserved, err = f.deserted(v.Name); err != nil {
			return nil, err
		}
	}
	return views, nil
}

// Overview tells how everything stands. While the result store is away it tells what that last said of the tasks.
func (f *Fleet) Overview(ctx context.Context) (o saga.Overview, err error) {
	f.count(ctx, &o)
	views, err := f.QueueViews(ctx)
	if err != nil {
		return o, err
	}
	for _, v := range views {
		o.OldestWaiting = max(o.OldestWaiting, v.OldestWaiting)
	}
	if o.Backlog, err = f.Backlog(ctx); err != nil {
		return o, err
	}
	if o.DeadLetters, err = f.Journal.DeadCount(ctx); err != nil {
		return o, err
	}
	if o.Unwritten, err = f.Journal.DirtyCount(ctx); err != nil {
		return o, err
	}
	if o.Workers, err = f.Queue.Workers(); err != nil {
		return o, err
	}
	o.Throughput, err = f.Journal.Minutes(ctx)
	return o, err
}

// counted is what the result store has said of the tasks, and when.
type counted struct {
	saga.TaskCounts

	at time.Time
}

// count counts the tasks in the result store, not again for every page that asks.
func (f *Fleet) count(ctx context.Context, o *saga.Overview) {
	fresh := func() bool {
		last := f.counted.Load()
		return last != nil && f.Now().Sub(last.at) < countsKept
	}
	if !fresh() {
		_ = f.counting.do(fresh, func() error { return f.recount(ctx) }) // it is logged, and what was counted last is told
	}
	o.States = map[saga.State]int{}
	if last := f.counted.Load(); last != nil {
		o.States, o.Capped, o.Stuck, o.CountedAt = last.State, last.Capped, last.State[saga.Stuck], &last.at
	}
}

// recount counts anew, for all who wait for it: it goes on without the one who asked first.
func (f *Fleet) recount(ctx context.Context) error {
	now := f.Now()
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), countPatience)
	defer cancel()
	counts, err := f.Rows.Counts(within, saga.Query{})
	if err != nil {
		f.Log.WarnContext(ctx, "the tasks are not counted: the result store does not answer", "error", err)
		return err
	}
	f.counted.Store(&counted{counts, now})
	return nil
}
