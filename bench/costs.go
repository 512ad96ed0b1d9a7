package main

import (
	"context"
	"fmt"
)

// cost is what one way costs as a multiple of another: CPU for a task, and time for a task under load.
type cost struct{ cpu, time float64 }

// costOf compares a run with those before and after it, for the machine is not the same all the time.
func costOf(run, before, after outcome) cost {
	return cost{
		cpu:  2 * run.cpu() / (before.cpu() + after.cpu()),
		time: 2 / run.perS / (1/before.perS + 1/after.perS),
	}
}

// inverse is what the other way costs as a multiple of this one.
func (c cost) inverse() cost { return cost{1 / c.cpu, 1 / c.time} }

// throughput is that of the way, as a multiple of the other's.
func (c cost) throughput() float64 { return 1 / c.time }

// way is a way to run three steps forward that is not the plain one.
type way struct {
	name string
	run  func(ctx context.Context, s settings) (outcome, error)
	add  func(r *report, c cost)
}

// ways are those that are compared with the plain one. The last redis-server has persistence.
func (d *database) ways(persistent *database) []way {
	return []way{
		{"with metrics", d.withMetrics, func(r *report, c cost) { r.addCost("metrics", c) }},
		{"without the flusher", func(ctx context.Context, s settings) (outcome, error) {
			s.flush = !s.flush
			return d.throughput(ctx, s, forwardType)
		}, func(r *report, c cost) { r.addCost("flusher", c.inverse()) }},
		{"ten tasks followed at a time", d.followed, func(r *report, c cost) { r.addCost("watchers", c) }},
		{"ten queues", func(ctx context.Context, s settings) (outcome, error) {
			s.queues = 10
			return d.throughput(ctx, s, forwardType)
		}, func(r *report, c cost) { r.add("queues_ratio", c.throughput()) }},
		{"with appendonly yes", func(ctx context.Context, s settings) (outcome, error) {
			return persistent.throughput(ctx, s, forwardType)
		}, func(r *report, c cost) { r.add("appendonly_ratio", c.throughput()) }},
	}
}

// costs measures what is on or off, each between two plain runs; and workflows as data beside the same in Go.
func costs(ctx context.Context, s settings, db *database, r *report) error {
	persistent, err := startRedis(ctx, s.pool, "--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return err
	}
	defer persistent.stop()
	for i := range s.rounds {
		before, err := db.throughput(ctx, s, forwardType)
		if err != nil {
			return err
		}
		for _, way := range db.ways(persistent) {
			r.progress("round %d of %d: %s", i+1, s.rounds, way.name)
			run, err := way.run(ctx, s)
			if err != nil {
				return fmt.Errorf("%s: %w", way.name, err)
			}
			after, err := db.throughput(ctx, s, forwardType)
			if err != nil {
				return err
			}
			way.add(r, costOf(run, before, after))
			before = after
		}
		r.progress("round %d of %d: three steps in Go, and as data", i+1, s.rounds)
		c, err := db.dataCost(ctx, s)
		if err != nil {
			return err
		}
		r.addCost("data", c)
	}
	return nil
}
