package server

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/saga"
)

// measure has Redis measured, and what it knows told by every scrape. It comes after the group commit.
func (s *Server) measure() {
	s.redis.AddHook(s.metrics.Redis())
	s.metrics.Pool(s.redis.PoolStats)
	var stuck func(context.Context) (int, error)
	if s.store != nil {
		stuck = s.stuck
	}
	s.metrics.Observe(s.state, stuck)
}

// state is what Redis knows.
func (s *Server) state(ctx context.Context) (telemetry.State, error) {
	due, all, err := s.gauge.due(ctx)
	if err != nil {
		return telemetry.State{}, err
	}
	names, now := s.gauge.names, s.gauge.now()
	standings, workers, err := s.gauge.queue.Standings(ctx, names, now)
	if err != nil {
		return telemetry.State{}, err
	}
	held, err := s.journal.Held(ctx, names...)
	if err != nil {
		return telemetry.State{}, err
	}
	counts, err := s.journal.Counts(ctx, names...)
	if err != nil {
		return telemetry.State{}, err
	}
	st := telemetry.State{
		Queues: map[string]telemetry.Queue{}, Desired: s.gauge.rule.Desired(all), Workers: workers, Open: counts.Open, Dead: counts.Dead,
		Unwritten: counts.Unwritten, Oldest: age(now, counts.Oldest), InLine: map[string]int{},
	}
	for i, name := range names {
		q := standings[name]
		st.Queues[name] = telemetry.Queue{
			Backlog: due[name],
			Tasks: map[string]int{
				"pending": q.Pending, "active": q.Active, "scheduled": q.Scheduled, "retry": q.Retry, "held": held[i],
			},
			Oldest: max(age(now, q.Since), age(now, counts.Held[name])),
		}
	}
	for limit, n := range counts.InLine {
		typeName, _, _ := strings.Cut(limit, "/") // what follows is whose limit it is
		st.InLine[typeName] += n
	}
	st.Memory, st.MaxMemory, err = s.memory(ctx)
	return st, err
}

// age is how long ago something was; 0, if it never was.
func age(now, then time.Time) time.Duration {
	if then.IsZero() {
		return 0
	}
	return max(0, now.Sub(then))
}

// memory is what all nodes of Redis use together, and may use.
func (s *Server) memory(ctx context.Context) (used, most int64, err error) {
	cluster, ok := s.redis.(*redis.ClusterClient)
	if !ok {
		i, err := readMemory(ctx, s.redis)
		used, most = memoryOf(i)
		return used, most, err
	}
	var sum, bound atomic.Int64
	err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		i, err := readMemory(ctx, node)
		used, most := memoryOf(i)
		sum.Add(used)
		bound.Add(most)
		return err
	})
	return sum.Load(), bound.Load(), err
}

func memoryOf(i info) (used, most int64) {
	used, _ = strconv.ParseInt(i["used_memory"], 10, 64)
	most, _ = strconv.ParseInt(i["maxmemory"], 10, 64)
	return used, most
}

// mostStuck is how many stuck tasks are counted: more is no better news.
const mostStuck = 1000

// stuck counts the tasks that wait for an operator.
func (s *Server) stuck(ctx context.Context) (int, error) {
	if !s.stored.Load() {
		return 0, errors.New("the result store has not answered yet")
	}
	counts, err := s.store.Counts(ctx, saga.Query{State: saga.Stuck, Limit: mostStuck})
	return counts.State[saga.Stuck], err
}
