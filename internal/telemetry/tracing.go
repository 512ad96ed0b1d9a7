package telemetry

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TraceConfig says where spans go, by OTLP over HTTP, and which are made.
type TraceConfig struct {
	Endpoint   string // all of the URL
	Headers    map[string]string
	Timeout    time.Duration // of one export
	Gzip       bool
	Attributes map[string]string // of the process; service.name is among them
	Sampler    sdktrace.Sampler
	Queue      int           // spans that wait at most; those that are too many are dropped
	Batch      int           // spans in one export
	Delay      time.Duration // how long a span waits for others
}

// Tracing makes spans. Nil makes none, and costs nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	sampler  sdktrace.Sampler
	now      func() time.Time
}

// NewTracing starts to export; [Tracing.Close] ends it. It connects to nothing yet.
func NewTracing(ctx context.Context, c TraceConfig, b Build, role string, now func() time.Time) (*Tracing, error) {
	compression := otlptracehttp.NoCompression
	if c.Gzip {
		compression = otlptracehttp.GzipCompression
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint), otlptracehttp.WithHeaders(c.Headers),
		otlptracehttp.WithTimeout(c.Timeout), otlptracehttp.WithCompression(compression))
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	batches := sdktrace.WithBatcher(exporter, sdktrace.WithMaxQueueSize(c.Queue), sdktrace.WithMaxExportBatchSize(c.Batch),
		sdktrace.WithBatchTimeout(c.Delay), sdktrace.WithExportTimeout(c.Timeout))
	return newTracing(c, b, role, now, batches), nil
}

func newTracing(c TraceConfig, b Build, role string, now func() time.Time, exports sdktrace.TracerProviderOption) *Tracing {
	attributes := []attribute.KeyValue{
		attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
		text("service.version", b.Version), text("osp.role", role),
	}
	for name, value := range c.Attributes {
		attributes = append(attributes, text(attribute.Key(name), value))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewSchemaless(attributes...)), sdktrace.WithSampler(c.Sampler), sdktrace.WithIDGenerator(ids{}), exports,
	)
	return &Tracing{provider: provider, tracer: provider.Tracer("github.com/osp-platform/osp"), sampler: c.Sampler, now: now}
}

// Close exports what there is, as long as ctx lasts, and makes no more spans.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// attributes of ours.
const (
	taskID    = attribute.Key("osp.task.id")
	taskType  = attribute.Key("osp.task.type")
	taskState = attribute.Key("osp.task.state")
)
