package tasks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Standing is where the deliveries of a queue stand.
type Standing struct {
	Pending, Active, Scheduled, Retry int
	Since                             time.Time // when the one became pending that waits the longest; zero: none does
}

// Standings tells where the deliveries of some queues stand, and how many workers take them: processes, whatever they take.
func (q *Queue) Standings(ctx context.Context, queues []string, now time.Time) (map[string]Standing, int, error) {
	var servers *redis.StringSliceCmd
	counts, first := make([][]*redis.IntCmd, len(queues)), make([]*redis.StringCmd, len(queues))
	_, err := q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		servers = p.ZRangeByScore(ctx, "asynq:servers", &redis.ZRangeBy{Min: strconv.FormatInt(now.Unix(), 10), Max: "+inf"})
		for i, name := range queues {
			key := "asynq:{" + name + "}:"
			counts[i] = []*redis.IntCmd{p.LLen(ctx, key+"pending"), p.LLen(ctx, key+"active"), p.ZCard(ctx, key+"scheduled"), p.ZCard(ctx, key+"retry")}
			first[i] = p.LIndex(ctx, key+"pending", -1)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, 0, fmt.Errorf("deliveries in queues %v: %w", queues, err)
	}
	since := make([]*redis.StringCmd, len(queues))
	_, err = q.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range queues {
			since[i] = p.HGet(ctx, "asynq:{"+name+"}:t:"+first[i].Val(), "pending_since")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, 0, fmt.Errorf("the oldest deliveries in queues %v: %w", queues, err)
	}
	list := make(map[string]Standing, len(queues))
	for i, name := range queues {
		n := counts[i]
		s := Standing{Pending: int(n[0].Val()), Active: int(n[1].Val()), Scheduled: int(n[2].Val()), Retry: int(n[3].Val())}
		if ns, err := strconv.ParseInt(since[i].Val(), 10, 64); err == nil { // else it is being carried out by now
			s.Since = time.Unix(0, ns)
		}
		list[name] = s
	}
	return list, processes(servers.Val()), nil
}

// processes counts those that asynq's servers are of: asynq:servers:{host:pid:server}.
func processes(servers []string) int {
	seen := map[string]bool{}
	for _, s := range servers {
		seen[s[:max(strings.LastIndexByte(s, ':'), 0)]] = true
	}
	return len(seen)
}

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
