package telemetry

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osp-platform/osp/saga"
)

// task tells an observer of a task of three steps, and the hook of the eight round trips that it takes.
func task(b *testing.B, m *Metrics, o saga.Observer) func() {
	b.Helper()
	r := &saga.Record{Created: saga.Created{ID: "t", Type: "w", Queue: "default"}, CreatedAt: time.Now(), State: saga.Completed}
	done := &saga.Event{Kind: saga.KindStepDone}
	started, ended := []saga.Event{{Kind: saga.KindStepStarted}}, []saga.Event{{Kind: saga.KindCompleted, At: time.Now()}}
	hook := m.Redis().ProcessPipelineHook(func(context.Context, []redis.Cmder) error { return nil })
	script := []redis.Cmder{redis.NewCmd(b.Context(), "evalsha", "x")}
	return func() {
		m.Started(&r.Created)
		ctx := o.RunBegan(b.Context(), saga.RunView{Record: r, Sent: time.Now()})
		for i := range 3 {
			c := saga.CallView{Task: &r.Created, Path: "a", Kind: saga.KindActivity, Attempt: i + 1}
			o.CallEnded(o.CallBegan(ctx, c), c, done, time.Millisecond)
			o.Decided(ctx, r, started)
		}
		o.Decided(ctx, r, ended)
		o.RunEnded(ctx, r, nil)
		for range 8 {
			_ = hook(ctx, script)
		}
	}
}

func BenchmarkATaskOfThreeSteps(b *testing.B) {
	dropped := sdktrace.WithBatcher(nowhere{})
	for name, sampler := range map[string]sdktrace.Sampler{"metrics": nil, "and traces": sdktrace.AlwaysSample(), "and none sampled": sdktrace.NeverSample()} {
		b.Run(name, func(b *testing.B) {
			m := NewMetrics(Build{}, time.Now)
			var t *Tracing
			if sampler != nil {
				t = newTracing(TraceConfig{Sampler: sampler}, Build{}, "worker", time.Now, dropped)
				defer func() { _ = t.Close(b.Context()) }()
			}
			tell := task(b, m, Observer(m, t))
			b.ReportAllocs()
			for b.Loop() {
				tell()
			}
		})
	}
}

// nowhere is where spans go that nobody reads.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }
