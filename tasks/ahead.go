package tasks

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"
)

// Deliveries are fetched several at a time: asynq asks for one per round trip, and what the others bring waits until it asks again. It
// does so at once while handlers are free, and more than those are not fetched. What waits is as any delivery that a worker has
// taken: if the process dies, asynq's lease on it ends, and the sweeper comes before that.
const (
	mostAhead = 16 // of a queue in one round trip
	fewAhead  = 2  // one that tells that there is no other one saves the next look
)

// giveBackWithin is how long a worker that stops tries to give back what it has not begun.
const giveBackWithin = time.Second

// pending is asynq in Redis, as a [Bell] uses it.
type pending interface {
	// dequeue carries out dequeues in one round trip.
	dequeue(ctx context.Context, list []redis.Cmder)
	// giveBack makes deliveries pending again that were dequeued and not begun.
	giveBack(ctx context.Context, queue string, ids []string) error
}

// look is one at a queue.
type look struct {
	queue   string
	dequeue []any // asynq's command
	most    int   // how many to fetch
	rings   uint64

	got   []any // messages
	taken int   // that asynq has got already: none or one
	err   error // that there are fewer, or why
}

// free tells for how many deliveries there are handlers, beside those that are ready or being fetched. The lock is held.
func (b *Bell) free() (free, ready int) {
	for _, d := range b.doors {
		ready += len(d.ready)
	}
	return b.handlers - b.given - b.coming - ready, ready
}

// looks are what to do in one round trip when asynq asks for a queue: no more is fetched than handlers are free, of that queue first
// and then of others where there is something, too. Who asks has a free handler. The lock is held.
func (b *Bell) looks(queue string, d *door, free int) []*look {
	list := []*look{b.lookAt(queue, d, max(1, free))}
	if d.unprompted() {
		return list
	}
	free -= list[0].most
	for name, other := range b.doors {
		if free > 0 && other != d && other.calls() && !other.unprompted() && other.dequeue != nil && len(other.ready) == 0 {
			l := b.lookAt(name, other, free)
			list, free = append(list, l), free-l.most
		}
	}
	return list
}

// lookAt begins a look. Of what others were told of, too, one task is asked for first. The lock is held.
func (b *Bell) lookAt(queue string, d *door, free int) *look {
	most := min(d.ahead, free)
	if d.state == rung {
		d.looking = true
		if d.remote {
			most = 1
		}
	}
	b.coming += most
	return &look{queue: queue, dequeue: d.dequeue, most: most, rings: d.rings}
}

// fetch carries looks out in one round trip.
func (b *Bell) fetch(ctx context.Context, looks []*look) {
	var list []redis.Cmder
	for _, l := range looks {
		args := slices.Clone(l.dequeue)
		if len(args) > leaseArg {
			args[leaseArg] = looks[0].dequeue[leaseArg]
		}
		for range l.most {
			cmd := once{redis.NewCmd(ctx, args...)}
			cmd.SetFirstKeyPos(firstKey)
			list = append(list, cmd)
		}
	}
	b.pending.dequeue(ctx, list)
	for _, l := range looks {
		for _, cmd := range list[:l.most] {
			switch err := cmd.Err(); {
			case err == nil:
				l.got = append(l.got, cmd.(once).Val())
			case l.err == nil || errors.Is(l.err, redis.Nil):
				l.err = err
			}
		}
		list = list[l.most:]
	}
}

// once is a command that is not sent again when its answer is lost: it may have taken a task. asynq asks again anyway.
type once struct{ *redis.Cmd }

// NoRetry implements [redis.Cmder].
func (once) NoRetry() bool { return true }

// keep has deliveries wait that were fetched ahead, and tells which of them have to go back, for the workers stop. The lock is held.
func (b *Bell) keep(d *door, l *look) (late []any) {
	switch found := l.taken + len(l.got); {
	case found < l.most:
		d.ahead = max(fewAhead, found)
	case 2*found > d.ahead:
		d.ahead = min(2*found, mostAhead)
	}
	if b.leaving == b.serving {
		return l.got
	}
	d.ready = append(d.ready, l.got...)
	return nil
}

// gave notes that asynq has got a delivery past the doorman.
func (b *Bell) gave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.given++
}

// handled notes that a delivery is handled.
func (b *Bell) handled() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.given = max(0, b.given-1)
}

// giveBack has other workers take what was fetched ahead here.
func (b *Bell) giveBack(queue string, list []any) {
	if len(list) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), giveBackWithin)
	defer cancel()
	ids := make([]string, 0, len(list))
	for _, message := range list {
		if id := idOf(message); id != "" {
			ids = append(ids, id)
		}
	}
	if err := b.pending.giveBack(ctx, queue, ids); err != nil {
		b.log.WarnContext(ctx, "deliveries are not given back: the sweeper makes them again, or asynq", "queue", queue, "error", err)
	}
}

// idOf reads the id of an asynq task out of its message, whose third field it is.
func idOf(message any) string {
	text, _ := message.(string)
	for rest := []byte(text); len(rest) > 0; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return ""
		}
		rest = rest[n:]
		if field == 3 && kind == protowire.BytesType {
			id, _ := protowire.ConsumeString(rest)
			return id
		}
		if n = protowire.ConsumeFieldValue(field, kind, rest); n < 0 {
			return ""
		}
		rest = rest[n:]
	}
	return ""
}

// asynqRedis implements [pending].
type asynqRedis struct{ redis.UniversalClient }

func (r asynqRedis) dequeue(ctx context.Context, list []redis.Cmder) {
	p := r.Pipeline()
	for _, cmd := range list {
		_ = p.Process(ctx, cmd) // a pipeline only keeps it
	}
	_, _ = p.Exec(ctx) // each command has its own error
}

func (r asynqRedis) giveBack(ctx context.Context, queue string, ids []string) error {
	args := []any{asynqKey(queue, "t:")}
	for _, id := range ids {
		args = append(args, id)
	}
	keys := []string{asynqKey(queue, "active"), asynqKey(queue, "lease"), asynqKey(queue, "pending")}
	return givesBack.Run(ctx, r, keys, args...).Err()
}

// givesBack makes active tasks pending, the first of them the next to be taken. What has been recovered meanwhile stays as it is.
// KEYS active, lease, pending; ARGV prefix of a task's key, ids. Returns how many
var givesBack = redis.NewScript(`
local n = 0
for i = #ARGV, 2, -1 do
  if redis.call('LREM', KEYS[1], -1, ARGV[i]) == 1 then
    redis.call('ZREM', KEYS[2], ARGV[i])
    redis.call('HSET', ARGV[1] .. ARGV[i], 'state', 'pending')
    redis.call('RPUSH', KEYS[3], ARGV[i])
    n = n + 1
  end
end
return n`)
