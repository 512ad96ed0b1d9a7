package journal

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	ackWithin  = time.Second  // how long a replica may take to acknowledge
	maxClients = 4 * maxGroup // how many of them may wait for a master's replicas
)

var (
	errUnconfirmed = errors.New("written, but no replica acknowledged it within " + ackWithin.String())
	errCrowded     = errors.New("not written: too many wait for a replica already")
)

// witness is a script whose writes a replica is to acknowledge.
type witness struct {
	script *redis.Script
	mark   string // a key beside those that it writes
	keys   []string
	args   []any
	gone   <-chan struct{} // closed when nobody waits for it any longer
	cmd    *redis.Cmd
	acked  bool
	done   chan struct{}
}

// accept runs a script with which something is accepted: whoever asked may rely on it when it is answered. A client's waits
// for a replica if replicas are required, another task's where there is one.
func (r *Redis) accept(ctx context.Context, p *partition, client bool, s *redis.Script, keys []string, args ...any) (reply, error) {
	if client && !r.o.Replicated {
		return r.run(ctx, s, keys, args...)
	}
	return relied(r.confirm(ctx, p, client, s, keys, args...))
}

// relied fails what somebody is to rely on, and no replica has acknowledged.
func relied(answer reply, confirmed bool, err error) (reply, error) {
	if err == nil && !confirmed {
		err = errUnconfirmed
	}
	return answer, err
}

// confirm runs a script whose writes are to survive a failover, and tells whether they do as far as can be known: a
// replica has them, or there is none and none is required.
func (r *Redis) confirm(
	ctx context.Context, p *partition, client bool, s *redis.Script, keys []string, args ...any,
) (answer reply, confirmed bool, err error) {
	m, wanted, err := r.wanted(ctx, p)
	switch {
	case err != nil:
		return nil, false, err
	case !wanted:
		answer, err = r.run(ctx, s, keys, args...)
		return answer, true, err
	}
	return r.witnessed(ctx, m, &witness{script: s, mark: p.base + "sync", keys: keys, args: args}, client)
}

// wanted finds the server that has a partition, and tells whether the word of a replica is wanted there.
func (r *Redis) wanted(ctx context.Context, p *partition) (*master, bool, error) {
	m, err := r.master(ctx, p)
	if err != nil {
		return nil, false, err
	}
	if !r.o.Replicated && m.replicas.Load() == unknown {
		if err := m.look(ctx); err != nil {
			return nil, false, err
		}
	}
	return m, r.o.Replicated || m.replicas.Load() != none, nil
}

// witnessed runs a script, and tells whether a replica has its writes.
func (r *Redis) witnessed(ctx context.Context, m *master, w *witness, client bool) (answer reply, confirmed bool, err error) {
	w.gone, w.done = ctx.Done(), make(chan struct{})
	if err := r.queue(m, w, client); err != nil {
		return nil, false, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	list, err := w.cmd.Slice()
	return list, w.acked, err
}

// queue puts a script in the line of a master. Those that are there go out together, with one WAIT for all of them, while the
// next ones gather; other scripts, which need not wait for replicas, travel apart from them. So however many partitions a
// master has, one connection to it waits.
func (r *Redis) queue(m *master, w *witness, client bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !client:
		m.runners = append(m.runners, w)
	case len(m.clients) >= maxClients:
		return errCrowded
	default:
		m.clients = append(m.clients, w)
	}
	if !m.sending {
		m.sending = true
		go r.sendWitnesses(m)
	}
	return nil
}

func (r *Redis) sendWitnesses(m *master) {
	for list := m.next(); len(list) > 0; list = m.next() {
		r.send(context.Background(), m, list) // whoever waits may give up before
		for _, w := range list {
			close(w.done)
		}
	}
}

// next takes what waits, runners first: they hold leases. When nothing does, the sender ends.
func (m *master) next() []*witness {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*witness
	list, m.runners = take(list, m.runners)
	list, m.clients = take(list, m.clients)
	m.sending = len(list) > 0
	return list
}

// take moves what fits into a pipeline from a line to a list. Who has given up is left out: nobody would hear that it is
// accepted.
func take(list, line []*witness) (taken, rest []*witness) {
	for len(list) < maxGroup && len(line) > 0 {
		w := line[0]
		line[0], line = nil, line[1:]
		select {
		case <-w.gone:
		default:
			list = append(list, w)
		}
	}
	return list, line
}

// send runs scripts, those that the server does not know yet a second time.
func (r *Redis) send(ctx context.Context, m *master, list []*witness) {
	r.pipe(ctx, m, list)
	var again []*witness
	for _, w := range list {
		if redis.HasErrorPrefix(w.cmd.Err(), "NOSCRIPT") && w.script.Load(ctx, m.node).Err() == nil {
			again = append(again, w)
		}
	}
	if len(again) > 0 {
		r.pipe(ctx, m, again)
	}
}

// pipe sends scripts and a WAIT in one pipeline, so on one connection: on another, which may lead to another master, it
// would be about other writes. If the client sends a pipeline again, it sends all of it.
func (r *Redis) pipe(ctx context.Context, m *master, list []*witness) {
	pipe := m.node.Pipeline()
	for _, w := range list {
		w.cmd = w.script.EvalSha(ctx, pipe, w.keys, w.args...)
	}
	// A script that comes again may write nothing, and WAIT is about the connection's last write.
	mark := pipe.Set(ctx, list[0].mark, "", ackWithin)
	var wait *redis.Cmd
	if r.o.Replicated || m.replicas.Load() != none {
		wait = pipe.Do(ctx, "wait", 1, ackWithin.Milliseconds())
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	acked := wait == nil || mark.Err() == nil && r.acked(ctx, m, wait)
	for _, w := range list {
		w.acked = acked
	}
}

// acked tells whether what WAIT came to is enough. Unless replicas are required, it is also when there is none, or when Redis
// refuses the command: then their word cannot be had.
func (r *Redis) acked(ctx context.Context, m *master, wait *redis.Cmd) bool {
	n, err := wait.Int()
	var refused redis.Error
	switch {
	case n > 0 || r.o.Replicated:
		return n > 0
	case err != nil:
		return errors.As(err, &refused)
	}
	return m.look(ctx) == nil && m.replicas.Load() == none
}
