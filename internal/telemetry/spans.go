package telemetry

import (
	"context"
	"errors"
	"regexp"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/osp-platform/osp/saga"
)

type lineageKey struct{}

// RunBegan implements [saga.Observer]. A run that goes on after a park is linked to the run that parked.
func (t *Tracing) RunBegan(ctx context.Context, r saga.RunView) context.Context {
	c := &r.Record.Created
	times, parked := 0, ""
	for i := range r.Events {
		switch r.Events[i].Kind {
		case saga.KindUndoRequested:
			times++
		case saga.KindWaiting:
			parked = r.Events[i].Run
		default:
		}
	}
	l := t.lineageOf(c, times)
	options := []trace.SpanStartOption{
		trace.WithTimestamp(r.Sent), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(text(taskID, c.ID), text(taskType, c.Type), attribute.Int64("osp.run.epoch", r.Epoch),
			attribute.Bool("osp.run.took_over", r.TookOver), text("osp.queue", c.Queue)),
	}
	if id, err := trace.SpanIDFromHex(parked); err == nil {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: l.task.WithSpanID(id)}))
	}
	ctx = trace.ContextWithRemoteSpanContext(context.WithValue(ctx, lineageKey{}, l), l.task)
	ctx, _ = t.tracer.Start(ctx, textOf("run "+c.Type), options...)
	return ctx
}

// Parks implements [saga.Observer].
func (t *Tracing) Parks(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.IsSampled() {
		return sc.SpanID().String()
	}
	return ""
}

// RunEnded implements [saga.Observer].
func (t *Tracing) RunEnded(ctx context.Context, r *saga.Record, err error) {
	span := trace.SpanFromContext(ctx)
	if span.IsRecording() {
		outcome := runOutcome(err)
		span.SetAttributes(text("osp.run.outcome", outcome), text(taskState, string(r.State)))
		if parked, ok := errors.AsType[*saga.ParkedError](err); ok && parked.Cause != nil {
			span.SetStatus(codes.Error, outcome)
		}
	}
	span.End()
}

// index of a loop, which would make as many names of spans as there are items.
var index = regexp.MustCompile(`\[[0-9]+\]`)

// CallBegan implements [saga.Observer].
func (t *Tracing) CallBegan(ctx context.Context, c saga.CallView) context.Context {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx
	}
	ctx, _ = t.tracer.Start(ctx, textOf(c.Direction()+" "+index.ReplaceAllString(c.Path, "[]")), trace.WithAttributes(
		text(taskID, c.Task.ID), text(taskType, c.Task.Type), text("osp.step.path", c.Path),
		text("osp.step.kind", string(c.Kind)), text("osp.step.direction", c.Direction()),
		attribute.Int("osp.step.attempt", c.Attempt), attribute.Int("osp.step.key", c.N)))
	return ctx
}

// CallEnded implements [saga.Observer].
func (t *Tracing) CallEnded(ctx context.Context, _ saga.CallView, e *saga.Event, _ time.Duration) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	outcome := callOutcome(e)
	span.SetAttributes(text("osp.step.outcome", outcome))
	if e.Kind == saga.KindAttemptFailed {
		span.SetStatus(codes.Error, outcome) // what an endpoint has said, and its address, are not for whoever reads traces
	}
	span.End()
}

// Decided implements [saga.Observer].
func (t *Tracing) Decided(ctx context.Context, r *saga.Record, decisions []saga.Event) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	for i := range decisions {
		switch e := &decisions[i]; e.Kind {
		case saga.KindCompensationStarted, saga.KindStuck:
			span.AddEvent(string(e.Kind))
		case saga.KindCompleted, saga.KindFailed, saga.KindCancelled:
			span.AddEvent(string(e.Kind))
			t.end(ctx, r)
		default:
		}
	}
}

// end makes the span of a task that has ended: from its creation, under the request that started it.
func (t *Tracing) end(ctx context.Context, r *saga.Record) {
	l, _ := ctx.Value(lineageKey{}).(lineage)
	above := trace.ContextWithRemoteSpanContext(context.Background(), l.above)
	c := &r.Created
	_, span := t.tracer.Start(withID(above, l.task), textOf("task "+c.Type), trace.WithTimestamp(r.CreatedAt), trace.WithAttributes(
		text(taskID, c.ID), text(taskType, c.Type), text(taskState, string(r.State)), text("osp.service", c.Service),
		text("osp.workflow", c.Workflow), attribute.Int("osp.workflow.version", c.Version),
		text("osp.task.parent", c.Parent), text("osp.task.retry_of", c.RetryOf)))
	if r.State == saga.Failed {
		span.SetStatus(codes.Error, string(r.State))
	}
	span.End()
}
