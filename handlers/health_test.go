package handlers

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealth(t *testing.T) {
	w := newWorld(t, guarded)
	w.must(200, "GET /healthz", "")
	w.must(200, "GET /readyz", "")
	w.fake.fail = errors.New("dial tcp 10.0.0.7:6379")
	w.must(200, "GET /healthz", "")
	a := w.must(503, "GET /readyz", "")
	if a.slug() != "unavailable" || a.Header().Get("Retry-After") == "" || strings.Contains(a.Body.String(), "10.0.0.7") {
		t.Errorf("got %s", a.Body)
	}
	if !strings.Contains(w.log.String(), "10.0.0.7") {
		t.Error("the cause is not in the log")
	}
}

func TestAProcessThatStopsIsNotReady(t *testing.T) {
	closing := make(chan struct{})
	w := newWorld(t, func(c *Config) { c.Closing = closing })
	w.must(200, "GET /readyz", "")
	close(closing)
	w.must(503, "GET /readyz", "")
	w.must(200, "GET /healthz", "")
}

type readiness func(context.Context) error

func (f readiness) Ready(ctx context.Context) error { return f(ctx) }

func TestAWorkerServesOnlyProbes(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Tasks = nil
		c.Ready = readiness(func(context.Context) error { return nil })
	})
	w.must(200, "GET /healthz", "")
	w.must(200, "GET /readyz", "")
	for _, line := range []string{"GET /v1/tasks", "POST /v1/tasks", "GET /openapi.json"} {
		if rec := serve(w, request(t, line, "")); rec.Code != 404 {
			t.Errorf("%s: %d", line, rec.Code)
		}
	}
}

func TestReadyzDoesNotWaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) {
			c.Ready = readiness(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		})
		start := time.Now()
		w.must(503, "GET /readyz", "")
		if took := time.Since(start); took != readyWithin {
			t.Errorf("took %v", took)
		}
	})
}

func TestNewWithoutAClockIsAFaultOfTheProgram(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Config{})
}

// Monitors and link checkers ask by HEAD. An event stream has none: it would not end.
func TestHeadIsAnsweredAsGet(t *testing.T) {
	w := begun(t)
	for _, path := range []string{"/healthz", "/openapi.json", "/v1/tasks/a"} {
		r, want := httptest.NewRecorder(), w.call("GET "+path, "")
		w.api.ServeHTTP(r, request(t, "HEAD "+path, ""))
		if r.Code != 200 || r.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("%s: %d %v", path, r.Code, r.Header())
		}
	}
	r := httptest.NewRecorder()
	if w.api.ServeHTTP(r, request(t, "HEAD /v1/tasks/a/events", "")); r.Code != 405 {
		t.Errorf("a stream: %d", r.Code)
	}
}
