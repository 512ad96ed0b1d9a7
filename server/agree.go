package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/tasks"
)

// onCluster is over how many partitions tasks are spread on a cluster when nobody says otherwise: enough for as many
// masters, few enough that sweeping them all costs little.
const onCluster = 16

// partitions is how many there are: one on a plain Redis, where more would only cost.
func (s *Server) partitions() int { return partitionsOf(s.config, s.redis) }

func partitionsOf(c Config, client redis.UniversalClient) int {
	if c.Partitions > 0 {
		return c.Partitions
	}
	if _, ok := client.(*redis.ClusterClient); ok {
		return onCluster
	}
	return 1
}

// What all processes of a Redis agree on is noted there by the first of them.
const (
	partitionsKey = "osp:partitions" // with another number, a process would look for tasks where they are not
	storeKey      = "osp:store"      // with another store, rows would be written where nobody looks, and recovered tasks would run twice
)

// agreeOn notes a value in Redis, and returns what the first process has noted.
func (s *Server) agreeOn(ctx context.Context, key, value string) (noted string, err error) {
	if err := s.redis.SetNX(ctx, key, value, 0).Err(); err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	if noted, err = s.redis.Get(ctx, key).Result(); err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	return noted, nil
}

// agreeOnPartitions sees to it that this process spreads tasks like all others.
func (s *Server) agreeOnPartitions(ctx context.Context) error {
	want := strconv.Itoa(s.partitions())
	have, err := s.agreeOn(ctx, partitionsKey, want)
	if err == nil && have != want {
		return &ConfigError{"OSP_PARTITIONS", otherPartitions(want, have)}
	}
	return err
}

func otherPartitions(ours, noted string) string {
	return fmt.Sprintf("is %s here, but the tasks in this Redis are spread over %s: set it to %[2]s", ours, noted)
}

const otherStore = "another result store than the one that the tasks in REDIS_URL's Redis belong to: " +
	"use that one, or another Redis; if their rows were given up on purpose, delete the key " + storeKey

// agreeOnStore sees to it that this process has the same result store as all others.
func (s *Server) agreeOnStore(ctx context.Context) error {
	id, err := s.store.ID(ctx)
	if err != nil {
		return fmt.Errorf("result store: %w", err)
	}
	have, err := s.agreeOn(ctx, storeKey, id)
	if err == nil && have != id {
		variable := "SUPABASE_URL"
		if s.config.SQLite != "" {
			variable = "OSP_RESULTS"
		}
		return &ConfigError{variable, "leads to " + otherStore}
	}
	return err
}

// checkLate looks at Redis if it was away at the start, and at the result store, as soon as they answer. It returns nil when
// ctx ends.
func (s *Server) checkLate(ctx context.Context) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		done, err := s.checkNow(ctx)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// checkNow tells whether everything has been looked at. What is away is no error.
func (s *Server) checkNow(ctx context.Context) (done bool, err error) {
	if s.embedded != nil {
		return true, nil // ours, and empty at every start
	}
	if !s.redisAnswers(ctx) {
		return false, nil // preflight would say so each time
	}
	if !s.checked {
		if err := s.preflight(ctx); err != nil || !s.checked {
			return false, err
		}
	}
	err = s.agreeOnStore(ctx)
	if _, refused := errors.AsType[*ConfigError](err); refused {
		return false, err
	}
	return err == nil, nil
}

func (s *Server) redisAnswers(ctx context.Context) bool { return s.redis.Ping(ctx).Err() == nil }

// connect opens what the commands work with, beside processes that serve: Redis, the result store and the journal. It
// waits for nothing, and makes no store that is not there.
func (s *Server) connect(ctx context.Context) (err error) {
	if s.redis, err = openRedis(s.config.RedisURL, s.config.RedisPool, s.config.RedisTrust); err != nil {
		return err
	}
	s.bell = tasks.NewBell(s.redis, s.log, time.Now)
	if err := reachRedis(ctx, s.redis); err != nil {
		return err
	}
	if s.store, err = openThere(ctx, s.config); err != nil {
		return err
	}
	if err := reachStore(ctx, s.store); err != nil {
		return err
	}
	if err := s.agreeOnPartitions(ctx); err != nil {
		return err
	}
	s.journal = journal.New(s.redis, journal.Options{
		LeaseTTL: s.config.Lease, KeepFinished: s.config.KeepFinished, Partitions: s.partitions(),
	})
	s.bell.Connect(s.journal)
	return s.agreeOnStore(ctx)
}
