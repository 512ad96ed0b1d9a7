package handlers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

func TestEachErrorHasItsProblem(t *testing.T) {
	cases := []struct {
		err    error
		status int
		slug   string
		logged bool
	}{
		{saga.ErrNotFound, 404, "no-such-task", false},
		{saga.ErrConflict, 409, "conflict", false},
		{saga.ErrFinished, 409, "finished", false},
		{saga.ErrLost, 409, "lost", false},
		{saga.ErrUnfinished, 409, "unfinished", false},
		{saga.ErrNotStuck, 409, "not-stuck", false},
		{saga.ErrUnknownType, 422, "unknown-type", false},
		{saga.Invalid("/input/name", "is too long"), 422, "invalid", false},
		{saga.ErrTooLarge, 413, "too-large", false},
		{saga.ErrUnavailable, 503, "unavailable", true},
		{context.DeadlineExceeded, 503, "unavailable", true},
		{context.Canceled, 503, "unavailable", true},
		{saga.ErrOvertaken, 500, "internal", true},
		{errors.New("dial tcp 10.0.0.7:6379"), 500, "internal", true},
	}
	for _, tc := range cases {
		t.Run(tc.err.Error(), func(t *testing.T) {
			w := newWorld(t)
			w.fake.fail = fmt.Errorf("password=hunter2: %w", tc.err)
			a := w.must(tc.status, "POST /v1/tasks/a/cancel", "{}")
			if a.slug() != tc.slug || a.json("status") != fmt.Sprint(tc.status) || a.json("title") == "" || a.json("detail") == "" {
				t.Errorf("got %s", a.Body)
			}
			if strings.Contains(a.Body.String(), "hunter2") || strings.Contains(a.Body.String(), "10.0.0.7") {
				t.Errorf("the cause is told: %s", a.Body)
			}
			if strings.Contains(w.log.String(), "hunter2") != tc.logged {
				t.Errorf("logged: %s", w.log)
			}
			if (a.Header().Get("Retry-After") != "") != (tc.status == 503) {
				t.Errorf("Retry-After %q", a.Header().Get("Retry-After"))
			}
			if a.json("request_id") != "req-1" {
				t.Errorf("request_id %q", a.json("request_id"))
			}
		})
	}
}

func TestAPanicIsAProblemWhoseStackIsLogged(t *testing.T) {
	w := newWorld(t)
	w.fake.panic = "secret-of-a-panic"
	a := w.must(500, "POST /v1/tasks", demo)
	if a.slug() != "internal" || strings.Contains(a.Body.String(), "secret") || strings.Contains(a.Body.String(), "goroutine") {
		t.Errorf("got %s", a.Body)
	}
	if log := w.log.String(); !strings.Contains(log, "secret-of-a-panic") || !strings.Contains(log, "fake_test.go") ||
		!strings.Contains(log, "status=500") {
		t.Errorf("logged %s", log)
	}
}

func TestAPanicCutsAnAnswerThatHasBegun(t *testing.T) {
	w := newWorld(t)
	w.api.GET("/half", func(c *gin.Context) {
		_, _ = c.Writer.WriteString("half")
		panic("oops")
	})
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			t.Errorf("got %v", v)
		}
	}()
	w.api.ServeHTTP(httptest.NewRecorder(), request(t, "GET /half", ""))
}

func TestAnAnswerThatCannotBeEncodedIsAProblem(t *testing.T) {
	w := newWorld(t)
	w.api.GET("/nan", func(c *gin.Context) { w.api.json(c, 200, math.NaN()) })
	rec := serve(w, request(t, "GET /nan", ""))
	if rec.Code != 500 || !strings.Contains(rec.Body.String(), "/problems/internal") {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"GET /", "GET /v1", "GET /v1/tasks/", "GET /v1/tasks/a/b/c", "POST /v2/tasks", "GET /v1//tasks"} {
		if a := w.must(404, line, ""); a.slug() != "no-such-route" {
			t.Errorf("%s: %s", line, a.Body)
		}
	}
	for line, allow := range map[string]string{
		"DELETE /v1/tasks": "GET, POST", "GET /v1/tasks/a/cancel": "POST", "PUT /v1/tasks/a": "GET", "POST /healthz": "GET",
	} {
		a := w.must(405, line, "")
		if a.slug() != "method-not-allowed" || len(a.Header().Get("Allow")) != len(allow) {
			t.Errorf("%s: Allow %q, %s", line, a.Header().Get("Allow"), a.Body)
		}
	}
}

func TestEachKindOfProblemIsExplained(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, k := range kinds {
		if seen[k.slug] || k.title == "" || k.detail == "" || http.StatusText(k.status) == "" {
			t.Errorf("%+v is twice or incomplete", k)
		}
		seen[k.slug] = true
		if a := w.must(200, "GET /problems/"+k.slug, ""); a.json("title") != k.title {
			t.Errorf("got %s", a.Body)
		}
	}
	for _, m := range meanings {
		if !seen[m.kind.slug] {
			t.Errorf("%s is not among the kinds", m.kind.slug)
		}
	}
	w.must(404, "GET /problems/nope", "")
}
