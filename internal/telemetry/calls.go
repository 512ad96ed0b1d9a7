package telemetry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// callMetrics are of what Redis and the result store are asked.
type callMetrics struct {
	redisTime   *prometheus.HistogramVec
	redisErrors *prometheus.CounterVec
	restTime    *prometheus.HistogramVec
}

func newCallMetrics() callMetrics {
	return callMetrics{
		redisTime: histogram("osp_redis_call_duration_seconds", "Round trips to Redis by kind of command; scripts that travel together "+
			"are one.", []float64{.00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2.5}, "family"),
		redisErrors: counter("osp_redis_errors_total", "Calls of Redis that failed: it answered with an error (reply), or not at all "+
			"(network).", "family", "kind"),
		restTime: histogram("osp_postgrest_call_duration_seconds", "Calls of the result store in Supabase, by function and class of "+
			"status; error: there was no answer.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "function", "status"),
	}
}

func (c *callMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{c.redisTime, c.redisErrors, c.restTime}
}

// Redis measures a client's round trips. Added after [journal.GroupCommit]'s, it sees what travels, not what waits to.
func (m *Metrics) Redis() redis.Hook { return redisHook{m} }

type redisHook struct{ m *Metrics }

// DialHook implements redis.Hook.
func (h redisHook) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := h.m.now()
		err := next(ctx, cmd)
		name := family(cmd.Name())
		if name == unmeasured {
			return err
		}
		h.m.redisTime.WithLabelValues(name).Observe(h.m.now().Sub(began).Seconds())
		h.failed(ctx, name, err)
		return err
	}
}

// ProcessPipelineHook implements redis.Hook.
func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, list []redis.Cmder) error {
		began := h.m.now()
		err := next(ctx, list)
		name := "pipeline"
		switch first := familyOf(list); first {
		case unmeasured:
			return err
		case "script":
			name = first
		}
		h.m.redisTime.WithLabelValues(name).Observe(h.m.now().Sub(began).Seconds())
		if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
			h.failed(ctx, name, err) // once: each command has the same
			return err
		}
		for _, cmd := range list {
			h.failed(ctx, name, cmd.Err())
		}
		return err
	}
}

// failed counts an error. What was called off is none, nor is an answer that there is nothing.
func (h redisHook) failed(ctx context.Context, name string, err error) {
	if err == nil || errors.Is(err, redis.Nil) || ctx.Err() != nil {
		return
	}
	kind := "network"
	if _, answered := errors.AsType[redis.Error](err); answered {
		kind = "reply"
	}
	h.m.redisErrors.WithLabelValues(name, kind).Inc()
}

// unmeasured is what waits in Redis, for how long says nothing, and what go-redis says on a new connection, which old
// servers refuse in part. Where a connection cannot be had the call that needs it fails, and is counted.
const unmeasured = ""

// familyOf is the family of a pipeline's first command.
func familyOf(list []redis.Cmder) string {
	if len(list) == 0 {
		return unmeasured
	}
	return family(list[0].Name())
}

// family sorts commands, so that the label has a bound.
func family(name string) string {
	switch name {
	case "eval", "evalsha", "script":
		return "script"
	case "get", "mget", "hget", "hmget", "hgetall", "hscan", "exists", "llen", "lindex", "lrange", "scard", "smembers", "sismember",
		"scan", "sscan", "zscan", "zcard", "zcount", "zscore", "zrange", "zrangebyscore", "zrangebylex", "ttl", "pttl", "type":
		return "read"
	case "set", "setnx", "hset", "hdel", "del", "unlink", "expire", "pexpire", "lpush", "rpush", "lrem", "sadd", "srem", "zadd", "zrem",
		"publish", "incr", "incrby", "persist":
		return "write"
	case "wait", "waitaof", "blpop", "brpop", "bzpopmin", "xread", "hello", "auth", "client", "select", "readonly":
		return unmeasured
	}
	return "other"
}

// REST measures the calls of the result store. Their paths end with the name of one of its functions.
func (m *Metrics) REST(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		began := m.now()
		resp, err := next.RoundTrip(req)
		status := "error"
		if err == nil {
			status = statusClass(resp.StatusCode)
		}
		m.restTime.WithLabelValues(path.Base(req.URL.Path), status).Observe(m.now().Sub(began).Seconds())
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func statusClass(status int) string { return strconv.Itoa(status/100) + "xx" }

// Pool tells of the connections to Redis.
func (m *Metrics) Pool(stats func() *redis.PoolStats) { m.registry.MustRegister(poolCollector{stats}) }

type poolCollector struct{ stats func() *redis.PoolStats }

var (
	poolConnections = prometheus.NewDesc("osp_redis_pool_connections", "Connections to Redis: in use, or idle.", []string{"state"}, nil)
	poolWaits       = prometheus.NewDesc("osp_redis_pool_waits_total", "Calls that waited for a connection to be free.", nil, nil)
	poolTimeouts    = prometheus.NewDesc("osp_redis_pool_timeouts_total", "Calls that got no connection in time.", nil, nil)
	poolStale       = prometheus.NewDesc("osp_redis_pool_stale_total", "Connections that were thrown away.", nil, nil)
)

// Describe implements prometheus.Collector.
func (p poolCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolWaits, poolTimeouts, poolStale} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (p poolCollector) Collect(ch chan<- prometheus.Metric) {
	s := p.stats()
	value := func(d *prometheus.Desc, t prometheus.ValueType, v uint32, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, float64(v), labels...)
	}
	value(poolConnections, prometheus.GaugeValue, s.TotalConns-min(s.IdleConns, s.TotalConns), "used")
	value(poolConnections, prometheus.GaugeValue, s.IdleConns, "idle")
	value(poolWaits, prometheus.CounterValue, s.WaitCount)
	value(poolTimeouts, prometheus.CounterValue, s.Timeouts)
	value(poolStale, prometheus.CounterValue, s.StaleConns)
}

// since is how long ago something was, never negative.
func since(now, then time.Time) time.Duration { return max(0, now.Sub(then)) }
