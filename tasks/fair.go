package tasks

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/osp-platform/osp/saga"
)

// HeldJournal keeps tasks back from their queues.
type HeldJournal interface {
	Hold(ctx context.Context, ref saga.Ref, group string) (bool, error)
	Feed(ctx context.Context, queue string, n int) ([]saga.Ref, error)
	Held(ctx context.Context, queues ...string) ([]int, error)
}

// Fair keeps asynq's queues short, for they are first in, first out. While a queue has as many tasks as its window is
// wide, new ones are held back in the journal, and fed to it service by service in turn: whoever starts a hundred
// thousand waits for itself, and delays nobody else.
type Fair struct {
	journal HeldJournal
	queue   *Queue
	log     *slog.Logger
	window  int
	levels  map[string]*level
	names   []string
	nudge   chan struct{}
	count   sync.Mutex // one counts at a time
}

// level is how full a queue is, as far as this process knows.
type level struct {
	seen atomic.Int64 // when this process last looked
	sent atomic.Int64 // what it has enqueued since
	held atomic.Bool  // some are held back
}

const (
	feedEvery = 20 * time.Millisecond // while tasks are held back
	feeders   = 16                    // tasks enqueued at the same time, so that they travel together
)

// NewFair returns a fair entry to queues that is not running. The window is how many tasks of a queue asynq gets at once.
func NewFair(journal HeldJournal, queue *Queue, log *slog.Logger, window int, queues map[string]int) *Fair {
	f := &Fair{journal: journal, queue: queue, log: log, window: max(window, 8), levels: map[string]*level{}, nudge: make(chan struct{}, 1)}
	for name := range queues {
		f.levels[name] = &level{}
		f.names = append(f.names, name)
	}
	return f
}

// group is the one in whose turn a task is to be enqueued, if it begins in a full queue. When it is held back, [Fair.held] is to be told;
// else, and where there is no group, [Fair.Enqueue] has it.
func (f *Fair) group(ctx context.Context, c *saga.Created) string {
	l := f.levels[c.Queue]
	if l == nil || c.ProcessAt != 0 || !l.held.Load() && !f.full(ctx, c.Queue, l) {
		return ""
	}
	return groupOf(c)
}

func groupOf(c *saga.Created) string { return cmp.Or(c.Service, c.Owner) }

// held notes that a task is held back.
func (f *Fair) held(queue string) {
	f.levels[queue].held.Store(true)
	f.look() // not before it is held: a look that came first would not have seen it
}

// Enqueue enqueues a task, or holds it back while its queue is full.
func (f *Fair) Enqueue(ctx context.Context, ref saga.Ref, c *saga.Created) error {
	l := f.levels[ref.Queue]
	if l == nil || !ref.Due.IsZero() {
		return f.queue.Enqueue(ctx, ref)
	}
	if l.held.Load() || f.full(ctx, ref.Queue, l) {
		held, err := f.journal.Hold(ctx, ref, groupOf(c))
		if held {
			f.held(ref.Queue)
			return nil
		}
		if f.look(); err != nil {
			return err // the sweeper finds the task, or whoever feeds the queue
		}
	}
	// Beside others, whose tasks this process does not see, it looks long before the window may be full.
	if l.sent.Add(1)%int64(f.window/4) == 0 {
		f.look()
	}
	return f.queue.Enqueue(ctx, ref)
}

// full tells whether a queue has as many tasks as its window is wide. As long as what was sent since the last look cannot have
// filled it, nobody asks Redis.
func (f *Fair) full(ctx context.Context, queue string, l *level) bool {
	if l.known() < int64(f.window) {
		return false
	}
	f.count.Lock()
	defer f.count.Unlock()
	if l.known() < int64(f.window) {
		return false // somebody else has counted meanwhile
	}
	sent := l.sent.Load()
	pending, err := f.queue.Pending(ctx, queue)
	if err != nil {
		return true // holding it back tells
	}
	l.counted(pending[0], sent)
	return pending[0] >= f.window
}

// known is how many tasks the queue has at most, as far as this process knows.
func (l *level) known() int64 { return l.seen.Load() + l.sent.Load() }

// counted notes how many tasks the queue has, and that what was sent before is among them.
func (l *level) counted(pending int, sent int64) {
	l.seen.Store(int64(pending))
	l.sent.Add(-sent)
}

// look has the queues looked at soon.
func (f *Fair) look() {
	select {
	case f.nudge <- struct{}{}:
	default:
	}
}

// Run feeds the queues until ctx ends: every 20 ms while tasks are held back, else when there is reason to look, and every
// five seconds.
func (f *Fair) Run(ctx context.Context) {
	pause, sweep := time.NewTicker(feedEvery), time.NewTicker(sweepEvery)
	defer pause.Stop()
	defer sweep.Stop()
	for {
		more, err := f.Feed(ctx)
		if err != nil && ctx.Err() == nil {
			f.log.WarnContext(ctx, "queues not fed, trying again", "error", err)
		}
		if more {
			f.look()
		}
		pause.Reset(feedEvery)
		select {
		case <-pause.C: // whatever there is reason for in between is seen together
		case <-ctx.Done():
			return
		}
		select {
		case <-f.nudge:
		case <-sweep.C:
		case <-ctx.Done():
			return
		}
	}
}

// Feed fills the queues up to their window, and tells whether tasks are held back still.
func (f *Fair) Feed(ctx context.Context) (more bool, err error) {
	held, err := f.journal.Held(ctx, f.names...)
	if err != nil {
		return false, err
	}
	pending, err := f.pending(ctx)
	if err != nil {
		return false, err
	}
	for i, name := range f.names {
		l := f.levels[name]
		if room := f.window - pending[i]; held[i] > 0 && room > 0 {
			n, err := f.feed(ctx, name, room)
			if err != nil {
				return true, err
			}
			l.seen.Add(int64(n))
			held[i] -= n
		}
		l.held.Store(held[i] > 0)
		more = more || held[i] > 0
	}
	return more, nil
}

// pending counts what every queue has.
func (f *Fair) pending(ctx context.Context) ([]int, error) {
	f.count.Lock()
	defer f.count.Unlock()
	sent := make([]int64, len(f.names))
	for i, name := range f.names {
		sent[i] = f.levels[name].sent.Load()
	}
	pending, err := f.queue.Pending(ctx, f.names...)
	if err != nil {
		return nil, err
	}
	for i, name := range f.names {
		f.levels[name].counted(pending[i], sent[i])
	}
	return pending, nil
}

// feed enqueues up to n tasks that were held back.
func (f *Fair) feed(ctx context.Context, queue string, n int) (int, error) {
	refs, err := f.journal.Feed(ctx, queue, n)
	if err != nil {
		return 0, err
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(feeders, len(refs)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(refs); i = int(next.Add(1)) - 1 {
				if err := f.queue.Enqueue(ctx, refs[i]); err != nil {
					f.log.WarnContext(ctx, "not queued yet, the sweeper does it", "task", refs[i].ID, "error", err)
				}
			}
		})
	}
	all.Wait()
	return len(refs), nil
}
