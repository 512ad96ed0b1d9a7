package tasks

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// doorman is a hook of go-redis that has asynq's dequeues wait while the queues are known to be empty, and rings the bell when
// asynq has given a queue work. asynq would ask again and again: it has no other way.
type doorman struct {
	bell *Bell
	now  func() time.Time
}

// DialHook implements redis.Hook.
func (m doorman) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessPipelineHook implements redis.Hook. asynq has no pipelines, and what the group commit sends has come by already.
func (m doorman) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (m doorman) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if queue, ok := dequeues(cmd); ok {
			return m.dequeue(ctx, queue, cmd.(*redis.Cmd), next)
		}
		err := next(ctx, cmd)
		if err != nil {
			return err
		}
		if queue, ok := fills(cmd); ok {
			m.bell.ring(queue)
		} else if dequeued(cmd) {
			m.bell.gave()
		}
		return nil
	}
}

// dequeue gives what was fetched ahead, or looks when there is reason to.
func (m doorman) dequeue(ctx context.Context, queue string, cmd *redis.Cmd, next redis.ProcessHook) error {
	for {
		a := m.bell.ask(queue, cmd.Args(), m.now())
		switch {
		case a.ready != nil:
			cmd.SetVal(a.ready)
			return nil
		case len(a.looks) > 0:
			return m.look(ctx, a, cmd, next)
		case a.wait == nil:
			cmd.SetErr(redis.Nil)
			return redis.Nil
		}
		if err := hold(ctx, a); err != nil {
			cmd.SetErr(err)
			return err
		}
	}
}

// look carries out a dequeue, and fetches ahead; when nobody rang only if there is something: to count is one command for Redis,
// to dequeue three.
func (m doorman) look(ctx context.Context, a advice, cmd *redis.Cmd, next redis.ProcessHook) (err error) {
	own := a.looks[0]
	switch {
	case a.unasked && m.vain(ctx, own.queue, next):
		err = redis.Nil
		own.err = err
	case len(a.looks) == 1 && own.most == 1:
		if err = next(ctx, cmd); err == nil {
			own.got = []any{cmd.Val()}
		}
		own.err = err
	default:
		m.bell.fetch(ctx, a.looks)
		err = own.err
	}
	if len(own.got) > 0 {
		err = nil
		cmd.SetVal(own.got[0])
		own.got, own.taken = own.got[1:], 1
	}
	cmd.SetErr(err)
	for _, l := range a.looks {
		m.bell.giveBack(l.queue, m.bell.found(l, m.now()))
	}
	return err
}

// vain tells whether it is known that there is nothing in a queue.
func (m doorman) vain(ctx context.Context, queue string, next redis.ProcessHook) bool {
	n := redis.NewIntCmd(ctx, "llen", asynqKey(queue, "pending"))
	return next(ctx, n) == nil && n.Val() == 0
}

// advice is what to do about a dequeue: take what is ready; look; or wait for a change, at most until a moment; else there is
// nothing.
type advice struct {
	ready   any     // a message
	looks   []*look // at the queue that was asked for, and at others in the same round trip
	unasked bool    // it is only time to
	wait    <-chan struct{}
	most    time.Duration
}

func hold(ctx context.Context, a advice) error {
	timer := time.NewTimer(a.most)
	defer timer.Stop()
	select {
	case <-a.wait:
	case <-timer.C:
	case <-ctx.Done(): // asynq's never is
	}
	return ctx.Err()
}

// state is what is known of a queue.
type state uint8

const (
	busy  state = iota // the last look found something, or nobody has looked
	empty              // the last look found nothing, and nobody has rung since
	rung               // somebody has rung: one look is made on behalf of all
)

// door is a queue that is served here.
type door struct {
	state   state
	looking bool      // the one look at a queue that has rung is under way
	rings   uint64    // so far
	looked  time.Time // when it was last found empty
	remote  bool      // it was another process that rang
	unasked bool      // nobody rang, it is only time to look
	vain    bool      // and it had been in vain
	delayed bool      // a ring of another process waits for its moment
	told    time.Time // when this process last rang
	dequeue []any     // asynq's command, as it last came
	ready   []any     // messages that were fetched ahead
	ahead   int       // how many to fetch
}

// ask tells what to do about a dequeue, which is asynq's command.
func (b *Bell) ask(queue string, dequeue []any, now time.Time) advice {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.doors[queue]
	if d == nil {
		return advice{looks: []*look{{queue: queue, most: 1}}}
	}
	d.dequeue = dequeue
	switch {
	case len(d.ready) > 0:
		a := advice{ready: d.ready[0]}
		d.ready = d.ready[1:]
		b.given++
		return a
	case b.leaving > 0:
		if b.serving == b.leaving {
			return advice{}
		}
		b.coming++
		return advice{looks: []*look{{queue: queue, most: 1, rings: d.rings}}}
	case d.state == empty && b.stale(d, now):
		d.state, d.remote, d.unasked = rung, false, true
	}
	free, ready := b.free()
	switch {
	case ready > 0 && free < 1:
		return advice{} // the handlers that are free are for what is ready: asynq asks for that, too
	case d.calls():
		return advice{looks: b.looks(queue, d, free), unasked: d.unprompted()}
	}
	most := b.every
	for _, other := range b.doors {
		if other.state != empty || len(other.ready) > 0 || b.stale(other, now) {
			return advice{} // somebody looks there, or the next dequeue does, or takes
		}
		most = min(most, other.looked.Add(b.every).Sub(now))
	}
	return advice{wait: b.changed, most: most}
}

// stale tells whether it is time to look at an empty queue though nobody rang.
func (b *Bell) stale(d *door, now time.Time) bool { return !now.Before(d.looked.Add(b.every)) }

// calls tells whether somebody has to look.
func (d *door) calls() bool { return d.state == busy || d.state == rung && !d.looking }

// unprompted tells whether it calls only because it is time to look.
func (d *door) unprompted() bool { return d.state == rung && d.unasked }

// found takes note of what a look has found. What it returns has to go back: nobody will take it.
func (b *Bell) found(l *look, now time.Time) (late []any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.doors[l.queue]
	if d == nil {
		return nil
	}
	first, found := d.state == rung, l.taken+len(l.got)
	b.coming -= l.most
	b.given += l.taken
	if first {
		d.looking = false
	}
	if first || d.state == empty && found > 0 {
		defer b.change()
	}
	if found > 0 {
		late = b.keep(d, l)
		d.vain = false
	}
	switch {
	case l.err != nil && !errors.Is(l.err, redis.Nil): // Redis is away: asynq knows what to do
		d.state, d.dequeue = busy, nil // others' looks do not wait for it
	case found == l.most:
		d.state = busy
	case l.rings != d.rings: // somebody rang meanwhile
		d.state, d.unasked = rung, false
	default:
		d.state, d.looked = empty, now
		if first && found == 0 {
			d.vain = d.remote
		}
	}
	return late
}
