package telemetry

import (
	"context"
	"net/http"
	"path"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const header = "Traceparent"

// Calls makes a span of every call that a step makes, and tells the endpoint of it. The URL's path and query are left out: a
// secret may be in them.
func (t *Tracing) Calls(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		ctx, span := t.call(req.Context(), "HTTP "+methodOf(req.Method), req)
		if span == nil {
			return next.RoundTrip(req)
		}
		req = req.Clone(ctx)
		req.Header.Set(header, t.Traceparent(ctx))
		return answered(span)(next.RoundTrip(req))
	})
}

// REST makes a span of every call of the result store that a step or a request makes. Those of batches are nobody's.
func (t *Tracing) REST(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		ctx, span := t.call(req.Context(), textOf("PostgREST "+path.Base(req.URL.Path)), req)
		if span == nil {
			return next.RoundTrip(req)
		}
		return answered(span)(next.RoundTrip(req.WithContext(ctx)))
	})
}

// call begins a client's span. There is none where nothing is traced.
func (t *Tracing) call(ctx context.Context, name string, req *http.Request) (context.Context, trace.Span) {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, nil
	}
	attributes := []attribute.KeyValue{
		text("http.request.method", methodOf(req.Method)), text("server.address", req.URL.Hostname()),
	}
	if port, err := strconv.Atoi(req.URL.Port()); err == nil {
		attributes = append(attributes, attribute.Int("server.port", port))
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
}

// answered ends a client's span.
func answered(span trace.Span) func(*http.Response, error) (*http.Response, error) {
	return func(resp *http.Response, err error) (*http.Response, error) {
		switch {
		case err != nil:
			span.SetStatus(codes.Error, "no answer")
		default:
			span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
			if resp.StatusCode >= http.StatusBadRequest {
				span.SetStatus(codes.Error, http.StatusText(resp.StatusCode))
			}
		}
		span.End()
		return resp, err
	}
}

// Headers are what a delivery carries of ctx; none, if nothing is traced.
func (t *Tracing) Headers(ctx context.Context) map[string]string {
	if tp := t.Traceparent(ctx); tp != "" {
		return map[string]string{"traceparent": tp}
	}
	return nil
}

// Delivered is the context of a delivery that carries headers.
func (t *Tracing) Delivered(ctx context.Context, headers map[string]string) context.Context {
	if above := parse(headers["traceparent"]); above.IsValid() {
		return trace.ContextWithRemoteSpanContext(ctx, above)
	}
	return ctx
}
