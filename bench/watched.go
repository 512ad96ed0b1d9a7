package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/journal"
)

// watched is the database through a client that is measured, as the server has it.
func (d *database) watched() (measured *database, m *telemetry.Metrics, stop func()) {
	m = telemetry.NewMetrics(telemetry.Build{}, time.Now)
	other := *d
	options := *d.client.(*redis.Client).Options()
	other.client = redis.NewClient(&options)
	ungroup := journal.GroupCommit(other.client)
	other.client.AddHook(m.Redis())
	return &other, m, func() {
		ungroup()
		_ = other.client.Close()
	}
}

// metricsCost is what metrics cost, in CPU and in time, as a multiple of the same tasks without.
func (d *database) metricsCost(ctx context.Context, s settings) (cpu, took float64, err error) {
	return d.cost(ctx, s, nil)
}

// tracesCost is what metrics cost and traces of every task, which a collector on this machine throws away.
func (d *database) tracesCost(ctx context.Context, s settings) (cpu, took float64, err error) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	t, err := telemetry.NewTracing(ctx, telemetry.TraceConfig{
		Endpoint: collector.URL + "/v1/traces", Timeout: 10 * time.Second, Sampler: sdktrace.AlwaysSample(), Queue: 2048, Batch: 512,
		Delay: time.Second,
	}, telemetry.Build{}, "worker", time.Now)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = t.Close(ctx) }()
	return d.cost(ctx, s, t)
}

// cost takes what is watched between two runs that are not, for the machine is not the same all the time.
func (d *database) cost(ctx context.Context, s settings, t *telemetry.Tracing) (cpu, took float64, err error) {
	before, err := d.throughput(ctx, s, forwardType)
	if err != nil {
		return 0, 0, err
	}
	measured, m, stop := d.watched()
	defer stop()
	seen := s
	seen.observer = telemetry.Observer(m, t)
	with, err := measured.throughput(ctx, seen, forwardType)
	if err != nil {
		return 0, 0, err
	}
	after, err := d.throughput(ctx, s, forwardType)
	return 2 * with.cpu() / (before.cpu() + after.cpu()), 2 / with.perS / (1/before.perS + 1/after.perS), err
}

// watching measures only what being watched costs, and writes nothing: -watching.
func watching(ctx context.Context, s settings, out io.Writer) error {
	db, err := startRedis(ctx, s.pool)
	if err != nil {
		return err
	}
	defer db.stop()
	for name, cost := range map[string]func(context.Context, settings) (float64, float64, error){"metrics": db.metricsCost, "metrics and traces": db.tracesCost} {
		var cpus, times []float64
		for range s.rounds {
			cpu, took, err := cost(ctx, s)
			if err != nil {
				return err
			}
			cpus, times = append(cpus, cpu), append(times, took)
		}
		_, _ = fmt.Fprintf(out, "%s: CPU × %.3f, time × %.3f (medians of %d rounds)\n", name, median(cpus), median(times), s.rounds)
	}
	return nil
}
