package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// forever is the time to live of a key that never expires.
const forever = time.Duration(-1)

var (
	// indexes of unfinished tasks are empty when none is, and so gone.
	indexKey = regexp.MustCompile(`^osp:\{\d+\}:(open|wake|dirty|dead|outbox)$`)
	// taskKey is what belongs to one task.
	taskKey = regexp.MustCompile(`^osp:\{\d+\}:[jmt]:`)
	// queueKey is asynq's list or set of tasks, or one of them. Its counters, servers and workers are no tasks.
	queueKey = regexp.MustCompile(`^asynq:\{[^}]*\}:(pending|active|lease|scheduled|retry|archived|completed|t:.*|unique:.*|g:.*)$`)
)

// leftover tells whether a key should not be there when every task has ended.
func leftover(key string, expires time.Duration) bool {
	return indexKey.MatchString(key) || queueKey.MatchString(key) || taskKey.MatchString(key) && expires == forever
}

// leftovers lists what is left in Redis of tasks, of which all have ended. Finished journals are kept for a day.
func leftovers(ctx context.Context, db *redis.Client, matters func(key string) bool) ([]string, error) {
	var left []string
	for keys := db.Scan(ctx, 0, "*", 1000).Iterator(); ; {
		if !keys.Next(ctx) {
			if err := keys.Err(); err != nil {
				return nil, fmt.Errorf("list the keys of Redis: %w", err)
			}
			break
		}
		key := keys.Val()
		if !matters(key) || !indexKey.MatchString(key) && !queueKey.MatchString(key) && !taskKey.MatchString(key) {
			continue
		}
		expires, err := db.PTTL(ctx, key).Result()
		if err != nil {
			return nil, fmt.Errorf("ask when %s expires: %w", key, err)
		}
		if expires != -2 && leftover(key, expires) { // -2: it is gone
			left = append(left, key)
		}
	}
	slices.Sort(left)
	return slices.Compact(left), nil
}
