package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/osp-platform/osp/saga"
)

// ids makes the ids of spans: random ones, but where the context says which.
type ids struct{}

type idKey struct{}

// withID has the next span be that of sc, so that those that were made before under it find their parent.
func withID(ctx context.Context, sc trace.SpanContext) context.Context {
	return context.WithValue(ctx, idKey{}, sc)
}

// NewIDs implements sdktrace.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if sc, ok := ctx.Value(idKey{}).(trace.SpanContext); ok {
		return sc.TraceID(), sc.SpanID()
	}
	var id trace.TraceID
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())      //nolint:gosec // ids of spans are no secrets
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1<<1) //nolint:gosec // never all zero
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if sc, ok := ctx.Value(idKey{}).(trace.SpanContext); ok {
		return sc.SpanID()
	}
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1) //nolint:gosec // as above
	return id
}

// lineage is where a task stands in its trace: its own span, which is made when it ends, and what that is under.
type lineage struct{ above, task trace.SpanContext }

// lineageOf follows from what the first event tells, so that every process finds the same. A task that nobody has traced is the
// root of a trace that its id makes, as tasks.HTTP tells endpoints; whether that is sampled, the sampler says. times is how
// often the task was opened again: it has a span for each of its ends.
func (t *Tracing) lineageOf(c *saga.Created, times int) lineage {
	span := sha256.Sum256(fmt.Appendf(nil, "task %s %d", c.ID, times))
	config := trace.SpanContextConfig{SpanID: trace.SpanID(span[:8])}
	above := parse(c.Trace)
	if above.IsValid() {
		config.TraceID, config.TraceFlags = above.TraceID(), above.TraceFlags()
	} else {
		id := sha256.Sum256([]byte(c.ID))
		config.TraceID = trace.TraceID(id[:16])
		p := sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: config.TraceID, Name: "task"}
		config.TraceFlags = config.TraceFlags.WithSampled(t.sampler.ShouldSample(p).Decision == sdktrace.RecordAndSample)
	}
	config.Remote = true
	return lineage{above: above, task: trace.NewSpanContext(config)}
}

// Traceparent is the W3C trace context of ctx; empty, if nothing is traced.
func (t *Tracing) Traceparent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if t == nil || !sc.IsValid() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", sc.TraceID(), sc.SpanID(), sc.TraceFlags()&trace.FlagsSampled)
}

// parse reads a W3C trace context of version 00, or of a later one as far as it is known; anything else is none.
func parse(traceparent string) trace.SpanContext {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 || len(parts[3]) != 2 {
		return trace.SpanContext{}
	}
	traceID, err1 := trace.TraceIDFromHex(parts[1])
	spanID, err2 := trace.SpanIDFromHex(parts[2])
	flags, err3 := hex.DecodeString(parts[3])
	if err1 != nil || err2 != nil || err3 != nil {
		return trace.SpanContext{}
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.TraceFlags(flags[0]) & trace.FlagsSampled, Remote: true,
	})
}
