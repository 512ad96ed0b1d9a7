package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// call is a do or an undo under way.
type call struct {
	work   *Work
	giveUp time.Time // ours; after it the call is abandoned
	cancel context.CancelFunc
	asked  bool // it was cancelled by this run

	began time.Time       // ours
	seen  context.Context // by the observer; the call's is made of it
}

// result is what came of a call.
type result struct {
	call   *call
	output json.RawMessage
	err    error
	ended  time.Time // ours; set when somebody observes
}

// slack is what a call may take to return after its deadline before it is abandoned.
const slack = Grace / 2

// started is the event that must be recorded before the work's call is made. The deadline that it tells is the call's,
// however long the recording takes: others act on it.
func (w *Work) started(now time.Time) Event {
	w.deadline = now.Add(w.timeout())
	return Event{
		Kind: KindStepStarted, Path: w.Path, Undo: w.Undo, N: w.N, Due: MicrosOf(w.deadline), StepKind: w.Step.Kind,
		Name: w.Child,
	}
}

func (w *Work) timeout() time.Duration {
	if w.Undo && w.Step.UndoTimeout > 0 {
		return w.Step.UndoTimeout
	}
	return w.Step.timeout()
}

// timeout is how long one attempt at the do may take.
func (s *Step) timeout() time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return DefaultTimeout
}

// key is the idempotency key.
func (w *Work) key(task string) string {
	return task + "/" + w.Path + "/" + direction(w.Undo) + "/" + strconv.Itoa(w.N)
}

// begin makes the calls whose step_started is recorded, and cancels those that are not wanted any longer.
func (x *run) begin(p plan) {
	for i := range p.decision.Work {
		x.call(&p.decision.Work[i])
	}
	if !p.decision.Cancel {
		return
	}
	for _, c := range x.calls {
		c.asked = true
		c.cancel()
	}
}

// call makes one call. A do starts only while the lease holds.
func (x *run) call(work *Work) {
	deadline := x.end(work.deadline)
	c := &call{work: work, giveUp: deadline.Add(slack), seen: x.held}
	x.callBegan(c)
	var ctx context.Context
	ctx, c.cancel = context.WithDeadline(c.seen, deadline)
	x.calls[work.Path] = c
	x.log.DebugContext(x.held, "step started", "step", work.Path, "undo", work.Undo, "attempt", work.Attempt)
	go func() {
		defer c.cancel()
		res := result{call: c, err: ctx.Err()}
		if res.err == nil {
			res.err = guard(func() (err error) {
				res.output, err = x.invoke(ctx, work)
				return err
			})
			if res.err != nil && ctx.Err() != nil && !errors.Is(res.err, ctx.Err()) {
				res.err = errors.Join(res.err, ctx.Err())
			}
		}
		if x.Observer != nil {
			res.ended = x.Now()
		}
		select {
		case x.results <- res:
		case <-x.over:
		}
	}()
}

func (x *run) invoke(ctx context.Context, w *Work) (json.RawMessage, error) {
	if w.Step.Kind == KindChild {
		if w.Undo {
			return nil, x.Children.UndoChild(ctx, x.task, w.Path, w.Child, w.Task)
		}
		return nil, x.Children.StartChild(ctx, x.task, w.Path, w.Child, w.Task)
	}
	deadline, _ := ctx.Deadline()
	c := Call{
		Task: x.task, Path: w.Path, Key: w.key(x.task.ID), Undo: w.Undo, Attempt: w.Attempt, Deadline: deadline,
	}
	if w.Undo {
		return nil, w.Step.Undo(ctx, c, w.Input, w.Output)
	}
	return w.Step.Do(ctx, c, w.Input)
}

// await waits until there is something to decide, and returns the results that came. Results that come together go out
// together, and what came while the lease was renewed is taken before it waits: results first.
func (x *run) await(ctx context.Context, due time.Time) ([]Event, error) {
	for {
		if !x.Now().Before(x.renewAt) {
			if news, err := x.renew(ctx); err != nil || news {
				return nil, err
			}
		}
		select {
		case res := <-x.results:
			return x.collect(res), nil
		default:
		}
		if x.told(ctx) {
			return nil, nil
		}
		x.alarm.Reset(x.untilNext(due))
		select {
		case res := <-x.results:
			return x.collect(res), nil
		case <-x.draining():
		case <-x.deliveryEnded(ctx):
		case <-x.heldEnded():
		case <-x.alarm.C:
		}
		if facts := x.giveUp(); len(facts) > 0 {
			return facts, nil
		}
		if !due.IsZero() && !x.now().Before(due) {
			return nil, nil
		}
	}
}

// untilNext is how long there is nothing to do but wait.
func (x *run) untilNext(due time.Time) time.Duration {
	now := x.Now()
	next := x.renewAt
	if at := now.Add(due.Sub(x.now())); !due.IsZero() && at.Before(next) {
		next = at
	}
	for _, c := range x.calls {
		if c.giveUp.Before(next) {
			next = c.giveUp
		}
	}
	return max(0, next.Sub(now))
}

// renew extends the lease, and tells whether the journal has news.
func (x *run) renew(ctx context.Context) (news bool, err error) {
	sent := x.Now()
	ctx, cancel := x.last(ctx)
	defer cancel()
	renewed, err := x.Journal.Renew(ctx, x.lease)
	if errors.Is(err, ErrUnavailable) {
		x.log.WarnContext(x.held, "lease not renewed, trying again", "error", err)
		x.renewAt = sent.Add(500 * time.Millisecond) // until the lease ends by itself
		return false, nil
	}
	if err != nil {
		x.lose(ErrOvertaken)
		return false, fmt.Errorf("renew the lease of task %s: %w", x.lease.ID, err)
	}
	x.renewAt = sent.Add(renewed.For / 3)
	x.expiry.Reset(renewed.For - x.Now().Sub(sent))
	if x.room {
		x.Limiter.Stay(ctx, x.task)
	}
	if renewed.Length <= x.latest().Seq {
		return false, nil
	}
	snapshot, err := x.Journal.Read(ctx, x.lease.ID)
	if errors.Is(err, ErrUnavailable) {
		x.log.WarnContext(x.held, "news not read, trying again", "error", err)
		x.renewAt = sent.Add(500 * time.Millisecond)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read task %s: %w", x.lease.ID, err)
	}
	x.bytes += size(snapshot.Events) - size(x.history())
	x.events = [][]Event{snapshot.Events}
	x.record, err = Fold(snapshot.Events)
	return true, err
}

// collect turns a result, and those that are there already, into events.
func (x *run) collect(res result) []Event {
	var facts []Event
	for {
		if x.calls[res.call.work.Path] == res.call { // else it was abandoned
			delete(x.calls, res.call.work.Path)
			facts = append(facts, x.fact(res))
			x.callEnded(res.call, &facts[len(facts)-1], res.ended)
		}
		select {
		case res = <-x.results:
		default:
			return facts
		}
	}
}

// giveUp abandons the calls that overstayed their deadline.
func (x *run) giveUp() []Event {
	var facts []Event
	for _, path := range slices.Sorted(maps.Keys(x.calls)) {
		c := x.calls[path]
		if x.Now().Before(c.giveUp) {
			continue
		}
		delete(x.calls, path)
		err := fmt.Errorf("it ignored its deadline: %w", context.DeadlineExceeded)
		e := x.failure(c, err)
		e.Flags |= Abandoned | Indefinite
		facts = append(facts, e)
		x.callEnded(c, &facts[len(facts)-1], x.Now())
	}
	return facts
}
