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
		if queue, ok := fills(cmd); ok && err == nil {
			m.bell.ring(queue)
		}
		return err
	}
}

// dequeue gives what was fetched ahead, or looks when there is reason to.
func (m doorman) dequeue(ctx context.Context, queue string, cmd *redis.Cmd, next redis.ProcessHook) error {
	for {
		a := m.bell.ask(queue, m.now())
		switch {
		case a.ready != nil:
			cmd.SetVal(a.ready)
			return nil
		case a.look > 0:
			got, err := m.look(ctx, queue, a, cmd, next)
			m.bell.giveBack(queue, m.bell.found(queue, a, got, err, m.now()))
			return err
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

// look carries out a dequeue and says what it got, with what it fetched ahead; when nobody rang only if there is something: to
// count is one command for Redis, to dequeue three.
func (m doorman) look(ctx context.Context, queue string, a advice, cmd *redis.Cmd, next redis.ProcessHook) (got []any, err error) {
	if a.unasked {
		n := redis.NewIntCmd(ctx, "llen", asynqKey(queue, "pending"))
		if err := next(ctx, n); err == nil && n.Val() == 0 {
			cmd.SetErr(redis.Nil)
			return nil, redis.Nil
		}
	}
	if a.look == 1 {
		if err = next(ctx, cmd); err == nil {
			got = []any{cmd.Val()}
		}
		return got, err
	}
	list := make([]redis.Cmder, a.look)
	for i := range list {
		c := redis.NewCmd(ctx, cmd.Args()...)
		c.SetFirstKeyPos(firstKey)
		list[i] = c
	}
	m.bell.pending.dequeue(ctx, list)
	for _, c := range list {
		if c.Err() == nil {
			got = append(got, c.(*redis.Cmd).Val())
		}
	}
	if len(got) == 0 {
		err = list[0].Err()
		cmd.SetErr(err)
		return nil, err
	}
	cmd.SetVal(got[0])
	return got, nil
}

// advice is what to do about a dequeue: take what is ready; look; or wait for a change, at most until a moment; else there is
// nothing.
type advice struct {
	ready   any  // a message
	look    int  // how many to fetch
	unasked bool // it is only time to
	rings   uint64
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
	ready   []any     // messages that were fetched ahead
	ahead   int       // how many to fetch
}

// ask tells what to do about a dequeue.
func (b *Bell) ask(queue string, now time.Time) advice {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.doors[queue]
	switch {
	case d == nil:
		return advice{look: 1}
	case len(d.ready) > 0:
		a := advice{ready: d.ready[0]}
		d.ready = d.ready[1:]
		return a
	case b.leaving > 0:
		return advice{look: min(1, b.serving-b.leaving), rings: d.rings}
	case d.state == empty && b.stale(d, now):
		d.state, d.remote, d.unasked = rung, false, true
	}
	switch {
	case d.state == busy:
		return advice{look: b.ahead(d), rings: d.rings}
	case d.state == rung && !d.looking:
		d.looking = true
		return advice{look: b.ahead(d), unasked: d.unasked, rings: d.rings}
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

// found takes note of what a look has found. What it returns has to go back: nobody will take it.
func (b *Bell) found(queue string, a advice, got []any, err error, now time.Time) (late []any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.doors[queue]
	if d == nil {
		return nil
	}
	first := d.state == rung
	if first {
		d.looking = false
		defer b.change()
	}
	if err == nil {
		late = b.keep(d, got, a.look)
		d.vain = false
	}
	switch {
	case len(got) == a.look, err != nil && !errors.Is(err, redis.Nil): // tasks, or Redis is away: asynq knows what to do
		d.state = busy
	case a.rings != d.rings: // somebody rang meanwhile
		d.state, d.unasked = rung, false
	default:
		d.state, d.looked = empty, now
		if first && len(got) == 0 {
			d.vain = d.remote
		}
	}
	return late
}
