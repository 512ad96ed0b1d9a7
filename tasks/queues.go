package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// firstInLine is how many of the deliveries that are next are asked since when they wait: of those that were woken before
// their time asynq does not know.
const firstInLine = 10

// queueCounts are what one round trip tells of a queue.
type queueCounts struct {
	pending, active, scheduled, retry *redis.IntCmd
	paused                            *redis.StringCmd
	first                             *redis.StringSliceCmd
	since                             []*redis.StringCmd
}

func asynqKey(queue, name string) string { return "asynq:{" + queue + "}:" + name }

// Views tells how queues stand, in the order of their names. It is far cheaper than asynq's own statistics.
func (q *Queue) Views(ctx context.Context, weights map[string]int, now time.Time) ([]saga.QueueView, error) {
	names := slices.Sorted(maps.Keys(weights))
	counts := make([]queueCounts, len(names))
	_, err := q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			counts[i] = queueCounts{
				pending: p.LLen(ctx, asynqKey(name, "pending")), active: p.LLen(ctx, asynqKey(name, "active")),
				scheduled: p.ZCard(ctx, asynqKey(name, "scheduled")), retry: p.ZCard(ctx, asynqKey(name, "retry")),
				first:  p.LRange(ctx, asynqKey(name, "pending"), -firstInLine, -1),
				paused: p.Get(ctx, asynqKey(name, "paused")),
			}
		}
		return nil
	})
	if err = absent(err); err == nil {
		_, err = q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, name := range names {
				for _, id := range counts[i].first.Val() {
					counts[i].since = append(counts[i].since, p.HGet(ctx, asynqKey(name, "t:"+id), "pending_since"))
				}
			}
			return nil
		})
	}
	if err = absent(err); err != nil {
		return nil, fmt.Errorf("read the queues: %w: %w", saga.ErrUnavailable, err)
	}
	views := make([]saga.QueueView, len(names))
	for i, name := range names {
		c := counts[i]
		views[i] = saga.QueueView{
			Name: name, Weight: weights[name], Pending: int(c.pending.Val()), Active: int(c.active.Val()),
			Scheduled: int(c.scheduled.Val()), Retry: int(c.retry.Val()), UndoPaused: c.paused.Err() == nil,
		}
		for _, since := range c.since {
			if ns, err := strconv.ParseInt(since.Val(), 10, 64); err == nil {
				views[i].OldestWaiting = max(views[i].OldestWaiting, now.Sub(time.Unix(0, ns)).Seconds())
			}
		}
	}
	return views, nil
}

// absent is the error of a pipeline of which some answer may be that there is nothing.
func absent(err error) error {
	if err == redis.Nil { //nolint:errorlint // go-redis returns it as it is
		return nil
	}
	return err
}

// Halted returns the queues of which asynq itself delivers nothing, and since when: somebody paused them in Asynqmon.
func (q *Queue) Halted(ctx context.Context, queues []string) (map[string]time.Time, error) {
	answers := make([]*redis.StringCmd, len(queues))
	_, err := q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range queues {
			answers[i] = p.Get(ctx, asynqKey(name, "paused"))
		}
		return nil
	})
	if err = absent(err); err != nil {
		return nil, fmt.Errorf("read which queues are paused: %w: %w", saga.ErrUnavailable, err)
	}
	halted := map[string]time.Time{}
	for i, name := range queues {
		if answers[i].Err() == nil {
			at, _ := strconv.ParseInt(answers[i].Val(), 10, 64)
			halted[name] = time.Unix(at, 0).UTC()
		}
	}
	return halted, nil
}

// Unhalt has asynq deliver a queue again.
func (q *Queue) Unhalt(ctx context.Context, queue string) error {
	if err := q.redis.Del(ctx, asynqKey(queue, "paused")).Err(); err != nil { // as asynq does, which minds if it is not paused
		return fmt.Errorf("resume queue %s: %w: %w", queue, saga.ErrUnavailable, err)
	}
	return nil
}

// Workers lists the processes that carry out tasks, by what asynq's servers say every few seconds.
func (q *Queue) Workers() ([]saga.WorkerView, error) {
	servers, err := q.inspector.Servers()
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w: %w", saga.ErrUnavailable, err)
	}
	byID := map[string]saga.WorkerView{}
	for _, s := range servers { // a process may have several
		w := saga.WorkerView{
			ID: fmt.Sprintf("%s:%d", s.Host, s.PID), Host: s.Host, Queues: slices.Sorted(maps.Keys(s.Queues)), StartedAt: s.Started.UTC(),
		}
		if other, ok := byID[w.ID]; ok {
			w.Concurrency, w.Active = other.Concurrency, other.Active
			w.Queues = slices.Compact(slices.Sorted(slices.Values(append(w.Queues, other.Queues...))))
			if other.StartedAt.Before(w.StartedAt) {
				w.StartedAt = other.StartedAt
			}
		}
		w.Concurrency, w.Active = w.Concurrency+s.Concurrency, w.Active+len(s.ActiveWorkers)
		byID[w.ID] = w
	}
	workers := make([]saga.WorkerView, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		workers = append(workers, byID[id])
	}
	return workers, nil
}
