package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// run is one claim of one task: everything from the claim to the release. One goroutine owns it; calls run in their
// own and hand their results to it, so all appends go through one place.
type run struct {
	*Runner
	w       *Workflow
	task    Created
	lease   Lease
	events  [][]Event // the journal as far as it was read, piece by piece
	record  *Record
	version int64 // of the journal, by the last append; zero: not known
	bytes   int64
	log     *slog.Logger

	clock   clock
	renewAt time.Time   // ours
	expiry  *time.Timer // ends held when the lease is over
	alarm   *time.Timer // rings when there is something to do though nothing came
	held    context.Context
	late    context.Context // outlives the delivery's a little
	lose    context.CancelCauseFunc

	room   bool   // the task has room under its limit
	opened string // the step whose start the claim recorded, until it is called
	// unconfirmed tells that no replica has the start of what is to be called next.
	unconfirmed bool
	calls       map[string]*call
	results     chan result
	over        chan struct{} // closed when the run is over: nobody waits for results any longer
	stopping    bool          // the process drains, or asynq wants the handler back
}

// piecesOfThree is in how many pieces the journal of a task of three steps is read.
const piecesOfThree = 8

// newRun is the run of a claim that was sent at some moment: from then on the lease counts.
func newRun(r *Runner, w *Workflow, record *Record, claim Claim, sent time.Time) *run {
	now := r.Now()
	x := &run{
		Runner: r, w: w, task: record.Created, lease: claim.Lease, record: record, bytes: claim.Bytes,
		events: make([][]Event, 0, piecesOfThree),
		log:    r.Log.With("task", claim.Lease.ID, "type", record.Created.Type),
		clock:  clock{claim.Now, sent, now}, renewAt: sent.Add(claim.For / 3),
		calls: map[string]*call{}, results: make(chan result), over: make(chan struct{}),
	}
	x.reads(claim.Events)
	if claim.Opened {
		x.opened, x.unconfirmed = claim.Events[len(claim.Events)-1].Path, claim.Unconfirmed
	}
	x.held, x.lose = context.WithCancelCause(r.observed(record, claim, sent))
	x.expiry = time.AfterFunc(claim.For-now.Sub(sent), func() { x.lose(ErrOvertaken) })
	x.alarm = time.NewTimer(claim.For)
	return x
}

func (x *run) close() {
	x.expiry.Stop()
	x.alarm.Stop()
	x.lose(ErrOvertaken)
	close(x.over)
}

// clock is what is known of the journal's clock: that it stood at theirs at some time, by ours, between sent and
// answered. What has passed since is measured, so it does not matter when somebody sets our clock.
type clock struct{ theirs, sent, answered time.Time }

// or returns the better known of two.
func (c clock) or(d clock) clock {
	if d.answered.Sub(d.sent) < c.answered.Sub(c.sent) {
		return d
	}
	return c
}

// now is the journal's clock. It may be late and is never early: what is to wait for a moment waits for it.
func (x *run) now() time.Time { return x.clock.theirs.Add(x.Now().Sub(x.clock.answered)) }

// end is a moment of the journal's clock by ours. It may be early and is never late: what is to be over then, is.
func (x *run) end(t time.Time) time.Time { return x.clock.sent.Add(t.Sub(x.clock.theirs)) }

// loop decides, appends, calls and waits, until the task ends or parks.
func (x *run) loop(ctx context.Context) error {
	var over context.CancelFunc
	x.late, over = outlive(ctx)
	defer over()
	var facts []Event
	for {
		x.heed(ctx)
		plan, err := x.plan(ctx, facts)
		if err != nil {
			return x.abandon(ctx, err)
		}
		if plan.then != Continue {
			x.leave(ctx, plan.then)
		}
		taken, err := x.commit(ctx, facts, plan)
		if err != nil {
			return x.overtaken(err)
		}
		facts = nil
		switch {
		case !taken:
			continue // something came in between: it is read, decide again
		case plan.then == Finish:
			x.ended()
			return nil
		case plan.then == Park:
			return x.parked(plan.until())
		case x.unconfirmed && len(plan.decision.Work) > 0:
			facts = x.postpone(plan.decision.Work)
			continue
		}
		x.begin(plan)
		if len(x.calls) == 0 {
			return x.handOver(ctx)
		}
		if facts, err = x.await(ctx, plan.until()); err != nil {
			return x.overtaken(err)
		}
	}
}

// ended tells whom it concerns that the task has come to its end.
func (x *run) ended() {
	x.log.InfoContext(x.held, "task ended", "state", x.record.State, "reason", x.record.Reason)
	if x.Remember != nil && x.version > 0 {
		x.Remember(Snapshot{
			Ref:    Ref{ID: x.lease.ID, Type: x.task.Type, Queue: x.task.Queue, Epoch: x.lease.Epoch},
			Events: x.history(), Version: x.version, Finished: true,
		})
	}
	if x.Ended != nil {
		x.Ended(x.task, x.record.State)
	}
}

// plan is what one round of decisions comes to.
type plan struct {
	decision  Decision
	decisions []Event // to append, the step_started of the work included
	then      Then
	due       time.Time // what is recorded
	ask       time.Time // when it asks for room again, or whether it is paused still, which is not; zero: neither
}

// plan folds the facts and everything that follows from them into the record, before any of it is recorded: the append
// takes all of it, or the record is folded anew.
func (x *run) plan(ctx context.Context, facts []Event) (plan, error) {
	for i := range facts {
		if err := x.fold(&facts[i]); err != nil {
			return plan{}, err
		}
	}
	var p plan
	for {
		p.decision = Decide(x.w, x.record, x.moment())
		if p.decision.Panic != nil {
			x.log.ErrorContext(x.held, "workflow panicked", "panic", p.decision.Panic.Value, "stack", string(p.decision.Panic.Stack))
		}
		if len(p.decision.Events) == 0 {
			break
		}
		for _, e := range p.decision.Events {
			if err := x.fold(&e); err != nil {
				return plan{}, err
			}
			p.decisions = append(p.decisions, e)
			if e.Kind.Terminal() {
				p.then = Finish
			}
		}
	}
	p.due = p.decision.Due
	if x.stopping || p.decision.Cancel {
		p.decision.Work = nil
	}
	x.enter(ctx, &p)
	x.hold(ctx, &p)
	for i := range p.decision.Work {
		work := &p.decision.Work[i]
		if work.Path == x.opened && !work.Undo { // the claim recorded its start
			x.opened, work.Attempt, work.deadline = "", 1, x.record.Step(work.Path).Do.Deadline.Time()
			continue
		}
		e := work.started(x.now())
		if err := x.fold(&e); err != nil {
			return plan{}, err
		}
		p.decisions = append(p.decisions, e)
	}
	return x.park(p)
}

// park ends the plan with a park when there is nothing left to do for now.
func (x *run) park(p plan) (plan, error) {
	if p.then == Finish || x.stopping || len(p.decision.Work) > 0 || len(x.calls) > 0 {
		return p, nil
	}
	p.then = Park
	state, news := x.record.State, len(p.decisions) > 0
	if state == Stuck || !news && (state == Pending || state == Waiting && x.record.Due == MicrosOf(p.due)) {
		return p, nil // nothing to record: stuck says it all, or the delivery was early
	}
	e := Event{Kind: KindWaiting, Due: MicrosOf(p.due)}
	if x.Observer != nil {
		e.Run = x.Observer.Parks(x.held)
	}
	err := x.fold(&e)
	p.decisions = append(p.decisions, e)
	return p, err
}

func (x *run) moment() Moment {
	var flying map[string]bool
	for path := range x.calls {
		set(&flying, path, true)
	}
	return Moment{Now: x.now(), InFlight: flying, Opened: x.opened, Full: x.bytes > SoftJournal, Paused: x.paused()}
}

// fold applies an event that is yet to be recorded.
func (x *run) fold(e *Event) error {
	e.Seq, e.At = x.record.Last+1, x.now()
	return x.record.Apply(*e)
}

// commit appends a plan. taken is false when others' events came in between: they are read, and the record tells them.
func (x *run) commit(ctx context.Context, facts []Event, p plan) (taken bool, err error) {
	if len(facts) == 0 && len(p.decisions) == 0 && p.then == Continue {
		return true, nil
	}
	last := x.latest()
	b := Batch{
		Read: last.Seq, ReadAt: MicrosOf(last.At), Facts: facts, Decisions: p.decisions, Then: p.then, Due: p.until(),
		Confirm: p.confirm(),
	}
	a, err := x.append(ctx, b)
	if err != nil {
		return false, err
	}
	x.unconfirmed, x.version = a.Decided && a.Unconfirmed, a.Version
	if x.Changed != nil {
		x.Changed()
	}
	for i := range facts {
		facts[i].Seq, facts[i].At = a.Facts+int64(i), a.Now
	}
	if a.Decided {
		for i := range p.decisions {
			p.decisions[i].At = a.Now
		}
		x.reads(facts)
		x.reads(p.decisions)
		if x.Observer != nil && len(p.decisions) > 0 {
			x.Observer.Decided(x.held, x.record, p.decisions)
		}
		return true, nil
	}
	x.reads(a.Between)
	x.reads(facts)
	x.record, err = Fold(x.history())
	return false, err
}

// reads takes what the journal has beyond what was read.
func (x *run) reads(events []Event) {
	if len(events) > 0 {
		x.events = append(x.events, events)
	}
}

// latest is the last event that this run has read.
func (x *run) latest() *Event {
	piece := x.events[len(x.events)-1]
	return &piece[len(piece)-1]
}

// history is all that this run has read, in one piece.
func (x *run) history() []Event { return slices.Concat(x.events...) }

// append retries while the journal cannot be reached and the lease lasts.
func (x *run) append(ctx context.Context, b Batch) (Appended, error) {
	ctx, cancel := x.last(ctx)
	defer cancel()
	sent := x.Now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		a, err := x.Journal.Append(ctx, x.lease, b)
		if err == nil {
			x.clock = x.clock.or(clock{a.Now, sent, x.Now()})
			x.bytes += size(b.Facts) + size(a.Between)
			if a.Decided {
				x.bytes += size(b.Decisions)
			}
			return a, nil
		}
		if !errors.Is(err, ErrUnavailable) || x.held.Err() != nil {
			return Appended{}, fmt.Errorf("append to task %s: %w", x.lease.ID, err)
		}
		x.log.WarnContext(x.held, "append failed, trying again", "error", err)
		select {
		case <-x.held.Done():
		case <-ctx.Done():
			return Appended{}, fmt.Errorf("append to task %s: %w", x.lease.ID, err)
		case <-time.After(wait):
		}
	}
}

// size estimates what events add to the journal.
func size(list []Event) (n int64) {
	for i := range list {
		n += int64(len(list[i].Data)+len(list[i].Error)+len(list[i].Path)) + 64
	}
	return n
}

// last gives a context that outlives ctx a little: what is known must still be written, and the lease given back.
func (x *run) last(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return x.late, func() {}
	}
	return outlive(ctx)
}

// outlive gives a context that ends a little after ctx, or after now if ctx has ended.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(Grace, cancel) })
	return late, func() {
		stop()
		cancel()
	}
}

// parked is the answer for a task whose waiting event is recorded.
func (x *run) parked(due time.Time) error {
	e := &ParkedError{Due: due}
	if !due.IsZero() {
		e.For = max(0, due.Sub(x.now()))
	}
	if x.record.State == Stuck {
		x.log.ErrorContext(x.held, "task is stuck: an undo failed for good; resolve it", "reason", x.record.stuckOn())
	} else {
		x.log.DebugContext(x.held, "task parked", "state", x.record.State, "due", due)
	}
	return e
}

// handOver gives the lease back so that another worker goes on at once.
func (x *run) handOver(ctx context.Context) error {
	ctx, cancel := x.last(ctx)
	defer cancel()
	x.leave(ctx, Park)
	due := x.now()
	if err := x.Journal.Release(ctx, x.lease, due, true); err != nil {
		return x.overtaken(fmt.Errorf("release task %s: %w", x.lease.ID, err))
	}
	return &ParkedError{Due: due, Now: true}
}

// overtaken is the answer when the run cannot go on. Whoever holds the task now, or takes it when the lease is over,
// decides from the journal.
func (x *run) overtaken(err error) error {
	x.log.WarnContext(x.held, "run stopped", "error", err)
	return &ParkedError{For: retryUnavailable, Cause: err}
}

// abandon leaves a task alone whose journal does not fit what this program knows.
func (x *run) abandon(ctx context.Context, err error) error {
	x.log.ErrorContext(x.held, "task left alone", "error", err)
	ctx, cancel := x.last(ctx)
	defer cancel()
	x.leave(ctx, Park)
	wait := aside(x.events[len(x.events)-1], x.now())
	due := x.now().Add(wait)
	if err := x.Journal.Release(ctx, x.lease, due, false); err != nil {
		return x.overtaken(err)
	}
	return &ParkedError{Due: due, For: wait, Cause: err}
}
