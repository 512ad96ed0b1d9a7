package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/osp-platform/osp/saga"
)

// flushMetrics are of the rows that are written.
type flushMetrics struct {
	rows    *prometheus.CounterVec
	rowTime *prometheus.HistogramVec
	rowLag  prometheus.Histogram
}

func newFlushMetrics() flushMetrics {
	return flushMetrics{
		rows: counter("osp_rows_flushed_total", "Rows sent to the result store: written, refused (a row that is refused alone is a dead "+
			"letter), or left for later because the store was away.", "outcome"),
		rowTime: histogram("osp_flush_duration_seconds", "How long the result store took for one batch of rows.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "outcome"),
		rowLag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "osp_flush_lag_seconds", Help: "How long the rows of a batch that was written had waited at most.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
		}),
	}
}

func (f *flushMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{f.rows, f.rowTime, f.rowLag}
}

// Flushed counts a batch of rows of which the oldest was changed at some moment.
func (m *Metrics) Flushed(rows int, oldest time.Time, took time.Duration, err error) {
	outcome := "written"
	switch {
	case saga.IsPermanent(err):
		outcome = "refused"
	case err != nil:
		outcome = "unavailable"
	default:
		m.rowLag.Observe(since(m.now(), oldest).Seconds())
	}
	m.rows.WithLabelValues(outcome).Add(float64(rows))
	m.rowTime.WithLabelValues(outcome).Observe(took.Seconds())
}
