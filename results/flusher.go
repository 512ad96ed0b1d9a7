package results

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Source is the part of a [saga.Journal] that the flusher works with.
type Source interface {
	Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error)
	Clean(ctx context.Context, f []saga.Flushed) (gone []string, err error)
	Bury(ctx context.Context, id string, version int64, reason string) (bool, error)
}

// Saver is the part of a [Store] that the flusher works with.
type Saver interface {
	Save(ctx context.Context, rows []Row) ([]Saved, error)
}

// Teller has webhooks told of tasks. It may be asked about the same event any number of times.
type Teller interface {
	// Tell returns the ids of tasks of which not all could be told: it is to be asked again.
	Tell(ctx context.Context, news []saga.News) (left []string)
}

// Flusher carries tasks from the journal to the store. It acts when it is notified and otherwise sweeps now and then.
// Any number of flushers may work on the same journal and store.
type Flusher struct {
	Journal Source
	Store   Saver
	Log     *slog.Logger
	Now     func() time.Time
	// Restorer makes journals again that were lost while their rows were written: a recovery may have looked before that.
	Restorer saga.Restorer // nil: they stay lost

	// Flushed is told of every batch that was sent: how many rows, when the one changed that waited the longest, how long the
	// store took and what it said. May be nil.
	Flushed func(rows int, oldest time.Time, took time.Duration, err error)

	// Teller has webhooks told of what happened to tasks, before their rows count as written. Nil: nobody is told.
	Teller Teller

	Random func() float64 // for jitter; nil: [saga.DefaultRandom]

	Delay time.Duration // how long a notified flusher waits for more; zero: 100 ms
	Sweep time.Duration // how often it looks without being notified; zero: 5 s
	Drain time.Duration // how long it goes on writing after it was stopped; zero: 5 s
	Rows  int           // in one batch; zero: 200
	Bytes int           // in one batch, about; zero: 1 MB. A larger row goes alone

	once       sync.Once
	woken      chan struct{}
	store      *breaker
	journal    *outage
	late       catchingUp
	lost       map[string]bool  // whose journals are to be made again
	unreadable map[string]int64 // id → version of which it was told that it cannot be read
}

// NewFlusher returns a flusher with every setting at its default.
func NewFlusher(journal Source, store Saver, log *slog.Logger, now func() time.Time) *Flusher {
	return &Flusher{Journal: journal, Store: store, Log: log, Now: now}
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
	f.unreadable, f.lost = map[string]int64{}, map[string]bool{}
	f.store = &breaker{
		store: f.Store, outage: f.outage("the result store does not take rows: they wait", "the result store takes rows again"),
	}
	f.journal = f.outage("the journal's dirty rows cannot be read or marked", "the journal's dirty rows can be read again")
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
			sleep(ctx, or(f.Delay, 100*time.Millisecond))
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

// sleep returns when d has passed, or ctx has ended.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// flush writes all that is dirty, however long the store or the journal is away.
func (f *Flusher) flush(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		var pause time.Duration
		if more, pause = f.flushSome(ctx); pause > 0 {
			more = true
			sleep(ctx, pause)
		}
	}
	f.caughtUp(ctx)
	f.restore(ctx)
}

// flushSome writes what the journal hands out at once, and tells whether there may be more. If the store or the journal
// fails, a pause is to be waited first.
func (f *Flusher) flushSome(ctx context.Context) (more bool, pause time.Duration) {
	limit := f.store.room(or(f.Rows, 200))
	snapshots, err := f.Journal.Dirty(ctx, limit)
	if pause = f.told(ctx, err); pause > 0 {
		return false, pause
	}
	list := slices.Collect(batches(f.prepare(ctx, snapshots), or(f.Bytes, 1_000_000)))
	for i, batch := range list {
		if pause = f.write(ctx, batch); pause > 0 {
			f.giveBack(ctx, slices.Concat(list[i+1:]...))
			return false, pause
		}
	}
	return len(snapshots) == limit || len(list) > 1, 0 // large rows are handed out fewer at a time
}
