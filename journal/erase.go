package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Forget implements [saga.Journal].
func (r *Redis) Forget(ctx context.Context, ids []string) (left []string, err error) {
	parts := map[*partition][]string{}
	for _, id := range ids {
		parts[r.of(id)] = append(parts[r.of(id)], id)
	}
	for p, ids := range parts {
		for chunk := range slices.Chunk(ids, atOnce) {
			keys := append(make([]string, 0, 2+3*len(chunk)), p.dirty, p.dead)
			args := append(make([]any, 0, 1+len(chunk)), r.o.IdempotencyWindow.Milliseconds())
			for _, id := range chunk {
				keys, args = append(keys, p.journal(id), p.meta(id), p.tombstone(id)), append(args, id)
			}
			answer, err := r.run(ctx, eraseScript, keys, args...)
			if err != nil {
				return left, fail(ctx, "forget tasks", "", err)
			}
			for i := range answer {
				left = append(left, answer.text(i))
			}
		}
	}
	return left, nil
}

// Unwritten implements [saga.Journal].
func (r *Redis) Unwritten(ctx context.Context, about func(saga.Created) bool) ([]saga.Unwritten, error) {
	var list []saga.Unwritten
	for _, p := range r.partitions {
		seen := map[string]bool{} // a scan may give an id twice
		for _, index := range []string{p.dirty, p.dead} {
			err := r.members(ctx, index, func(ids []string) error {
				ids = slices.DeleteFunc(ids, func(id string) bool {
					known := seen[id]
					seen[id] = true
					return known
				})
				found, err := r.unwritten(ctx, p, ids, about)
				list = append(list, found...)
				return err
			})
			if err != nil {
				return nil, fail(ctx, "look for unwritten tasks", "", err)
			}
		}
	}
	return list, nil
}

// members gives the ids of an index to f, some at a time.
func (r *Redis) members(ctx context.Context, index string, f func(ids []string) error) error {
	for cursor := uint64(0); ; {
		pairs, next, err := r.client.ZScan(ctx, index, cursor, "", 10*atOnce).Result()
		if err != nil {
			return err
		}
		var ids []string
		for i := 0; i+1 < len(pairs); i += 2 {
			ids = append(ids, pairs[i])
		}
		for chunk := range slices.Chunk(ids, atOnce) {
			if err := f(chunk); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// unwritten looks at the beginnings of journals.
func (r *Redis) unwritten(ctx context.Context, p *partition, ids []string, about func(saga.Created) bool) ([]saga.Unwritten, error) {
	firsts, metas, marks := make([]*redis.StringCmd, len(ids)), make([]*redis.SliceCmd, len(ids)), make([]*redis.FloatCmd, len(ids))
	answers, _ := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error { // errors come with their commands
		for i, id := range ids {
			firsts[i] = pipe.LIndex(ctx, p.journal(id), 0)
			metas[i] = pipe.HMGet(ctx, p.meta(id), "v", "f")
			marks[i] = pipe.ZScore(ctx, p.dirty, id)
		}
		return nil
	})
	for _, answer := range answers {
		if err := answer.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
	}
	var list []saga.Unwritten
	for i, id := range ids {
		if firsts[i].Err() != nil {
			continue // the task is gone, and its mark will be
		}
		e, err := saga.Decode(firsts[i].Val())
		if err != nil {
			return nil, fmt.Errorf("task %s: %w", id, err)
		}
		if e.Created == nil || !about(*e.Created) {
			continue
		}
		version, _ := metas[i].Val()[0].(string)
		u := saga.Unwritten{ID: id, Version: number(version)}
		if end, ended := metas[i].Val()[1].(string); ended && marks[i].Err() != nil {
			u.State = saga.State(end) // the kind of the event that ended it
		}
		list = append(list, u)
	}
	return list, nil
}
