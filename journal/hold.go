package journal

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// heldBack is when to look at a task that is held back: never, for whoever feeds its queue finds it beside that, in the
// same partition. No other task has this moment.
const heldBack = farFuture + 1

func (p *partition) held(queue string) string { return p.base + "held:" + queue }
func (p *partition) tags(queue string) string { return p.base + "tags:" + queue }

// Hold keeps a task of some group back from its queue. It tells whether it did: a task that was claimed before is not.
func (r *Redis) Hold(ctx context.Context, ref saga.Ref, group string) (bool, error) {
	p := r.of(ref.ID)
	answer, _, err := r.operate(ctx, p, false, false, holding(p, ref.ID, ref.Queue, group, false))
	if err != nil {
		return false, fail(ctx, "hold back task", ref.ID, err)
	}
	return answer.int(0) == 1, nil
}

// holding is the operation that holds a task back: any, or only one that the start before it in the same call has begun.
func holding(p *partition, id, queue, group string, fresh bool) []any {
	return append(operationOn(p, opHold, p.held(queue), p.meta(id), p.tags(queue), 4), id, "/"+group, heldBack, fresh)
}

// Feed takes up to n tasks that are held back from a queue, one of each group in turn. They are the caller's to enqueue.
func (r *Redis) Feed(ctx context.Context, queue string, n int) ([]saga.Ref, error) {
	list := make([]taken, 0, len(r.partitions))
	each := (n + len(r.partitions) - 1) / len(r.partitions)
	for _, p := range r.partitions {
		ids, err := r.run(ctx, feedScript, []string{p.held(queue), p.tags(queue), p.open}, each, dueSlack, heldBack)
		if err != nil {
			return nil, fail(ctx, "feed queue", queue, err)
		}
		t := taken{p: p}
		for i := range ids {
			t.ids = append(t.ids, ids.text(i))
		}
		list = append(list, t)
	}
	return r.refs(ctx, list)
}

// Held is how many tasks are held back from each of some queues.
func (r *Redis) Held(ctx context.Context, queues ...string) ([]int, error) {
	counts := make([][]*redis.IntCmd, len(queues))
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, queue := range queues {
			for _, p := range r.partitions {
				counts[i] = append(counts[i], pipe.ZCard(ctx, p.held(queue)))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fail(ctx, "count tasks that are held back", "", err)
	}
	held := make([]int, len(queues))
	for i := range queues {
		for _, c := range counts[i] {
			held[i] += int(c.Val())
		}
	}
	return held, nil
}
