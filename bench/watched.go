package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osp-platform/osp/internal/telemetry"
)

// watched is the database through a client that is measured, as the server has it.
func (d *database) watched(s settings) (*database, *telemetry.Metrics) {
	m := telemetry.NewMetrics(telemetry.Build{}, time.Now)
	other := connect(d.addr, s.pool)
	other.client.AddHook(m.Redis())
	return other, m
}

// withMetrics is the throughput while it is measured.
func (d *database) withMetrics(ctx context.Context, s settings) (outcome, error) {
	return d.observed(ctx, s, nil)
}

func (d *database) observed(ctx context.Context, s settings, t *telemetry.Tracing) (outcome, error) {
	measured, m := d.watched(s)
	defer measured.disconnect()
	s.observer = telemetry.Observer(m, t)
	return measured.throughput(ctx, s, forwardType)
}

// withTraces is that with metrics and traces of every task, which a collector on this machine throws away.
func (d *database) withTraces(ctx context.Context, s settings) (outcome, error) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	t, err := telemetry.NewTracing(ctx, telemetry.TraceConfig{
		Endpoint: collector.URL + "/v1/traces", Timeout: 10 * time.Second, Sampler: sdktrace.AlwaysSample(), Queue: 2048, Batch: 512,
		Delay: time.Second,
	}, telemetry.Build{}, "worker", time.Now)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = t.Close(ctx) }()
	return d.observed(ctx, s, t)
}

// watching measures only what being watched costs, and writes nothing: -watching.
func watching(ctx context.Context, s settings, out io.Writer) error {
	db, err := startRedis(ctx, s.pool)
	if err != nil {
		return err
	}
	defer db.stop()
	for _, way := range []way{{name: "metrics", run: db.withMetrics}, {name: "metrics and traces", run: db.withTraces}} {
		var cpus, times []float64
		for range s.rounds {
			before, err := db.throughput(ctx, s, forwardType)
			if err != nil {
				return err
			}
			run, err := way.run(ctx, s)
			if err != nil {
				return err
			}
			after, err := db.throughput(ctx, s, forwardType)
			if err != nil {
				return err
			}
			c := costOf(run, before, after)
			cpus, times = append(cpus, c.cpu), append(times, c.time)
		}
		_, _ = fmt.Fprintf(out, "%s: CPU × %.3f, time × %.3f (medians of %d rounds)\n", way.name, median(cpus), median(times), s.rounds)
	}
	return nil
}
