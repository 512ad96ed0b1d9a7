package saga

import (
	"context"
	"time"
)

// Limit bounds how many of the tasks that share it run at once, and how many begin in a time.
type Limit struct {
	Name        string        // the same for all tasks that share it
	Concurrency int           // tasks whose steps are called at once; zero: any number
	Every       time.Duration // a task begins when so much has passed since the last one did; zero: at once
}

// Turn is the answer to a task that asks for room under its limit.
type Turn struct {
	Room bool      // it may go on; the room is its own until it leaves, or as long as a lease lasts
	Due  time.Time // without room: when its turn to begin comes; zero: it is woken when there is room
	Next []string  // other tasks that got room by this call: they are to be woken
}

// Limiter gives tasks room under the limits of their types. A task has room only while it is run: one that waits for its
// next attempt, a timer, a signal or a child has given it back.
type Limiter interface {
	// Enter asks for room before a run calls its first step. begins tells that no step of the task was called before.
	// Without room the task waits in line; asked again, it keeps its place.
	Enter(ctx context.Context, c Created, begins bool) (Turn, error)
	// Stay keeps the room for as long as another lease.
	Stay(ctx context.Context, c Created)
	// Leave gives room, or the place in line, back. Others get it.
	Leave(ctx context.Context, c Created)
}

// How long a task without room sleeps before it asks again. It is a net: whoever should wake it may have lost the line, and
// the limits may be others by now. The journal does not grow by it.
const (
	soonestAsk = time.Minute
	latestAsk  = 5 * time.Minute
)

// enter asks for room before the run calls anything. Without it nothing is called, and the task parks: until its turn
// comes, until somebody who leaves makes room for it, or until it asks again.
func (x *run) enter(ctx context.Context, p *plan) {
	if x.Limiter == nil || x.room || len(p.decision.Work) == 0 {
		return
	}
	turn, err := x.Limiter.Enter(ctx, x.task, len(x.record.Steps) == 0)
	if x.room = turn.Room; x.room {
		return
	}
	p.decision.Work = nil
	p.due = earlier(p.due, turn.Due)
	p.ask = earlier(p.ask, x.now().Add(x.askAgain()))
	if err != nil {
		x.log.WarnContext(x.held, "it is not known whether there is room for the task", "error", err)
		p.ask = earlier(p.ask, x.now().Add(retryUnavailable))
	}
}

// askAgain grows with the task's age, so that long lines do not keep the workers busy, and is not the same for all.
func (x *run) askAgain() time.Duration {
	wait := min(max(x.now().Sub(x.record.CreatedAt)/8, soonestAsk), latestAsk)
	return wait + time.Duration(x.Random()*float64(wait)/4)
}

// until is when a task that parks is delivered again; zero: it is woken.
func (p *plan) until() time.Time { return earlier(p.due, p.ask) }

// earlier returns the earlier of two moments; zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// leave gives room back while the lease still holds: once it is released, or over, the room may be the next runner's.
func (x *run) leave(ctx context.Context, then Then) {
	if x.room || then == Finish {
		x.giveBack(ctx)
	}
}

func (x *run) giveBack(ctx context.Context) {
	if x.Limiter == nil || x.held.Err() != nil {
		return
	}
	ctx, cancel := x.last(ctx)
	defer cancel()
	x.room = false
	x.Limiter.Leave(ctx, x.task)
}
