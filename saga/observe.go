package saga

import (
	"context"
	"errors"
	"time"
)

// Observer sees what a [Runner] does, for metrics and traces. Its methods are called in the midst of the work, by many runs
// at once: they return at once, keep nothing that they are given, and cannot change what is done. Without one the runner
// does nothing for it, and what is passed to one is not allocated.
type Observer interface {
	// RunBegan tells that a task was claimed. The context that it returns, ctx or one made of it, is the run's and that of
	// its calls.
	RunBegan(ctx context.Context, r RunView) context.Context
	// Parks is asked just before a run parks. What it answers is kept with the event that says so, for whoever goes on.
	Parks(ctx context.Context) string
	// RunEnded tells that the run is over: as [Runner.Run] does.
	RunEnded(ctx context.Context, r *Record, err error)
	// CallBegan tells that a do or an undo is about to be called; the context that it returns is the call's.
	CallBegan(ctx context.Context, c CallView) context.Context
	// CallEnded tells what came of it, as it is to be recorded, and how long it took.
	CallEnded(ctx context.Context, c CallView, e *Event, took time.Duration)
	// Decided tells of decisions that were recorded, and of the record with them.
	Decided(ctx context.Context, r *Record, decisions []Event)
}

// RunView is what an [Observer] is told of a claim.
type RunView struct {
	Record *Record
	Events []Event // the journal
	Epoch  int64
	Sent   time.Time // when the claim was sent, by the runner's clock
	// TookOver tells that the last runner died: a call of its has no result.
	TookOver bool
}

// CallView is what an [Observer] is told of a call.
type CallView struct {
	Task    *Created
	Path    string
	Kind    StepKind
	Undo    bool
	N       int // number in the idempotency key
	Attempt int // counts from 1
}

// Direction is how a call's idempotency key names it: do or undo.
func (c CallView) Direction() string { return direction(c.Undo) }

func direction(undo bool) string {
	if undo {
		return "undo"
	}
	return "do"
}

// observed is the context of a run and its calls.
func (r *Runner) observed(record *Record, claim Claim, sent time.Time) context.Context {
	ctx := context.Background()
	if r.Observer == nil {
		return ctx
	}
	opened := ""
	if claim.Opened {
		opened = claim.Events[len(claim.Events)-1].Path
	}
	return r.Observer.RunBegan(ctx, RunView{
		Record: record, Events: claim.Events, Epoch: claim.Lease.Epoch, Sent: sent, TookOver: record.unanswered(opened),
	})
}

// unanswered tells whether a call has no result, but for the one that is yet to be made.
func (r *Record) unanswered(opened string) bool {
	for _, s := range r.Steps {
		called := s.Kind == KindActivity || s.Kind == KindChild && !s.ChildStarted
		if s.Undo.State == AttemptStarted && !s.ChildUndoSent || called && s.Path != opened && s.Do.State == AttemptStarted {
			return true
		}
	}
	return false
}

func (x *run) view(w *Work) CallView {
	return CallView{Task: &x.task, Path: w.Path, Kind: w.Step.Kind, Undo: w.Undo, N: w.N, Attempt: w.Attempt}
}

// callBegan makes the call's context.
func (x *run) callBegan(c *call) {
	if x.Observer == nil {
		return
	}
	c.began = x.Now()
	c.seen = x.Observer.CallBegan(x.held, x.view(c.work))
}

// callEnded tells the observer how long the call took.
func (x *run) callEnded(c *call, e *Event, ended time.Time) {
	if x.Observer != nil {
		x.Observer.CallEnded(c.seen, x.view(c.work), e, ended.Sub(c.began))
	}
}

// leftBehind tells the observer of the calls whose results nobody will take.
func (x *run) leftBehind() {
	for _, c := range x.calls {
		e := Event{
			Kind: KindAttemptFailed, Path: c.work.Path, Undo: c.work.Undo, N: c.work.N, Flags: Interrupted | Indefinite,
			Error: errLeftBehind.Error(),
		}
		x.callEnded(c, &e, x.Now())
	}
}

var errLeftBehind = errors.New("the run ended before the call did: what came of it is not known")
