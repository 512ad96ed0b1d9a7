package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
)

// outcome is what came of a throughput run.
type outcome struct {
	perS    float64
	process float64 // CPU seconds per 1,000 tasks: of this process, user and system
	redis   float64 // the same of the redis-server
}

// cpu is that of both together.
func (o outcome) cpu() float64 { return o.process + o.redis }

// checkInterval is asynq's sleep between two looks at empty queues. The engine's workers are told of work.
const checkInterval = 5 * time.Millisecond

// rawServer is raw asynq.
func (d *database) rawServer(s settings, handle asynq.HandlerFunc) (*asynq.Server, error) {
	server := asynq.NewServerFromRedisClient(d.raw, asynq.Config{
		Concurrency: s.inFlight, TaskCheckInterval: checkInterval, LogLevel: asynq.FatalLevel,
	})
	return server, server.Start(handle)
}

// floorServer is raw asynq with a task that does nothing; done is told of each.
func (d *database) floorServer(s settings, done func()) (*asynq.Server, *asynq.Client, error) {
	server, err := d.rawServer(s, func(context.Context, *asynq.Task) error {
		done()
		return nil
	})
	return server, asynq.NewClientFromRedisClient(d.raw), err
}

// floor is the throughput of raw asynq.
func (d *database) floor(ctx context.Context, s settings) (outcome, error) {
	slots := make(chan struct{}, s.inFlight)
	server, client, err := d.floorServer(s, func() { <-slots })
	if err != nil {
		return outcome{}, err
	}
	defer server.Shutdown()
	payload := make([]byte, 200)
	return d.closedLoop(ctx, s, slots, func(int) error {
		_, err := client.EnqueueContext(ctx, asynq.NewTask("noop", payload))
		return err
	})
}

// starters is how many goroutines start tasks: a quarter of those in flight are being started.
func (s settings) starters() int { return max(1, s.inFlight/4) }

// closedLoop starts tasks as slots come free, and waits for the last one.
func (d *database) closedLoop(ctx context.Context, s settings, slots chan struct{}, start func(i int) error) (outcome, error) {
	return d.measured(ctx, s.tasks, func() error { return loop(ctx, s, slots, start) })
}

// measured is what came of running so many tasks. Afterwards Redis is empty.
func (d *database) measured(ctx context.Context, tasks int, run func() error) (outcome, error) {
	process, server := d.cpu(ctx)
	begun := time.Now()
	if err := run(); err != nil {
		return outcome{}, err
	}
	seconds := time.Since(begun).Seconds()
	processNow, serverNow := d.cpu(ctx)
	thousands := float64(tasks) / 1000
	return outcome{
		perS: float64(tasks) / seconds, process: (processNow - process) / thousands, redis: (serverNow - server) / thousands,
	}, d.empty(ctx)
}

func loop(ctx context.Context, s settings, slots chan struct{}, start func(i int) error) error {
	starters := s.starters()
	errs := make(chan error, starters)
	for g := range starters {
		go func() {
			for i := g; i < s.tasks; i += starters {
				slots <- struct{}{}
				if err := start(i); err != nil {
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
	for range cap(slots) { // all slots free again: all tasks have ended
		select {
		case slots <- struct{}{}:
		case <-time.After(time.Minute):
			return fmt.Errorf("%d tasks did not end", len(slots))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (d *database) floorLone(ctx context.Context, s settings) ([]float64, error) {
	done := make(chan struct{})
	server, client, err := d.floorServer(s, func() { done <- struct{}{} })
	if err != nil {
		return nil, err
	}
	defer server.Shutdown()
	return oneByOne(ctx, s.lone, func(int) error {
		_, err := client.EnqueueContext(ctx, asynq.NewTask("noop", nil))
		return err
	}, done)
}

// oneByOne starts tasks on an idle system, and returns how long each took in milliseconds.
func oneByOne(ctx context.Context, n int, start func(i int) error, done <-chan struct{}) ([]float64, error) {
	times := make([]float64, 0, n)
	for i := range n {
		time.Sleep(15 * time.Millisecond) // the system falls idle
		begun := time.Now()
		if err := start(i); err != nil {
			return nil, err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Minute):
			return nil, fmt.Errorf("lone task %d did not end", i)
		}
		times = append(times, float64(time.Since(begun).Microseconds())/1000)
	}
	return times, nil
}

// quiet is the log of a benchmark.
var quiet = slog.New(slog.DiscardHandler)
