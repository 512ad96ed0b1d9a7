package telemetry

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// webMetrics are of the requests that are answered.
type webMetrics struct {
	requests    *prometheus.CounterVec
	requestTime *prometheus.HistogramVec
	streams     prometheus.Gauge
}

func newWebMetrics() webMetrics {
	return webMetrics{
		requests: counter("osp_http_requests_total", "Requests that were answered, by the template of their route; none: there is no "+
			"such route.", "route", "method", "status"),
		requestTime: histogram("osp_http_request_duration_seconds", "How long an answer took. Event streams are not among them.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "route", "method"),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{Name: "osp_event_streams", Help: "Event streams that are open."}),
	}
}

func (w *webMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{w.requests, w.requestTime, w.streams}
}

// Requests measures every request but probes and scrapes.
func (m *Metrics) Requests(c *gin.Context) {
	route := routeOf(c)
	if unseen(route) {
		return
	}
	stream := strings.HasSuffix(route, "/events")
	began := m.now()
	if stream {
		m.streams.Inc()
	}
	defer func() { // deferred, for a handler may leave by panic
		method := methodOf(c.Request.Method)
		m.requests.WithLabelValues(route, method, strconv.Itoa(c.Writer.Status())).Inc()
		if stream {
			m.streams.Dec()
			return
		}
		m.requestTime.WithLabelValues(route, method).Observe(m.now().Sub(began).Seconds())
	}()
	c.Next()
}

// routeOf is the template of a request's route.
func routeOf(c *gin.Context) string {
	if route := c.FullPath(); route != "" {
		return route
	}
	return "none"
}

// unseen tells whether requests of a route are left out: they come every few seconds and say nothing.
func unseen(route string) bool {
	return route == "/healthz" || route == "/readyz" || route == "/metrics"
}

// methodOf bounds the label: a client may send any word.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
