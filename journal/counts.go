package journal

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Counts are what a journal has at one moment.
type Counts struct {
	Open      int                  // tasks that have not ended
	Dead      int                  // dead letters
	Unwritten int                  // tasks whose rows are older than their journals
	Oldest    time.Time            // when the one of those changed that waits the longest; zero: there is none
	InLine    map[string]int       // those that wait for room, by the name of the limit
	Held      map[string]time.Time // by queue: since when the task is held back that waits the longest
}

// looked is how many tasks of an index are looked at for the oldest. Those that have waited the longest are among the first.
const looked = 100

// lookedEach is how many of them are looked at in each partition: a cluster has many.
func (r *Redis) lookedEach() int64 { return int64(max(looked/len(r.partitions), 5)) }

// counting is one partition's part of a count.
type counting struct {
	open, dirty, dead *redis.IntCmd
	first             *redis.StringSliceCmd
	limits            *redis.StringSliceCmd
	held              map[string]*redis.StringSliceCmd
}

// Counts counts in three round trips, however much there is. Limits are few: only those under which somebody waits.
func (r *Redis) Counts(ctx context.Context, queues ...string) (Counts, error) {
	parts, each := make([]counting, len(r.partitions)), r.lookedEach()
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range r.partitions {
			parts[i] = counting{
				open: pipe.ZCard(ctx, p.open), dirty: pipe.ZCard(ctx, p.dirty), dead: pipe.ZCard(ctx, p.dead),
				first: pipe.ZRange(ctx, p.dirty, 0, each-1), limits: pipe.HKeys(ctx, p.limits), held: map[string]*redis.StringSliceCmd{},
			}
			for _, q := range queues {
				parts[i].held[q] = pipe.ZRange(ctx, p.held(q), 0, each-1) // the next of each group
			}
		}
		return nil
	})
	if err != nil {
		return Counts{}, fail(ctx, "count tasks", "", err)
	}
	c := Counts{InLine: map[string]int{}, Held: map[string]time.Time{}}
	for i := range parts {
		c.Open += int(parts[i].open.Val())
		c.Dead += int(parts[i].dead.Val())
		c.Unwritten += int(parts[i].dirty.Val())
	}
	if err := r.countLines(ctx, parts, &c); err != nil {
		return Counts{}, fail(ctx, "count tasks in line", "", err)
	}
	if err := r.findOldest(ctx, parts, &c); err != nil {
		return Counts{}, fail(ctx, "find the oldest tasks", "", err)
	}
	return c, nil
}

// countLines counts those that wait for room, and those that were given some and have not come.
func (r *Redis) countLines(ctx context.Context, parts []counting, c *Counts) error {
	type line struct {
		name        string
		wait, given *redis.IntCmd
	}
	var lines []line
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range r.partitions {
			for _, name := range parts[i].limits.Val() {
				lines = append(lines, line{name, pipe.ZCard(ctx, p.base+"w:"+name), pipe.ZCard(ctx, p.base+"g:"+name)})
			}
		}
		return nil
	})
	for _, l := range lines {
		c.InLine[l.name] += int(l.wait.Val() + l.given.Val())
	}
	return err
}

// findOldest reads when those changed that come first. Their marks do not tell: each attempt to write them sets a new one.
func (r *Redis) findOldest(ctx context.Context, parts []counting, c *Counts) error {
	type version struct {
		queue string // empty: of the dirty ones
		at    *redis.StringCmd
	}
	var list []version
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range r.partitions {
			for _, id := range parts[i].first.Val() {
				list = append(list, version{"", pipe.HGet(ctx, p.meta(id), "v")})
			}
			for queue, held := range parts[i].held {
				for _, id := range held.Val() {
					list = append(list, version{queue, pipe.HGet(ctx, p.meta(id), "v")})
				}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) { // nil: the task is gone since
		return err
	}
	for _, v := range list {
		at := moment(number(v.at.Val()))
		switch held := c.Held[v.queue]; {
		case at.IsZero():
		case v.queue == "" && (c.Oldest.IsZero() || at.Before(c.Oldest)):
			c.Oldest = at
		case v.queue != "" && (held.IsZero() || at.Before(held)):
			c.Held[v.queue] = at
		}
	}
	return nil
}
