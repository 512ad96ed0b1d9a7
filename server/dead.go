package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/tasks"
)

// DeadLetters is what `osp dead-letters` works with: the journal in the environment's Redis, without a process that serves.
type DeadLetters struct {
	*tasks.Dispatcher
	redis redis.UniversalClient
}

// OpenDeadLetters opens the Redis at REDIS_URL. How the tasks are spread there, Redis itself knows.
func OpenDeadLetters(ctx context.Context, env Environment) (*DeadLetters, error) {
	l := loader{env: env}
	s := &Server{config: Config{RedisURL: l.redisURL(), RedisTrust: l.redisTrust()}}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	var err error
	if s.redis, err = openRedis(s.config.RedisURL, 1, s.config.RedisTrust); err != nil {
		return nil, err
	}
	if err := reachRedis(ctx, s.redis); err != nil {
		_ = s.redis.Close()
		return nil, err
	}
	spread, err := s.redis.Get(ctx, partitionsKey).Int()
	switch {
	case errors.Is(err, redis.Nil): // no process has been here yet
		spread = s.partitions()
	case err != nil:
		_ = s.redis.Close()
		return nil, fmt.Errorf("redis: %w", err)
	}
	// Nobody here writes rows: the flusher of some process finds them within its sweep.
	dispatcher := &tasks.Dispatcher{Journal: journal.New(s.redis, journal.Options{Partitions: spread}), Changed: func() {}}
	return &DeadLetters{Dispatcher: dispatcher, redis: s.redis}, nil
}

// Close closes the connection.
func (d *DeadLetters) Close() { _ = d.redis.Close() }
