package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/osp-platform/osp/saga"
)

// longSteps is how many steps a long workflow has.
const longSteps = 200

func long() saga.Step {
	steps := make([]saga.Step, longSteps)
	for i := range steps {
		steps[i] = step("s"+strconv.Itoa(i), nil)
	}
	return saga.Sequence(steps...)
}

// queueNames are the queues of the engine, of equal weight.
func (s settings) queueNames() map[string]int {
	list := map[string]int{"default": 1}
	for i := 1; i < s.queues; i++ {
		list[s.queueOf(i)] = 1
	}
	return list
}

// queueOf is the queue of the i'th task.
func (s settings) queueOf(i int) string {
	if s.queues < 2 || i%s.queues == 0 {
		return "default"
	}
	return "q" + strconv.Itoa(i%s.queues)
}

// longWorkflows compares the steps for each second in workflows of 200 steps with those of three.
func longWorkflows(ctx context.Context, s settings, db *database, r *report) error {
	few := s
	few.tasks = max(s.inFlight, s.tasks*3/longSteps*4)
	for i := range s.rounds {
		r.progress("round %d of %d: workflows of %d steps", i+1, s.rounds, longSteps)
		before, err := db.throughput(ctx, s, forwardType)
		if err != nil {
			return err
		}
		run, err := db.throughput(ctx, few, longType)
		if err != nil {
			return err
		}
		after, err := db.throughput(ctx, s, forwardType)
		if err != nil {
			return err
		}
		r.add("long_steps_per_s", run.perS*longSteps)
		r.add("long_ratio", costOf(run, before, after).throughput()*longSteps/3)
	}
	return nil
}

// besideWaiting measures what waiting tasks cost: bytes of each, commands of an idle worker, and the throughput of others
// beside them.
func besideWaiting(ctx context.Context, s settings, db *database, r *report) error {
	full, err := startRedis(ctx, s.pool)
	if err != nil {
		return err
	}
	defer full.stop()
	full.keeps = true
	r.progress("%d waiting tasks", s.waiting)
	if err := full.fill(ctx, s, r); err != nil {
		return err
	}
	return beside(ctx, s, db, full, r, "waiting")
}

// fill has so many tasks wait for a signal, and measures their bytes and an idle worker beside them.
func (d *database) fill(ctx context.Context, s settings, r *report) error {
	e, err := d.engine(ctx, s, func() {})
	if err != nil {
		return err
	}
	defer e.close(ctx)
	before := d.info(ctx, "used_memory")
	if err := e.startAll(ctx, s.waiting, waitingType); err != nil {
		return err
	}
	err = until(time.Hour, 50*time.Millisecond, "all tasks wait", func() bool {
		parked, err := d.raw.ZCount(ctx, "osp:{00}:open", "9e15", "9e15").Result()
		return err == nil && parked >= int64(s.waiting)
	})
	if err != nil {
		return err
	}
	r.add("waiting_tasks", float64(s.waiting))
	r.add("idle_commands_per_s_with_waiting", d.commands(ctx, s))
	r.add("redis_bytes_per_waiting", (d.info(ctx, "used_memory")-before)/float64(s.waiting))
	return nil
}

// startAll starts so many tasks of a type as fast as it can.
func (e *engine) startAll(ctx context.Context, n int, typeName string) error {
	const starters = 16
	errs := make(chan error, starters)
	for g := range starters {
		go func() {
			for i := g; i < n; i += starters {
				if err := e.start(ctx, typeName, input); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range starters {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

// behindPending measures the throughput while so many tasks are due: each that ends is followed by another.
func behindPending(ctx context.Context, s settings, db *database, r *report) error {
	full, err := startRedis(ctx, s.pool)
	if err != nil {
		return err
	}
	defer full.stop()
	full.keeps = true
	r.progress("%d pending tasks", s.pending)
	if err := full.pend(ctx, s, s.pending); err != nil {
		return err
	}
	r.add("pending_tasks", float64(s.pending))
	return beside(ctx, s, db, full, r, "pending")
}

// pend starts so many tasks, which no worker takes yet.
func (d *database) pend(ctx context.Context, s settings, n int) error {
	s.noWorker = true
	e, err := d.engine(ctx, s, func() {})
	if err != nil {
		return err
	}
	defer e.close(ctx)
	return e.startAll(ctx, n, forwardType)
}

// beside compares three steps forward on a full Redis with those on an empty one, in turns.
func beside(ctx context.Context, s settings, empty, full *database, r *report, what string) error {
	behind := s
	behind.backlog = what == "pending"
	for i := range s.rounds {
		r.progress("round %d of %d: beside %s tasks", i+1, s.rounds, what)
		before, err := empty.throughput(ctx, s, forwardType)
		if err != nil {
			return err
		}
		run, err := full.throughput(ctx, behind, forwardType)
		if err != nil {
			return err
		}
		after, err := empty.throughput(ctx, s, forwardType)
		if err != nil {
			return err
		}
		r.add(what+"_per_s", run.perS)
		r.add(what+"_ratio", costOf(run, before, after).throughput())
	}
	return nil
}

// until asks for something again and again.
func until(within, every time.Duration, what string, ask func() bool) error {
	for deadline := time.Now().Add(within); !ask(); time.Sleep(every) {
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %s", within, what)
		}
	}
	return nil
}
