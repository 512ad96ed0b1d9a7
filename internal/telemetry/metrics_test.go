package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// scraped is what a scrape reads.
func scraped(m *Metrics) string {
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func wants(t *testing.T, m *Metrics, series ...string) {
	t.Helper()
	got := scraped(m)
	for _, s := range series {
		if !strings.Contains(got, "\n"+s+"\n") {
			t.Errorf("there is no %s in\n%s", s, ours(got))
		}
	}
}

// ours leaves out what Go tells of itself, and what is no series.
func ours(text string) (list string) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "osp_") {
			list += line
		}
	}
	return list
}

func TestManyScrapersCostNoMoreThanOne(t *testing.T) {
	var clock atomic.Int64
	m := NewMetrics(Build{}, func() time.Time { return time.Unix(1_800_000_000+clock.Load(), 0) })
	var read, counted atomic.Int32
	m.Observe(
		func(context.Context) (State, error) { return State{Open: int(read.Add(1))}, nil },
		func(context.Context) (int, error) { return int(counted.Add(1)), nil },
	)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { scraped(m) })
	}
	all.Wait()
	wants(t, m, "osp_tasks_open 1", "osp_tasks_stuck 1", "osp_redis_up 1")
	clock.Add(int64(Cached.Seconds()))
	wants(t, m, "osp_tasks_open 2", "osp_tasks_stuck 1")
	clock.Add(int64(CachedStuck.Seconds()))
	wants(t, m, "osp_tasks_open 3", "osp_tasks_stuck 2")
}

func TestTheLabelTypeHasABound(t *testing.T) {
	m := NewMetrics(Build{}, time.Now)
	for i := range 2 * mostTypes {
		m.Started(&saga.Created{Type: fmt.Sprint("workflow-", i), Queue: "default"})
	}
	if n := testutil.CollectAndCount(m.started); n != mostTypes+1 {
		t.Errorf("%d series", n)
	}
	wants(t, m, fmt.Sprintf(`osp_tasks_started_total{queue="default",type="other"} %d`, mostTypes))
}

func TestRedisIsMeasured(t *testing.T) {
	o, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	defer journal.GroupCommit(client)()
	m := NewMetrics(Build{}, time.Now)
	client.AddHook(m.Redis())
	m.Pool(client.PoolStats)
	ctx := t.Context()
	client.Get(ctx, "none")
	client.Set(ctx, "a", 1, 0)
	client.LPush(ctx, "a", 1) // it is no list
	one := redis.NewScript("return 1")
	one.Run(ctx, client, []string{"a"}) // its hash is not known: two calls, the first of them refused
	one.Run(ctx, client, []string{"a"})
	_, _ = client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "none")
		p.LPush(ctx, "a", 1)
		return nil
	})
	client.Do(ctx, "memory", "doctor")
	wants(t, m,
		`osp_redis_call_duration_seconds_count{family="read"} 1`, `osp_redis_call_duration_seconds_count{family="write"} 2`,
		`osp_redis_call_duration_seconds_count{family="script"} 3`, `osp_redis_call_duration_seconds_count{family="pipeline"} 1`,
		`osp_redis_call_duration_seconds_count{family="other"} 1`,
		`osp_redis_errors_total{family="write",kind="reply"} 1`, `osp_redis_errors_total{family="pipeline",kind="reply"} 1`,
		`osp_redis_errors_total{family="script",kind="reply"} 1`, `osp_redis_pool_connections{state="used"} 0`,
	)
	if strings.Contains(scraped(m), `family="read",kind=`) {
		t.Error("that there is nothing is no error")
	}
	gone := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = gone.Close() }()
	gone.AddHook(m.Redis())
	gone.Get(ctx, "a")
	_, _ = gone.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Get(ctx, "a")
		p.Get(ctx, "b")
		return nil
	})
	wants(t, m, `osp_redis_errors_total{family="read",kind="network"} 1`, `osp_redis_errors_total{family="pipeline",kind="network"} 1`)
}

func TestTheResultStoreIsMeasured(t *testing.T) {
	m := NewMetrics(Build{}, time.Now)
	ask := func(status int, err error) {
		next := roundTripper(func(*http.Request) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(""))}, nil
		})
		req := httptest.NewRequest(http.MethodPost, "https://x.supabase.co/rest/v1/rpc/osp_save", nil)
		if resp, err := m.REST(next).RoundTrip(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	ask(200, nil)
	ask(204, nil)
	ask(503, nil)
	ask(0, errors.New("away"))
	wants(t, m, `osp_postgrest_call_duration_seconds_count{function="osp_save",status="2xx"} 2`,
		`osp_postgrest_call_duration_seconds_count{function="osp_save",status="5xx"} 1`,
		`osp_postgrest_call_duration_seconds_count{function="osp_save",status="error"} 1`)
}

func TestStreamsAndStrangeRequestsAreCounted(t *testing.T) {
	m := NewMetrics(Build{}, time.Now)
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.Use(m.Requests)
	e.GET("/v1/tasks/:id/events", func(*gin.Context) { wants(t, m, "osp_event_streams 1") })
	e.GET("/healthz", func(*gin.Context) {})
	for _, r := range []string{"GET /v1/tasks/a-very-own-id/events", "GET /healthz", "BREW /coffee/for-one", "GET /x"} {
		method, path, _ := strings.Cut(r, " ")
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path, nil))
	}
	wants(t, m, "osp_event_streams 0", `osp_http_requests_total{method="GET",route="/v1/tasks/:id/events",status="200"} 1`,
		`osp_http_requests_total{method="other",route="none",status="404"} 1`, `osp_http_requests_total{method="GET",route="none",status="404"} 1`)
	if got := scraped(m); strings.Contains(got, "healthz") || strings.Contains(got, "own-id") || strings.Contains(got, "BREW") {
		t.Errorf("got %s", got)
	}
}

func TestRowsAreCountedByWhatBecameOfThem(t *testing.T) {
	m := NewMetrics(Build{}, func() time.Time { return time.Unix(1000, 0) })
	m.Flushed(5, time.Unix(998, 0), 10*time.Millisecond, nil)
	m.Flushed(1, time.Unix(1, 0), time.Millisecond, saga.Permanent(errors.New("no")))
	m.Flushed(3, time.Unix(1, 0), time.Second, errors.New("away"))
	wants(t, m, `osp_rows_flushed_total{outcome="written"} 5`, `osp_rows_flushed_total{outcome="refused"} 1`,
		`osp_rows_flushed_total{outcome="unavailable"} 3`, "osp_flush_lag_seconds_sum 2", "osp_flush_lag_seconds_count 1")
}
