package main

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// command is one of those that a saga needs at least. Not counted: checks of any kind, due times, wake marks, and the row.
type command func(ctx context.Context, c redis.Cmdable, id string) redis.Cmder

var (
	startBytes  = make([]byte, 500) // the first event of a journal, with an input of 200 bytes
	resultBytes = make([]byte, 150) // a result and the next start; the end
)

func record(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.RPush(ctx, "bench:j:"+id, startBytes)
}

func enqueue(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.LPush(ctx, "bench:queue", id)
}

func dequeue(ctx context.Context, c redis.Cmdable, _ string) redis.Cmder {
	return c.RPop(ctx, "bench:queue")
}

func lease(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.ZAdd(ctx, "bench:leases", redis.Z{Score: 1, Member: id})
}

func result(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.RPush(ctx, "bench:j:"+id, resultBytes)
}

func release(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.ZRem(ctx, "bench:leases", id)
}

func expire(ctx context.Context, c redis.Cmdable, id string) redis.Cmder {
	return c.Expire(ctx, "bench:j:"+id, 24*time.Hour)
}

// The commands of a saga of three steps, 10 forward and 13 with three undos. Each list must be acknowledged before the next
// is sent.
var (
	forwardCommands = [][]command{{record, enqueue}, {dequeue, lease, result}, {result}, {result}, {result, release, expire}}
	undoneCommands  = [][]command{
		{record, enqueue}, {dequeue, lease, result}, {result}, {result}, {result}, {result}, {result}, {result, release, expire},
	}
)

// oneByOne sends every command by itself, for as many sagas at once as are in flight.
func (d *database) oneByOne(ctx context.Context, s settings, saga [][]command) (outcome, error) {
	return d.commandsOnly(ctx, s, s.inFlight, 1, func(ids []string) error { return d.send(ctx, saga, ids[0]) })
}

// send sends the commands of one saga, one after the other.
func (d *database) send(ctx context.Context, saga [][]command, id string) error {
	for _, list := range saga {
		for _, command := range list {
			if err := command(ctx, d.raw, id).Err(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pipelined has two senders with half of the sagas in flight each: what these may send at the same time is one pipeline.
func (d *database) pipelined(ctx context.Context, s settings, saga [][]command) (outcome, error) {
	return d.commandsOnly(ctx, s, 2, max(1, s.inFlight/2), func(ids []string) error {
		for _, list := range saga {
			pipe := d.raw.Pipeline()
			for _, id := range ids {
				for _, command := range list {
					command(ctx, pipe, id)
				}
			}
			if _, err := pipe.Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// commandsOnly has so many senders take sagas, so many at a time, until all are through.
func (d *database) commandsOnly(ctx context.Context, s settings, senders, together int, send func(ids []string) error) (outcome, error) {
	ids := make(chan []string, s.tasks/together+1)
	for n := 0; n < s.tasks; n += together {
		var some []string
		for range min(together, s.tasks-n) {
			some = append(some, id())
		}
		ids <- some
	}
	close(ids)
	return d.measured(ctx, s.tasks, func() error {
		var all sync.WaitGroup
		errs := make(chan error, senders)
		for range senders {
			all.Go(func() {
				for some := range ids {
					if err := send(some); err != nil {
						errs <- err
						return
					}
				}
			})
		}
		all.Wait()
		close(errs)
		return <-errs
	})
}

func (d *database) commandsLone(ctx context.Context, s settings) ([]float64, error) {
	done := make(chan struct{}, 1)
	times, err := oneByOne(ctx, s.lone, func(int) error {
		defer func() { done <- struct{}{} }()
		return d.send(ctx, forwardCommands, id())
	}, done)
	if err != nil {
		return nil, err
	}
	return times, d.empty(ctx)
}
