package server

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/scale"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// gaugePatience is less than what Prometheus gives a scrape.
const gaugePatience = 5 * time.Second

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

// ServeHTTP answers GET /metrics in Prometheus' text format.
func (g *gauge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), gaugePatience)
	defer cancel()
	byQueue, all, err := g.due(ctx)
	if err != nil {
		// No numbers at all: a zero would have workers taken away while Redis is.
		http.Error(w, "Redis does not answer", http.StatusServiceUnavailable)
		return
	}
	var b strings.Builder
	b.WriteString("# HELP osp_queue_backlog Deliveries that are due: waiting for their turn or a worker, or with one. " +
		"Every process says the same: take the maximum, not the sum.\n# TYPE osp_queue_backlog gauge\n")
	for _, name := range g.names {
		fmt.Fprintf(&b, "osp_queue_backlog{queue=%q} %d\n", name, byQueue[name])
	}
	b.WriteString("# HELP osp_workers_desired Workers that the backlog needs, as GET /v1/scale says.\n# TYPE osp_workers_desired gauge\n")
	fmt.Fprintf(&b, "osp_workers_desired %d\n", g.rule.Desired(all))
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String()))
}
