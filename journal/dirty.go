package journal

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// A flusher that takes a batch of large journals gives back what it has no room for.
const (
	atOnce   = 32      // journals read, or marks cleared, by one script
	roomFor  = 8 << 20 // bytes after which no more are read
	minBytes = 512     // of a journal, for the estimate
)

// Dirty implements [saga.Journal]. It may return fewer than limit when journals are large.
func (r *Redis) Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error) {
	list, err := r.take(ctx, func(p *partition) string { return p.dirty }, 0, hold, limit)
	if err != nil {
		return nil, fail(ctx, "take dirty tasks", "", err)
	}
	var snapshots []saga.Snapshot
	room := roomFor
	for _, t := range list {
		for from := 0; from < len(t.ids); from += atOnce {
			ids := t.ids[from:min(from+atOnce, len(t.ids))]
			if room <= 0 {
				if err := r.giveBack(ctx, t, ids); err != nil {
					return snapshots, fail(ctx, "give back dirty tasks", "", err)
				}
				continue
			}
			more, size, err := r.snapshots(ctx, t.p, ids)
			if err != nil {
				return nil, err
			}
			snapshots = append(snapshots, more...)
			room -= size
		}
	}
	return snapshots, nil
}

// DirtyCount is how many tasks have a row that is older than their journal.
func (r *Redis) DirtyCount(ctx context.Context) (int, error) {
	return r.count(ctx, "count dirty tasks", func(p *partition) string { return p.dirty })
}

// DeadCount is how many rows the result store has refused for good.
func (r *Redis) DeadCount(ctx context.Context) (int, error) {
	return r.count(ctx, "count dead letters", func(p *partition) string { return p.dead })
}

// count adds up how long an index is.
func (r *Redis) count(ctx context.Context, what string, index func(*partition) string) (int, error) {
	counts := make([]*redis.IntCmd, len(r.partitions))
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range r.partitions {
			counts[i] = pipe.ZCard(ctx, index(p))
		}
		return nil
	})
	if err != nil {
		return 0, fail(ctx, what, "", err)
	}
	n := 0
	for _, c := range counts {
		n += int(c.Val())
	}
	return n, nil
}

// snapshots reads several journals of one partition, and tells how large they are.
func (r *Redis) snapshots(ctx context.Context, p *partition, ids []string) (list []saga.Snapshot, size int, err error) {
	keys, args := make([]string, 1, 1+2*len(ids)), make([]any, 0, 2*len(ids))
	known := make([]saga.Snapshot, len(ids))
	keys[0] = p.dirty
	for i, id := range ids {
		keys = append(keys, p.journal(id), p.meta(id))
		if s, ok := r.recent.take(id); ok {
			known[i], args = s, append(args, id, s.Version)
		} else {
			args = append(args, id, "")
		}
	}
	answers, err := r.run(ctx, snapshotScript, keys, args...)
	if err != nil {
		return nil, 0, fail(ctx, "read dirty tasks", "", err)
	}
	for i, id := range ids {
		if known[i].Version > 0 && answers.int(i) == known[i].Version {
			list = append(list, known[i])
			size += weight(known[i])
			continue
		}
		answer := answers.list(i)
		if len(answer) == 0 {
			continue // the task is gone, and so is its mark
		}
		events := answer.list(6)
		for n := range events {
			size += max(len(events.text(n)), minBytes)
		}
		s, err := snapshot(id, answer)
		if err != nil {
			continue // an event of a newer release: the task stays dirty for a flusher that knows it
		}
		list = append(list, s)
	}
	return list, size, nil
}

// giveBack lets others take what was taken, at once.
func (r *Redis) giveBack(ctx context.Context, t taken, ids []string) error {
	members := make([]redis.Z, len(ids))
	for i, id := range ids {
		members[i] = redis.Z{Score: float64(t.now), Member: id}
	}
	return r.client.ZAddXX(ctx, t.p.dirty, members...).Err()
}

// Clean implements [saga.Journal].
func (r *Redis) Clean(ctx context.Context, list []saga.Flushed) (gone []string, err error) {
	if err := r.letGo(ctx, list); err != nil {
		return nil, fail(ctx, "let children go", "", err)
	}
	for p, list := range r.byPartition(list) {
		for chunk := range slices.Chunk(list, atOnce) {
			ids, err := r.clean(ctx, p, chunk)
			if err != nil {
				return gone, fail(ctx, "clean tasks", "", err)
			}
			gone = append(gone, ids...)
		}
	}
	return gone, nil
}

func (r *Redis) byPartition(list []saga.Flushed) map[*partition][]saga.Flushed {
	parts := map[*partition][]saga.Flushed{}
	for _, f := range list {
		p := r.of(f.ID)
		parts[p] = append(parts[p], f)
	}
	return parts
}

func (r *Redis) clean(ctx context.Context, p *partition, list []saga.Flushed) (gone []string, err error) {
	keep := r.o.KeepFinished.Milliseconds()
	keys := append(make([]string, 0, 2+3*len(list)), p.dirty, p.dead)
	args := append(make([]any, 0, 2+3*len(list)), keep, keep+r.o.IdempotencyWindow.Milliseconds())
	for _, f := range list {
		keys = append(keys, p.journal(f.ID), p.meta(f.ID), p.tombstone(f.ID))
		args = append(args, f.ID, f.Version, f.Stored)
	}
	answer, err := r.run(ctx, cleanScript, keys, args...)
	for i := range answer {
		gone = append(gone, answer.text(i))
	}
	return gone, err
}

// letGo lets the children go of tasks that may expire now. It comes before the tasks' own marks are cleared, so that a
// crash in between repeats it.
func (r *Redis) letGo(ctx context.Context, list []saga.Flushed) error {
	parents := make([]*redis.SliceCmd, len(list))
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, f := range list {
			if len(f.Children) > 0 {
				parents[i] = pipe.HMGet(ctx, r.of(f.ID).meta(f.ID), "v", "f", "p", "r")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	keep := r.o.KeepFinished.Milliseconds()
	var calls []call
	for i, f := range list {
		if parents[i] == nil || !settled(parents[i].Val(), f) {
			continue
		}
		for _, id := range f.Children {
			p := r.of(id)
			calls = append(calls, call{
				[]string{p.journal(id), p.meta(id), p.tombstone(id), p.dirty},
				[]any{id, keep, keep + r.o.IdempotencyWindow.Milliseconds()},
			})
		}
	}
	return r.runAll(ctx, letgoScript, calls)
}

// settled tells whether a task has ended, its last row is written and no parent may want it undone.
func settled(m reply, f saga.Flushed) bool {
	version, end, parent, released := number(m.text(0)), m.text(1), m.text(2), m.text(3)
	return version == f.Version && f.Stored <= f.Version && end != "" && (parent == "" || released != "")
}
