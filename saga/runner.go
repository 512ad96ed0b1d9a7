package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// RunnerJournal is what a [Runner] uses of a [Journal].
type RunnerJournal interface {
	Claim(ctx context.Context, id, nonce string) (Claim, error)
	Open(ctx context.Context, id, nonce string, o Opening) (Claim, error)
	Renew(ctx context.Context, l Lease) (Renewed, error)
	Append(ctx context.Context, l Lease, b Batch) (Appended, error)
	Release(ctx context.Context, l Lease, due time.Time, wake bool) error
	Read(ctx context.Context, id string) (Snapshot, error)
}

// Workflows finds the tree that a task began with. It fails with [ErrUnknownWorkflow] when it does not have it.
type Workflows interface {
	Workflow(ctx context.Context, c Created) (*Workflow, error)
}

// Children starts and undoes child tasks. Both calls may be repeated: the id says which child is meant.
type Children interface {
	StartChild(ctx context.Context, parent Created, path, id string, t ChildTask) error
	// UndoChild cancels the child, or has it compensated when it had completed. The child's end is told later.
	UndoChild(ctx context.Context, parent Created, path, id string, t ChildTask) error
}

// Restorer makes journals again that are lost.
type Restorer interface {
	// Restore makes the task's journal again from what the result store has kept of it, if it is missing. Errors:
	// [ErrNotFound], when nothing is kept, and [ErrUnknownEvent].
	Restore(ctx context.Context, id string) error
}

// Runner carries out tasks: one call of [Runner.Run] for each delivery.
type Runner struct {
	Journal   RunnerJournal
	Workflows Workflows
	Children  Children
	Restorer  Restorer // nil: what is lost stays so
	Limiter   Limiter  // nil: there are no limits
	Pauser    Pauser   // nil: nothing is ever paused
	Observer  Observer // nil: nobody looks on
	Log       *slog.Logger
	Now       func() time.Time
	Random    func() float64 // in [0, 1)
	Nonce     func() string
	// Changed is called after every append: the task's row is older than its journal. May be nil.
	Changed func()
	// Remember is told how a journal reads that has ended, so that whoever writes its row need not read it. May be nil.
	Remember func(s Snapshot)
	// Ended is called when a task has come to its end. May be nil.
	Ended func(c Created, s State)
	// Draining, when closed, asks for no new step: those that run are awaited and the rest is parked.
	Draining <-chan struct{}
}

// ParkedError is returned when a task is left for a later delivery. It is not a failure.
type ParkedError struct {
	Due   time.Time     // when the task goes on by itself, by the journal's clock; zero: when it is woken
	For   time.Duration // how long that is from now
	Now   bool          // it could go on at once, on another worker
	Cause error         // set when it was parked because something is wrong
}

func (e *ParkedError) Error() string {
	switch {
	case e.Cause != nil:
		return fmt.Sprintf("parked for %v: %v", e.For, e.Cause)
	case e.Now:
		return "parked: another worker goes on"
	case e.UntilWoken():
		return "parked until it is woken"
	}
	return fmt.Sprintf("parked until %s", e.Due.Format(time.RFC3339Nano))
}

// UntilWoken tells whether no moment is known at which the task goes on: it waits for something to come from outside.
func (e *ParkedError) UntilWoken() bool {
	return e.Due.IsZero() && e.For == 0 && !e.Now && e.Cause == nil
}

func (e *ParkedError) Unwrap() error { return e.Cause }

// How long a task is left alone after something went wrong with its delivery.
const (
	retryUnavailable = 5 * time.Second // the journal cannot be reached
	retryUnknown     = time.Minute     // this program does not know the workflow or an event: at most; see [aside]
)

// Run carries a task on from where its journal stands, until it ends (nil), parks (*[ParkedError]) or this runner is
// overtaken. A spurious call is harmless.
func (r *Runner) Run(ctx context.Context, id string) error { return r.RunFrom(ctx, id, nil) }

// RunFrom is Run for a delivery that is most likely the task's first: if it is, the opening saves a round trip. Nil: no
// opening is known.
func (r *Runner) RunFrom(ctx context.Context, id string, o *Opening) error {
	sent := r.Now()
	claim, err := r.claim(ctx, id, o)
	if errors.Is(err, ErrNotFound) && r.Restorer != nil {
		if err := r.Restorer.Restore(ctx, id); err != nil {
			return r.missing(ctx, id, err)
		}
		sent = r.Now()
		claim, err = r.claim(ctx, id, nil)
	}
	var busy *BusyError
	switch {
	case errors.Is(err, ErrFinished):
		return nil
	case errors.As(err, &busy):
		return &ParkedError{For: busy.For + time.Duration(float64(time.Second)*r.Random())}
	case errors.Is(err, ErrNotFound):
		return r.missing(ctx, id, err)
	case errors.Is(err, ErrUnknownEvent):
		return r.leaveAlone(ctx, claim, err)
	case err != nil:
		return &ParkedError{For: retryUnavailable, Cause: fmt.Errorf("claim task %s: %w", id, err)}
	}
	x, err := r.open(ctx, claim, sent)
	if err != nil {
		return r.leaveAlone(ctx, claim, err)
	}
	defer x.close()
	err = x.loop(ctx)
	if x.Observer != nil {
		x.leftBehind()
		x.Observer.RunEnded(x.held, x.record, err)
	}
	return err
}

// missing is the answer to a delivery whose journal is not there.
func (r *Runner) missing(ctx context.Context, id string, err error) error {
	parked := &ParkedError{For: retryUnavailable, Cause: fmt.Errorf("claim task %s: %w", id, err)}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnknownEvent) {
		r.Log.ErrorContext(ctx, "a delivery without a journal", "task", id, "error", err)
		parked.For = retryUnknown
	}
	return parked
}

// leaveAlone gives back a claim of which this program can make nothing.
func (r *Runner) leaveAlone(ctx context.Context, claim Claim, cause error) error {
	r.Log.ErrorContext(ctx, "task left alone", "task", claim.Lease.ID, "error", cause)
	wait := aside(claim.Events, claim.Now)
	due := claim.Now.Add(wait)
	if err := r.Journal.Release(ctx, claim.Lease, due, false); err != nil {
		r.Log.WarnContext(ctx, "lease not released", "task", claim.Lease.ID, "error", err)
	}
	return &ParkedError{Due: due, For: wait, Cause: cause}
}

// aside is how long a task is left to other workers that may know it: the longer, the longer it has stood still already. So
// while two releases run side by side one of those gets it within seconds, and where there is none it is looked at ever more
// rarely, each minute at last.
func aside(events []Event, now time.Time) time.Duration {
	if len(events) == 0 {
		return retryUnknown
	}
	return min(max(now.Sub(events[len(events)-1].At)/8, time.Second), retryUnknown)
}

func (r *Runner) claim(ctx context.Context, id string, o *Opening) (Claim, error) {
	if o == nil || r.stops() {
		return r.Journal.Claim(ctx, id, r.Nonce())
	}
	return r.Journal.Open(ctx, id, r.Nonce(), *o)
}

// stops tells whether the worker is stopping: it begins nothing.
func (r *Runner) stops() bool {
	select {
	case <-r.Draining:
		return true
	default:
		return false
	}
}

// open folds the journal and finds the workflow.
func (r *Runner) open(ctx context.Context, claim Claim, sent time.Time) (*run, error) {
	record, err := Fold(claim.Events)
	if err != nil {
		return nil, err
	}
	w, err := r.Workflows.Workflow(ctx, record.Created)
	if err != nil {
		return nil, err
	}
	return newRun(r, w, record, claim, sent), nil
}

// DefaultRandom is a source for [Runner.Random]; tests pass their own.
func DefaultRandom() float64 { return rand.Float64() } //nolint:gosec // jitter needs no secrecy
