package main

import (
	"context"
	"runtime"
)

// side is one that stands beside the floor.
type side struct {
	name            string
	prefix          string // of its keys
	forward, undone func(context.Context, settings) (outcome, error)
	lone            func(context.Context, settings) ([]float64, error)
}

func (d *database) sides() []side {
	return []side{
		{
			name: "three steps", forward: func(ctx context.Context, s settings) (outcome, error) {
				return profiled(s, func() (outcome, error) { return d.throughput(ctx, s, forwardType) })
			},
			undone: func(ctx context.Context, s settings) (outcome, error) { return d.throughput(ctx, s, compensatedType) },
			lone:   d.lone,
		},
		{
			name: "three steps, a core left to Redis", prefix: "left_",
			forward: func(ctx context.Context, s settings) (outcome, error) {
				defer leaveCore()()
				return d.throughput(ctx, s, forwardType)
			},
			undone: func(ctx context.Context, s settings) (outcome, error) {
				defer leaveCore()()
				return d.throughput(ctx, s, compensatedType)
			},
			lone: func(ctx context.Context, s settings) ([]float64, error) {
				defer leaveCore()()
				return d.lone(ctx, s)
			},
		},
		{
			name: "three steps, four times as many in flight", prefix: "many_",
			forward: func(ctx context.Context, s settings) (outcome, error) { return d.throughput(ctx, many(s), forwardType) },
			undone: func(ctx context.Context, s settings) (outcome, error) {
				return d.throughput(ctx, many(s), compensatedType)
			},
		},
		{
			name: "a naive chain", prefix: "naive_",
			forward: func(ctx context.Context, s settings) (outcome, error) { return d.naive(ctx, s, 3) },
			undone:  func(ctx context.Context, s settings) (outcome, error) { return d.naive(ctx, s, 6) },
			lone:    d.naiveLone,
		},
		{
			name: "only the commands", prefix: "commands_",
			forward: func(ctx context.Context, s settings) (outcome, error) { return d.oneByOne(ctx, s, forwardCommands) },
			undone:  func(ctx context.Context, s settings) (outcome, error) { return d.oneByOne(ctx, s, undoneCommands) },
			lone:    d.commandsLone,
		},
		{
			name: "only the commands, in pipelines", prefix: "pipelined_",
			forward: func(ctx context.Context, s settings) (outcome, error) { return d.pipelined(ctx, s, forwardCommands) },
			undone:  func(ctx context.Context, s settings) (outcome, error) { return d.pipelined(ctx, s, undoneCommands) },
		},
	}
}

// leaveCore has Go work on one core less, which is then the redis-server's, until what it returns is called.
func leaveCore() (back func()) {
	all := runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)-1))
	return func() { runtime.GOMAXPROCS(all) }
}

// many are the settings with four times as many tasks in flight. Raw asynq would gain nothing: it fetches one after the other.
func many(s settings) settings {
	s.inFlight *= 4
	return s
}

// sides measures the floor and all beside it, in turns. Ratios are of figures of the same round.
func sides(ctx context.Context, s settings, db *database, r *report) error {
	for i := range s.rounds {
		r.progress("round %d of %d: raw asynq", i+1, s.rounds)
		floor, err := db.floor(ctx, s)
		if err != nil {
			return err
		}
		r.add("floor_per_s", floor.perS)
		r.addCPU("floor_", floor)
		for _, side := range db.sides() {
			r.progress("round %d of %d: %s, forward and undone", i+1, s.rounds, side.name)
			forward, err := side.forward(ctx, s)
			if err != nil {
				return err
			}
			undone, err := side.undone(ctx, s)
			if err != nil {
				return err
			}
			r.add(side.prefix+"forward_per_s", forward.perS)
			r.add(side.prefix+"forward_ratio", forward.perS/floor.perS)
			r.addCPU(side.prefix, forward)
			r.add(side.prefix+"compensated_per_s", undone.perS)
			r.add(side.prefix+"compensated_ratio", undone.perS/floor.perS)
			r.add(side.prefix+"compensated_cpu_s_per_1000", undone.cpu())
		}
	}
	return nil
}

// loneTasks measures tasks one after the other on an idle system, and what an idle worker asks of Redis.
func loneTasks(ctx context.Context, s settings, db *database, r *report) error {
	r.progress("%d lone tasks of each", s.lone)
	times, err := db.floorLone(ctx, s)
	if err != nil {
		return err
	}
	r.add("floor_lone_p50_ms", median(times))
	for _, side := range db.sides() {
		if side.lone == nil {
			continue
		}
		if times, err = side.lone(ctx, s); err != nil {
			return err
		}
		r.add(side.prefix+"lone_p50_ms", median(times))
		r.add(side.prefix+"lone_p99_ms", percentile(times, 99))
	}
	r.progress("%v of an idle worker", s.idle)
	idle, err := db.idle(ctx, s)
	r.add("idle_commands_per_s", idle)
	return err
}
