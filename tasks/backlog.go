package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Due counts, for each queue, the deliveries that are due now: those that wait for a worker, those that a worker carries
// out, and those whose time has come in asynq's sets of scheduled and parked ones. What waits for a later moment is not
// among them. It is read from Redis, so that it is the same whichever process asks.
func (q *Queue) Due(ctx context.Context, queues []string, now time.Time) (map[string]int, error) {
	until := strconv.FormatInt(now.Unix(), 10)
	counts := make(map[string][]*redis.IntCmd, len(queues))
	_, err := q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, name := range queues {
			key := "asynq:{" + name + "}:"
			counts[name] = []*redis.IntCmd{
				p.LLen(ctx, key+"pending"), p.LLen(ctx, key+"active"),
				p.ZCount(ctx, key+"scheduled", "-inf", until), p.ZCount(ctx, key+"retry", "-inf", until),
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("deliveries due in queues %v: %w", slices.Sorted(maps.Keys(counts)), err)
	}
	due := make(map[string]int, len(queues))
	for name, list := range counts {
		for _, n := range list {
			due[name] += int(n.Val())
		}
	}
	return due, nil
}
