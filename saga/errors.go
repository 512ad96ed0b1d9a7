package saga

import (
	"errors"
	"fmt"
	"time"
)

// Errors that a [Journal] returns. Compare with [errors.Is].
var (
	// ErrNotFound means that the journal knows no such task.
	ErrNotFound = errors.New("no such task")
	// ErrFinished means that the task has ended: it takes no more events.
	ErrFinished = errors.New("the task has ended")
	// ErrUnfinished means that the task must have ended first.
	ErrUnfinished = errors.New("the task has not ended")
	// ErrNotStuck means that there is nothing to resolve.
	ErrNotStuck = errors.New("the task is not stuck")
	// ErrLost means that the task has not ended, but its journal is gone: Redis lost it.
	ErrLost = errors.New("the task's journal is lost")
	// ErrIncomplete means that the journal may have lost a task of this id: look into the result store first.
	ErrIncomplete = errors.New("the journal may be incomplete")
	// ErrConflict means that the id is taken by another request.
	ErrConflict = errors.New("the id belongs to another request")
	// ErrOvertaken means that another runner holds the task, or that the journal went back in time: stop at once.
	ErrOvertaken = errors.New("overtaken by another runner")
	// ErrTooLarge means that something is over one of the limits of this package. Nothing was written.
	ErrTooLarge = errors.New("too large")
	// ErrUnavailable means that the journal (or the result store) cannot be reached, or refuses to write: try again later.
	ErrUnavailable = errors.New("unavailable")
)

// Errors that stop a runner without any harm to the task: it parks and raises an alert.
var (
	// ErrUnknownEvent means that the journal holds an event that this program does not know.
	ErrUnknownEvent = errors.New("unknown event")
	// ErrUnknownWorkflow means that this program does not have the tree which the task began with.
	ErrUnknownWorkflow = errors.New("unknown workflow")
)

// ErrUndone is returned by a do that was refused because its undo has already happened. It starts compensation.
var ErrUndone = errors.New("refused: this step has been undone already")

// ChildError means that a task is, or may be, another's child, which is not to be run again beside it.
type ChildError struct {
	// Parent is the parent's id; empty: the journal that would tell whether there is one has expired.
	Parent string
}

func (e *ChildError) Error() string {
	if e.Parent == "" {
		return "this may be the child of another task"
	}
	return "this is the child of task " + e.Parent
}

// BusyError is returned by Claim while another runner's lease is fresh.
type BusyError struct {
	// For tells how long the lease still lasts.
	For time.Duration
}

func (e *BusyError) Error() string { return fmt.Sprintf("another runner holds the task for %v", e.For) }

// Permanent marks err as one that no further attempt will mend: the step fails for good at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &verdict{err: err, permanent: true}
}

// RetryAfter asks for the next attempt not before d has passed. It counts as an attempt like any other.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &verdict{err: err, after: d}
}

// Definite marks err as the failure of an attempt that certainly had no effect, so that the next attempt may carry a
// new idempotency key. Without it the outcome counts as unknown and the key stays the same, from then on: a later attempt
// that certainly had no effect does not tell what became of this one. A step of which every attempt definitely failed never
// happened: there is nothing to undo.
func Definite(err error) error {
	if err == nil {
		return nil
	}
	return &verdict{err: err, definite: true}
}

// IsPermanent tells whether err, or an error that it wraps, was marked by [Permanent].
func IsPermanent(err error) bool {
	_, permanent, _ := judge(err)
	return permanent
}

// IsDefinite tells whether err, or an error that it wraps, was marked by [Definite].
func IsDefinite(err error) bool {
	_, _, definite := judge(err)
	return definite
}

// verdict wraps an error with what it means for the attempt.
type verdict struct {
	err       error
	permanent bool
	definite  bool
	after     time.Duration
}

func (v *verdict) Error() string { return v.err.Error() }
func (v *verdict) Unwrap() error { return v.err }

// judge collects the verdicts found anywhere in err's chain.
func judge(err error) (after time.Duration, permanent, definite bool) {
	permanent = errors.Is(err, ErrUndone)
	for v := (*verdict)(nil); errors.As(err, &v); err = v.err {
		after = max(after, v.after)
		permanent = permanent || v.permanent
		definite = definite || v.definite
	}
	return after, permanent, definite
}
