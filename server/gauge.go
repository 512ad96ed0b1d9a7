package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/scale"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// gauge measures what is due, by Redis, and says how many workers that needs.
type gauge struct {
	queue *tasks.Queue
	held  func(ctx context.Context, queues ...string) ([]int, error) // tasks kept back from queues that are full
	names []string                                                   // of the queues
	rule  scale.Rule
	now   func() time.Time
}

func newGauge(q *tasks.Queue, j tasks.HeldJournal, c Config) *gauge {
	return &gauge{queue: q, held: j.Held, names: slices.Sorted(maps.Keys(c.Queues)), rule: c.Scale, now: time.Now}
}

func (g *gauge) due(ctx context.Context) (byQueue map[string]int, all int, err error) {
	if byQueue, err = g.queue.Due(ctx, g.names, g.now()); err != nil {
		return nil, 0, fmt.Errorf("redis: %w: %w", saga.ErrUnavailable, err)
	}
	held, err := g.held(ctx, g.names...)
	if err != nil {
		return nil, 0, err
	}
	for i, name := range g.names {
		byQueue[name] += held[i]
		all += byQueue[name]
	}
	return byQueue, all, nil
}

// Scale implements handlers.Scaler.
func (g *gauge) Scale(ctx context.Context) (handlers.Scale, error) {
	_, all, err := g.due(ctx)
	if err != nil {
		return handlers.Scale{}, err
	}
	return handlers.Scale{Backlog: all, Desired: g.rule.Desired(all)}, nil
}
