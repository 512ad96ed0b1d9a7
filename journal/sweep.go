package journal

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// taken is what one partition's index gave.
type taken struct {
	p    *partition
	ids  []string
	now  int64
	next int64 // when the next entry may come up; -1 is never
}

// take hands out entries of an index that are older than age, from every partition, and holds them back for a while.
func (r *Redis) take(ctx context.Context, index func(*partition) string, age, hold int64, limit int) ([]taken, error) {
	list := make([]taken, 0, len(r.partitions))
	first := int(r.turn.Add(1)) % len(r.partitions)
	for n := range r.partitions {
		p := r.partitions[(first+n)%len(r.partitions)]
		answer, err := r.run(ctx, takeScript, []string{index(p)}, age, hold, max(limit, 0))
		if err != nil {
			return list, err
		}
		t := taken{p: p, next: answer.int(0), now: answer.int(1)}
		ids := answer.list(2)
		for i := range ids {
			t.ids = append(t.ids, ids.text(i))
		}
		limit -= len(t.ids)
		list = append(list, t)
	}
	return list, nil
}

// Woken implements [saga.Journal].
func (r *Redis) Woken(ctx context.Context, limit int) ([]saga.Ref, error) {
	list, err := r.take(ctx, func(p *partition) string { return p.wake }, wakeAge, 0, limit)
	if err != nil {
		return nil, fail(ctx, "sweep wake marks", "", err)
	}
	return r.refs(ctx, list)
}

// Overdue implements [saga.Journal].
func (r *Redis) Overdue(ctx context.Context, limit int) (refs []saga.Ref, next time.Time, err error) {
	list, err := r.take(ctx, func(p *partition) string { return p.open }, 0, hold, limit)
	if err != nil {
		return nil, time.Time{}, fail(ctx, "sweep open tasks", "", err)
	}
	for _, t := range list {
		if at := moment(t.next); t.next >= 0 && t.next < farFuture && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	refs, err = r.refs(ctx, list)
	return refs, next, err
}

// refs finds what is needed to wake tasks. Entries whose task is gone are removed.
func (r *Redis) refs(ctx context.Context, list []taken) ([]saga.Ref, error) {
	var refs []saga.Ref
	var answers []*redis.SliceCmd
	var gone []call
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, t := range list {
			for _, id := range t.ids {
				answers = append(answers, pipe.HMGet(ctx, t.p.meta(id), "t", "q", "e", "v"))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fail(ctx, "read the queues of tasks", "", err)
	}
	for _, t := range list {
		for _, id := range t.ids {
			m := reply(answers[0].Val())
			answers = answers[1:]
			if m.text(3) == "" {
				gone = append(gone, call{[]string{t.p.meta(id), t.p.open, t.p.wake}, []any{id}})
				continue
			}
			refs = append(refs, saga.Ref{ID: id, Type: m.text(0), Queue: m.text(1), Epoch: number(m.text(2))})
		}
	}
	if err := r.runAll(ctx, forgetScript, gone); err != nil {
		return nil, fail(ctx, "forget tasks", "", err)
	}
	return refs, nil
}

// Outbox implements [saga.Journal].
func (r *Redis) Outbox(ctx context.Context, limit int) ([]saga.Delivery, error) {
	var list []saga.Delivery
	turn := int(r.turn.Add(1))
	for n := range r.partitions {
		p := r.partitions[(turn+n)%len(r.partitions)]
		if limit <= len(list) {
			break
		}
		entries, err := r.scan(ctx, p, limit-len(list))
		if err != nil {
			return nil, fail(ctx, "read the outbox", "", err)
		}
		list = append(list, entries...)
	}
	return list, nil
}

// scan reads up to limit entries of an outbox, from where the last scan stopped.
func (r *Redis) scan(ctx context.Context, p *partition, limit int) ([]saga.Delivery, error) {
	var list []saga.Delivery
	start := p.cursor.Load()
	for cursor := start; ; {
		pairs, next, err := r.client.HScan(ctx, p.outbox, cursor, "", int64(limit)).Result()
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			d, err := delivery(pairs[i], pairs[i+1])
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
		if cursor = next; len(list) >= limit || cursor == 0 && (start == 0 || len(list) > 0) {
			p.cursor.Store(next)
			break
		}
		if cursor == 0 {
			start = 0 // nothing from there to the end: once more from the top
		}
	}
	if len(list) > limit { // a small hash comes as a whole, and of a large one a few too many
		from := rand.IntN(len(list)) //nolint:gosec // so that none is always left out; no secrecy needed
		list = append(list[from:], list[:from]...)[:limit]
	}
	return list, nil
}

func entry(d saga.Delivery) string {
	return strconv.FormatInt(d.Seq, 10) + " " + d.Parent + " " + d.Path
}

func delivery(child, value string) (saga.Delivery, error) {
	parts := strings.SplitN(value, " ", 3)
	if len(parts) < 3 {
		return saga.Delivery{}, fmt.Errorf("outbox entry of %s: %q", child, value)
	}
	return saga.Delivery{Child: child, Seq: number(parts[0]), Parent: parts[1], Path: parts[2]}, nil
}

// Delivered implements [saga.Journal].
func (r *Redis) Delivered(ctx context.Context, d saga.Delivery) error {
	err := deliveredScript.Run(ctx, r.client, []string{r.of(d.Child).outbox}, d.Child, entry(d)).Err()
	if err != nil {
		return fail(ctx, "forget the end of task", d.Child, err)
	}
	return nil
}
