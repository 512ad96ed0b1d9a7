package telemetry

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/osp-platform/osp/saga"
)

// Observer is told what runs do: metrics are, and traces, where there are any.
func Observer(m *Metrics, t *Tracing) saga.Observer {
	if t == nil {
		return m
	}
	return both{m, t}
}

type both struct {
	m *Metrics
	t *Tracing
}

func (b both) RunBegan(ctx context.Context, r saga.RunView) context.Context {
	return b.t.RunBegan(b.m.RunBegan(ctx, r), r)
}

func (b both) Parks(ctx context.Context) string { return b.t.Parks(ctx) }

func (b both) RunEnded(ctx context.Context, r *saga.Record, err error) {
	b.m.RunEnded(ctx, r, err)
	b.t.RunEnded(ctx, r, err)
}

func (b both) CallBegan(ctx context.Context, c saga.CallView) context.Context {
	return b.t.CallBegan(ctx, c)
}

func (b both) CallEnded(ctx context.Context, c saga.CallView, e *saga.Event, took time.Duration) {
	b.m.CallEnded(ctx, c, e, took)
	b.t.CallEnded(ctx, c, e, took)
}

func (b both) Decided(ctx context.Context, r *saga.Record, decisions []saga.Event) {
	b.m.Decided(ctx, r, decisions)
	b.t.Decided(ctx, r, decisions)
}

// Log adds to each line the ids of the trace and the span in which it was written.
func Log(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsSampled() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", sc.TraceID().String()), slog.String("span_id", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h logHandler) WithGroup(name string) slog.Handler { return logHandler{h.Handler.WithGroup(name)} }
