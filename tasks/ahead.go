package tasks

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"
)

// Deliveries are fetched several at a time: asynq asks for one per round trip, and what the others bring waits ahead of it until it
// asks again. It does so at once while handlers are free, and more than those are not fetched. What waits is as any delivery
// that a worker has taken: if the process dies, asynq's lease on it ends, and the sweeper may come before that.
const (
	mostAhead = 16 // in one round trip
	fewAhead  = 2  // one that tells that there is no other one saves the next look
)

// giveBackWithin is how long a worker that stops tries to give back what it has not begun.
const giveBackWithin = time.Second

// pending is asynq in Redis, as a [Bell] uses it.
type pending interface {
	// dequeue carries out dequeues of one queue, in one round trip.
	dequeue(ctx context.Context, list []redis.Cmder)
	// giveBack makes deliveries pending again that were dequeued and not begun.
	giveBack(ctx context.Context, queue string, ids []string) error
}

// ahead tells how many deliveries a look fetches: no more than handlers are free, and none for others that were told of it, too.
// The lock is held.
func (b *Bell) ahead(d *door) int {
	if d.remote && d.state == rung {
		return 1
	}
	free := b.handlers - int(b.handling.Load())
	for _, other := range b.doors {
		free -= len(other.ready)
	}
	return max(1, min(d.ahead, free))
}

// keep has deliveries wait that were fetched ahead, of asked ones altogether, and tells which of them have to go back, for the
// workers stop. The lock is held.
func (b *Bell) keep(d *door, got []any, asked int) (late []any) {
	switch {
	case len(got) < asked:
		d.ahead = max(fewAhead, len(got))
	case 2*asked > d.ahead:
		d.ahead = min(2*asked, mostAhead)
	}
	if len(got) < 2 {
		return nil
	}
	if b.leaving == b.serving {
		return got[1:]
	}
	d.ready = append(d.ready, got[1:]...)
	return nil
}

// begun notes that a handler is busy until the returned function is called.
func (b *Bell) begun() (ended func()) {
	if b == nil {
		return func() {}
	}
	b.handling.Add(1)
	return func() { b.handling.Add(-1) }
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
		b.log.WarnContext(ctx, "deliveries are not given back: they are made again when asynq's lease is over", "queue", queue, "error", err)
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
