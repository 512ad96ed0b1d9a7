package telemetry

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Build is what the program was made of.
type Build struct{ Version, Commit string }

// Metrics are those of one process. All of it may be used by many goroutines.
type Metrics struct {
	registry *prometheus.Registry
	types    typeNames
	now      func() time.Time

	engine
	callMetrics
	webMetrics
	flushMetrics
}

// NewMetrics returns metrics that are all zero. They have a registry of their own.
func NewMetrics(b Build, now func() time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), now: now,
		engine: newEngine(), callMetrics: newCallMetrics(), webMetrics: newWebMetrics(), flushMetrics: newFlushMetrics(),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "osp_build_info", Help: "Always 1: what the program was made of.",
	}, []string{"version", "commit", "go_version"})
	info.WithLabelValues(b.Version, b.Commit, runtime.Version()).Set(1)
	m.registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, list := range [][]prometheus.Collector{m.engine.all(), m.callMetrics.all(), m.webMetrics.all(), m.flushMetrics.all()} {
		m.registry.MustRegister(list...)
	}
	return m
}

// Gatherer gives what a scrape would.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Settings of a scrape.
const (
	scrapesAtOnce  = 4
	scrapePatience = 8 * time.Second // less than what Prometheus gives it
)

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapePatience, ErrorHandling: promhttp.ContinueOnError,
	})
}

// mostTypes bounds the label type. Built-in types and deployed workflows are fewer nearly everywhere.
const mostTypes = 500

// typeNames are the values of the label type that this process has used.
type typeNames struct {
	known sync.Map
	count atomic.Int64
}

// of returns the type's own name for the first so many, and "other" for the rest.
func (t *typeNames) of(name string) string {
	if _, ok := t.known.Load(name); ok {
		return name
	}
	if t.count.Load() >= mostTypes {
		return "other"
	}
	if _, there := t.known.LoadOrStore(name, struct{}{}); !there {
		t.count.Add(1)
	}
	return name
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}
