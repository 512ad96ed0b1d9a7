package server

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/osp-platform/osp/internal/telemetry"
)

// traces reads OpenTelemetry's own variables. Nil: nothing is traced, which is so unless somebody says where spans go.
func (l *loader) traces() *telemetry.TraceConfig {
	off := l.text("OTEL_SDK_DISABLED")
	exporter := l.text("OTEL_TRACES_EXPORTER")
	if exporter != "" && exporter != "otlp" && exporter != "none" {
		l.wrong("OTEL_TRACES_EXPORTER", "is %q: set it to otlp or none", exporter)
	}
	c := &telemetry.TraceConfig{
		Endpoint:   l.traceEndpoint(exporter == "otlp"),
		Headers:    l.pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
		Timeout:    l.millis(10*time.Second, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"),
		Gzip:       l.oneOf("none", []string{"none", "gzip"}, "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION") == "gzip",
		Attributes: l.pairs("OTEL_RESOURCE_ATTRIBUTES"),
		Sampler:    l.sampler(),
		Queue:      l.number("OTEL_BSP_MAX_QUEUE_SIZE", 2048, 1, 1_000_000),
		Batch:      l.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, 1, 1_000_000),
		Delay:      l.millis(5*time.Second, "OTEL_BSP_SCHEDULE_DELAY"),
	}
	l.oneOf("http/protobuf", []string{"http/protobuf"}, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	c.Attributes["service.name"] = cmp.Or(l.text("OTEL_SERVICE_NAME"), c.Attributes["service.name"], "osp")
	if c.Endpoint == "" || exporter == "none" || strings.EqualFold(off, "true") {
		return nil
	}
	return c
}

// traceEndpoint is where spans are sent, all of the URL.
func (l *loader) traceEndpoint(wanted bool) string {
	const own, shared = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
	name, given, path := own, l.text(own), ""
	if given == "" {
		name, given, path = shared, l.text(shared), "/v1/traces"
	}
	if given == "" && wanted {
		given = "http://localhost:4318"
	}
	if given == "" {
		return ""
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		l.wrong(name, "is no URL to send traces to: write it like http://collector:4318, and a key into %s", "OTEL_EXPORTER_OTLP_HEADERS")
		return ""
	}
	return strings.TrimSuffix(given, "/") + path
}

// first is the first of some variables that is set.
func (l *loader) first(names ...string) (name, value string) {
	for _, name := range names {
		if v := l.text(name); v != "" {
			return name, v
		}
	}
	return names[0], ""
}

func (l *loader) oneOf(otherwise string, allowed []string, names ...string) string {
	name, v := l.first(names...)
	if v == "" {
		return otherwise
	}
	if slices.Contains(allowed, v) {
		return v
	}
	l.wrong(name, "is %q: set it to %s", v, strings.Join(allowed, " or "))
	return otherwise
}

// millis reads a number of milliseconds, which is how OpenTelemetry writes durations.
func (l *loader) millis(otherwise time.Duration, names ...string) time.Duration {
	name, v := l.first(names...)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 3_600_000 {
		l.wrong(name, "is %q: set it to a number of milliseconds from 1 to 3600000", v)
		return otherwise
	}
	return time.Duration(n) * time.Millisecond
}

// pairs reads name=value,name=value with values escaped as in URLs. They may be secret: what is wrong does not repeat them.
func (l *loader) pairs(names ...string) map[string]string {
	name, v := l.first(names...)
	list := map[string]string{}
	if v == "" {
		return list
	}
	for i, pair := range strings.Split(v, ",") {
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil || strings.ContainsAny(value, "\r\n") {
			l.wrong(name, "has an entry that is wrong, number %d: write name=value,name=value, with %%2C for a comma in a value", i+1)
			continue
		}
		list[key] = value
	}
	return list
}

var samplers = []string{
	"always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// sampler reads which traces are made.
func (l *loader) sampler() sdktrace.Sampler {
	kind := l.oneOf("parentbased_always_on", samplers, "OTEL_TRACES_SAMPLER")
	base := sdktrace.AlwaysSample()
	switch root := strings.TrimPrefix(kind, "parentbased_"); root {
	case "always_off":
		base = sdktrace.NeverSample()
	case "traceidratio":
		base = sdktrace.TraceIDRatioBased(l.ratio())
	}
	if strings.HasPrefix(kind, "parentbased_") {
		return sdktrace.ParentBased(base)
	}
	return base
}

// ratio is the part of all traces that is made.
func (l *loader) ratio() float64 {
	const name = "OTEL_TRACES_SAMPLER_ARG"
	v := l.text(name)
	if v == "" {
		return 1
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		l.wrong(name, "is %q: set it to a number from 0 to 1, such as %s", v, fmt.Sprint(0.1))
		return 1
	}
	return f
}
