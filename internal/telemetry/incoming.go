package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/osp-platform/osp/saga"
)

// What a gin context has of its request.
const (
	arrivedKey = "osp.arrived" // when it came
	spanKey    = "osp.span"    // its span, once it is let in
)

// Requests makes a span of every request but probes and scrapes. It begins in [Tracing.Admit]; of what is refused before, there is
// one in a trace of its own.
func (t *Tracing) Requests(c *gin.Context) {
	route := routeOf(c)
	if unseen(route) {
		return
	}
	arrived := t.now()
	c.Set(arrivedKey, arrived)
	defer func() { // deferred, for a handler may leave by panic
		begun, _ := c.Get(spanKey)
		span, ok := begun.(trace.Span)
		if !ok {
			_, span = t.request(c.Request.Context(), c, route, arrived)
		}
		status := c.Writer.Status()
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if id := c.Param("id"); strings.HasPrefix(route, "/v1/tasks/:id") && saga.ValidID(id) {
			span.SetAttributes(text(taskID, id))
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
		span.End()
	}()
	c.Next()
}

// Admit begins the span of a request that is let in. It is under the one that the client names where known tells that the client
// is: strangers have no say in whether and where something is traced.
func (t *Tracing) Admit(c *gin.Context, known bool) {
	arrived, ok := c.Get(arrivedKey)
	if !ok {
		return
	}
	ctx := c.Request.Context()
	if above := parse(c.GetHeader(header)); known && above.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, above)
	}
	at, _ := arrived.(time.Time)
	ctx, span := t.request(ctx, c, routeOf(c), at)
	c.Set(spanKey, span)
	c.Request = c.Request.WithContext(ctx)
}

func (t *Tracing) request(ctx context.Context, c *gin.Context, route string, at time.Time) (context.Context, trace.Span) {
	method := methodOf(c.Request.Method)
	return t.tracer.Start(ctx, method+" "+route, trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		text("http.request.method", method), text("http.route", route)))
}
