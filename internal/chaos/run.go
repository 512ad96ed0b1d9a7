package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// options say what a run is.
type options struct {
	seed     uint64
	lasts    time.Duration
	pace     float64   // 1: faults come as often as the lanes say
	only     faultKind // empty: all
	workers  int
	apis     int
	every    time.Duration // between two tasks
	osp      string        // the program
	dir      string        // for logs and history
	patience time.Duration // for all tasks to end, after the last fault
	queue    time.Duration // for asynq to forget them; 0: what it remembers is not looked at
}

// overtime is what starting everything, and asking for every task in the end, may take together.
const overtime = 5 * time.Minute

// run lets a world go wrong for a while, has it come to rest, and tells what is not as it should be.
func run(ctx context.Context, t testing.TB, o options, out io.Writer) (*report, error) {
	ctx, cancel := context.WithTimeout(ctx, o.lasts+o.patience+o.queue+overtime)
	defer cancel()
	r := &report{Seed: o.seed, Lasted: o.lasts}
	h, err := newHistory(filepath.Join(o.dir, "history.jsonl"))
	if err != nil {
		return r, err
	}
	w, err := newWorld(ctx, t, o, o.dir, h, out)
	if err != nil {
		return r, err
	}
	c := newClient(w.apis)
	defer c.close()
	service, err := serviceOf(ctx, c)
	if err != nil {
		return r, err
	}
	h.begin()
	d := &damage{world: w, did: map[faultKind]int{}}
	if err := storm(ctx, o, d, &workload{client: c, history: h, seed: o.seed, service: service, every: o.every}); err != nil {
		return r, err
	}
	if err := w.settle(ctx, o, r); err != nil {
		return r, err
	}
	if err := h.close(); err != nil {
		return r, fmt.Errorf("write the history: %w", err)
	}
	if err := w.judge(ctx, o, c, service, r); err != nil {
		return r, err
	}
	w.stop(d)
	r.Faults, r.Stops, r.Fallen = d.did, d.stops, w.fallen
	r.Kills = d.did[faultKill] + d.did[faultRedisKill]
	r.Found = append(r.Found, d.found...)
	return r, nil
}

// storm is the time of the faults. It returns when they are over and every task that was sent has its answer.
func storm(ctx context.Context, o options, d *damage, load *workload) error {
	sending, stop := context.WithTimeout(ctx, o.lasts)
	defer stop()
	var both sync.WaitGroup
	var err error
	both.Go(func() { err = load.run(ctx, sending) })
	both.Go(func() { d.run(ctx, schedule(o.seed, o.lasts, d.world.targets(), o.pace, o.only)) })
	both.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", ctx.Err())
	}
	return err
}

// settle waits until all tasks have ended.
func (w *world) settle(ctx context.Context, o options, r *report) error {
	w.say("the faults are over")
	db := redis.NewClient(&redis.Options{Addr: w.redis.Addr})
	defer func() { _ = db.Close() }()
	var ended bool
	r.Drained, ended = quietly(ctx, db, o.patience, ourIndexes())
	if !ended {
		w.say("not all tasks have ended")
	}
	if ended && o.queue > 0 {
		w.say("all tasks have ended; asynq may take two minutes to see that it has none")
		r.Queue, _ = quietly(ctx, db, o.queue, queueIndexes())
	}
	return ctx.Err()
}

// judge holds what is there to what was seen.
func (w *world) judge(ctx context.Context, o options, c *client, service string, r *report) error {
	events, err := readHistory(filepath.Join(o.dir, "history.jsonl"))
	if err != nil {
		return err
	}
	var ids []string
	for _, e := range events {
		if e.What == seenSent {
			ids = append(ids, e.Task)
		}
	}
	slices.Sort(ids)
	matters := func(key string) bool { return o.queue > 0 || !queueKey.MatchString(key) }
	end, err := w.gather(ctx, c, service, ids, matters)
	if err != nil {
		return err
	}
	r.count(events, end)
	r.Found = check(events, end)
	return nil
}

// stop ends every process in good order.
func (w *world) stop(d *damage) {
	var all sync.WaitGroup
	for _, p := range w.parties {
		all.Go(func() {
			p.hold()
			code, stopped := p.terminate(stopWithin)
			d.mu.Lock()
			defer d.mu.Unlock()
			if code != 0 || !stopped {
				d.found.add(wrongElse, "", "%s ended with exit code %d when all was over", p.name, code)
			}
		})
	}
	all.Wait()
}
