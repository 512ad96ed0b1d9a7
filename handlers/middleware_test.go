package handlers

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

func TestRequestIDs(t *testing.T) {
	w := newWorld(t)
	for sent, want := range map[string]string{
		"": "req-1", "abc-1.2:3_4": "abc-1.2:3_4", "a b": "req-1", "a\"b": "req-1", strings.Repeat("x", 65): "req-1",
	} {
		a := w.must(404, "GET /v1/tasks/a", "", "X-Request-Id: "+sent)
		if a.Header().Get("X-Request-Id") != want || a.json("request_id") != want {
			t.Errorf("%q: %q, want %q", sent, a.Header().Get("X-Request-Id"), want)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	w := newWorld(t)
	w.api.GET("/monitor/", func(c *gin.Context) { c.String(200, "page") })
	for _, line := range []string{"GET /v1/types", "GET /healthz", "GET /monitor/", "GET /nothing"} {
		rec := serve(w, request(t, line, ""))
		h := rec.Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", line, h)
		}
	}
	if h := serve(w, request(t, "GET /v1/types", "")).Header(); h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
		t.Errorf("the API is not kept and loads nothing: %v", h)
	}
	if h := serve(w, request(t, "GET /monitor/", "")).Header(); h.Get("Content-Security-Policy") != "" {
		t.Error("the API's policy would break pages")
	}
}

func TestTheAccessLogHoldsNoSecrets(t *testing.T) {
	w := newWorld(t, guarded)
	w.must(202, "POST /v1/tasks", `{"type":"demo","id":"a","input":{"card":"4111"}}`, "Authorization: Bearer "+starterKey,
		"Idempotency-Key: a")
	w.must(400, "GET /v1/tasks?token=hush", "", "Authorization: Bearer "+readerKey)
	w.must(200, "GET /v1/tasks/a", "", "Authorization: Bearer "+readerKey)
	w.must(200, "GET /healthz", "")
	log := w.log.String()
	for _, secret := range []string{starterKey, readerKey, "4111", "hush"} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log: %s", secret, log)
		}
	}
	for _, want := range []string{
		"level=INFO msg=request method=POST route=/v1/tasks task=\"\" status=202", "by=shop", "route=/v1/tasks/:id task=a status=200",
		"level=DEBUG msg=request method=GET route=/healthz", "request_id=req-1", "took=",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in %s", want, log)
		}
	}
}

func TestARequestThatTakesTooLongIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Tasks = hangingTasks{c.Tasks} })
		start := time.Now()
		a := w.must(503, "POST /v1/tasks", demo)
		if took := time.Since(start); took != patience || a.slug() != "unavailable" {
			t.Errorf("after %v: %s", took, a.Body)
		}
	})
}

type hangingTasks struct{ Tasks }

func (hangingTasks) Start(ctx context.Context, _ saga.Request) (saga.Task, bool, error) {
	<-ctx.Done()
	return saga.Task{}, false, ctx.Err()
}

func TestMiddlewareRunsAroundEveryRoute(t *testing.T) {
	var seen []string
	w := newWorld(t, func(c *Config) {
		c.Middleware = []gin.HandlerFunc{func(c *gin.Context) { seen = append(seen, c.FullPath()) }}
	})
	w.api.GET("/metrics", func(c *gin.Context) { c.Status(200) })
	for _, line := range []string{"GET /v1/types", "GET /metrics", "GET /healthz"} {
		serve(w, request(t, line, ""))
	}
	if got := strings.Join(seen, " "); got != "/v1/types /metrics /healthz" {
		t.Errorf("got %s", got)
	}
}

// On a real connection: timeouts that are right for short requests must not cut a stream.
func TestAStreamOutlivesTheServersTimeouts(t *testing.T) {
	w := begun(t)
	server := httptest.NewUnstartedServer(w.api)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	server.Start()
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/tasks/a/events", nil)
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", want, lines.Err())
	}
	next("event: step_started")
	<-time.After(1500 * time.Millisecond) // real timeouts are what this is about
	w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
	next("event: task")
}

// deadlines remembers the last write deadline that was set.
type deadlines struct {
	*httptest.ResponseRecorder
	last time.Time
	set  int
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.last = t
	d.set++
	return nil
}

func TestAStreamLeavesNoDeadlineToTheNextRequest(t *testing.T) {
	w := begun(t)
	w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	w.api.ServeHTTP(d, request(t, "GET /v1/tasks/a/events", ""))
	if d.set < 2 || !d.last.IsZero() {
		t.Errorf("set %d times, at last to %v", d.set, d.last)
	}
}
