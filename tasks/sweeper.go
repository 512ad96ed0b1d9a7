package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
)

// SweeperJournal is what a [Sweeper] uses of a journal.
type SweeperJournal interface {
	Woken(ctx context.Context, limit int) ([]saga.Ref, error)
	Overdue(ctx context.Context, limit int) ([]saga.Ref, time.Time, error)
	Outbox(ctx context.Context, limit int) ([]saga.Delivery, error)
	Delivered(ctx context.Context, d saga.Delivery) error
	Read(ctx context.Context, id string) (saga.Snapshot, error)
	Post(ctx context.Context, id string, m saga.Message) (saga.Posted, error)
}

// Waker has tasks delivered. [Queue] is one.
type Waker interface {
	Enqueue(ctx context.Context, ref saga.Ref) error
	Wake(ctx context.Context, ref saga.Ref) error
	TakeOver(ctx context.Context, ref saga.Ref) error
	Backlog(queue string) (int, error)
}

// Sweeper is the reconciler: it wakes tasks whose wake-up was lost, takes over those whose runner died, and tells
// parents of their children's ends. It never writes a task's own decisions, and any number of them may run.
type Sweeper struct {
	Journal SweeperJournal
	Queue   Waker
	Log     *slog.Logger
	Now     func() time.Time
	// Restorer makes journals again that are lost; nil: they stay so.
	Restorer saga.Restorer
	// Repaired is told of everything that a sweep has set right. May be nil.
	Repaired func(repair string)

	nudge  chan time.Duration
	untold int // where in the outbox a sweep broke off
}

// NewSweeper returns a sweeper that is not running.
func NewSweeper(journal SweeperJournal, queue Waker, log *slog.Logger, now func() time.Time) *Sweeper {
	return &Sweeper{Journal: journal, Queue: queue, Log: log, Now: now, nudge: make(chan time.Duration, 1)}
}

// What a sweep sets right.
const (
	RepairWoken   = "woken"   // a wake mark was there: the wake-up had missed its task, or was on its way
	RepairOverdue = "overdue" // its due time passed, or its runner's lease is over
	RepairTold    = "told"    // a parent was told of its child's end
)

func (s *Sweeper) repaired(repair string) {
	if s.Repaired != nil {
		s.Repaired(repair)
	}
}

const (
	sweepEvery = 5 * time.Second // at the latest
	sweepLimit = 500             // tasks in one go
	// nudgeDelay lets a wake mark grow old enough to be swept.
	nudgeDelay = 150 * time.Millisecond
)

// Nudge asks for a sweep soon: a wake-up may have missed its task, or a child has ended.
func (s *Sweeper) Nudge() {
	select {
	case s.nudge <- nudgeDelay:
	default:
	}
}

// Run sweeps until ctx ends: at once when there is something to do, else every five seconds.
func (s *Sweeper) Run(ctx context.Context) {
	at := s.Now() // when the timer goes off
	timer := time.NewTimer(0)
	defer timer.Stop()
	var ripe time.Time // when what the last nudge was about can be swept
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.nudge:
			// A sweep that comes earlier stays, or a stream of nudges would put it off for ever.
			if ripe = s.Now().Add(d); ripe.Before(at) {
				at = ripe
				timer.Reset(d)
			}
			continue
		case <-timer.C:
		}
		next, err := s.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "sweep failed, trying again", "error", err)
		}
		now := s.Now()
		if wait := ripe.Sub(now); wait > 0 {
			next = min(next, wait)
		}
		at = now.Add(next)
		timer.Reset(next)
	}
}

// Sweep does all there is to do now, and returns when to look again.
func (s *Sweeper) Sweep(ctx context.Context) (time.Duration, error) {
	more, err := s.deliver(ctx)
	err = errors.Join(err, s.wake(ctx))
	next, overdueErr := s.takeOver(ctx)
	if more {
		next = min(next, nudgeDelay)
	}
	return next, errors.Join(err, overdueErr)
}

func (s *Sweeper) wake(ctx context.Context) error {
	refs, err := s.Journal.Woken(ctx, sweepLimit)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		// Not Wake: asynq may believe that a worker has the task which died while a second delivery was parked.
		if err := s.Queue.TakeOver(ctx, ref); err != nil {
			s.Log.DebugContext(ctx, "task not woken, trying again", "task", ref.ID, "error", err)
			continue
		}
		s.repaired(RepairWoken)
	}
	return nil
}

func (s *Sweeper) takeOver(ctx context.Context) (time.Duration, error) {
	refs, next, err := s.Journal.Overdue(ctx, sweepLimit)
	if err != nil {
		return sweepEvery, err
	}
	backlogs := map[string]int{}
	for _, ref := range refs {
		if s.queued(ref, backlogs) {
			continue
		}
		s.Log.DebugContext(ctx, "task is overdue", "task", ref.ID)
		if err := s.Queue.TakeOver(ctx, ref); err != nil {
			s.Log.WarnContext(ctx, "overdue task not woken, trying again", "task", ref.ID, "error", err)
			continue
		}
		s.repaired(RepairOverdue)
	}
	if len(refs) == sweepLimit {
		return nudgeDelay, nil // there are more
	}
	if next.IsZero() {
		return sweepEvery, nil
	}
	return min(max(next.Sub(s.Now()), 10*time.Millisecond), sweepEvery), nil
}

// longBacklog is a backlog behind which tasks wait longer than it takes to count as overdue.
const longBacklog = 1000

// queued tells whether a task that was never claimed is most likely just waiting for its turn. To ask asynq about each
// would cost more than to carry it out; when the backlog is gone, whatever asynq has lost is still overdue.
func (s *Sweeper) queued(ref saga.Ref, backlogs map[string]int) bool {
	if ref.Epoch != 0 {
		return false
	}
	n, known := backlogs[ref.Queue]
	if !known {
		n, _ = s.Queue.Backlog(ref.Queue) // unknown counts as none
		backlogs[ref.Queue] = n
	}
	return n >= longBacklog
}

// tellFor is how long one sweep goes on telling: each may wait a second for a replica, and others wait to be woken.
const tellFor = 2 * time.Second

// deliver tells parents of children that have ended, and whether there are more that can be told.
func (s *Sweeper) deliver(ctx context.Context) (more bool, err error) {
	list, err := s.Journal.Outbox(ctx, sweepLimit)
	if err != nil {
		return false, err
	}
	var errs []error
	began, from := s.Now(), s.untold
	s.untold = 0
	for i := range list { // one that cannot be told holds no other back
		d := list[(from+i)%len(list)]
		if err := s.tell(ctx, d); err != nil {
			errs = append(errs, fmt.Errorf("tell task %s of its child's end: %w", d.Parent, err))
		}
		if s.Now().Sub(began) > tellFor {
			s.untold = from + i + 1 // the next sweep goes on there
			break
		}
	}
	return len(list) == sweepLimit && len(errs) == 0, errors.Join(errs...)
}

func (s *Sweeper) tell(ctx context.Context, d saga.Delivery) error {
	snapshot, err := s.Journal.Read(ctx, d.Child)
	if err != nil {
		return err
	}
	// Up to the end that this delivery is about: the child may have been reopened since.
	child, err := saga.Fold(snapshot.Events[:min(d.Seq, int64(len(snapshot.Events)))])
	if err != nil {
		return err
	}
	end := saga.Message{
		Event: saga.Event{
			Kind: saga.KindChildFinished, Path: d.Path, Name: string(child.State), Data: child.Output, Error: child.Reason,
		},
		// Not the number alone: a child that was restored may come to another end under the number of a lost one.
		Dedupe:  fmt.Sprintf("%s/%d/%d", d.Child, d.Seq, child.CompletedAt.UnixMicro()),
		Confirm: true,
	}
	posted, err := s.Journal.Post(ctx, d.Parent, end)
	if errors.Is(err, saga.ErrNotFound) && s.Restorer != nil {
		if err = s.Restorer.Restore(ctx, d.Parent); err == nil {
			posted, err = s.Journal.Post(ctx, d.Parent, end)
		}
	}
	switch {
	case errors.Is(err, saga.ErrFinished) || errors.Is(err, saga.ErrNotFound): // nobody is left to be told
	case err != nil:
		return err
	default:
		if err := s.Queue.Wake(ctx, posted.Ref); err != nil {
			s.Nudge()
		}
		s.repaired(RepairTold)
	}
	return s.Journal.Delivered(ctx, d)
}
