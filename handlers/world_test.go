package handlers

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

// world is an API over a fake, with what it logged.
type world struct {
	t    *testing.T
	fake *fake
	api  *API
	book *book
	log  *testenv.Log
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, fake: newFake(), log: &testenv.Log{}, book: &book{}}
	cfg := Config{
		Tasks: w.fake, Audit: w.book, Now: time.Now, NewID: func() string { return "req-1" },
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, c := range change {
		c(&cfg)
	}
	w.api = New(cfg)
	return w
}

// request makes a request of "METHOD /path", a body and "Header: value" lines.
func request(t *testing.T, line, body string, headers ...string) *http.Request {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t *testing.T
}

// call makes a request and checks that the answer is as openapi.json says.
func (w *world) call(line, body string, headers ...string) answer {
	w.t.Helper()
	r := request(w.t, line, body, headers...)
	a := answer{httptest.NewRecorder(), w.t}
	w.api.ServeHTTP(a, r)
	documented(w.t, r, a.ResponseRecorder)
	return a
}

// must is call for an answer with this status.
func (w *world) must(status int, line, body string, headers ...string) answer {
	w.t.Helper()
	a := w.call(line, body, headers...)
	if a.Code != status {
		w.t.Fatalf("%s answered %d, want %d: %s", line, a.Code, status, a.Body)
	}
	return a
}

// json returns a member of the answer, by a path such as "errors.0.pointer", as text.
func (a answer) json(path string) string {
	a.t.Helper()
	var v any
	if err := json.Unmarshal(a.Body.Bytes(), &v); err != nil {
		a.t.Fatalf("not JSON: %v: %s", err, a.Body)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			var i int
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// faults lists where something is wrong, and nothing else.
func (a answer) faults() string {
	a.t.Helper()
	var p problemBody
	if err := json.Unmarshal(a.Body.Bytes(), &p); err != nil {
		a.t.Fatalf("not a problem: %v: %s", err, a.Body)
	}
	where := make([]string, len(p.Errors))
	for i, f := range p.Errors {
		switch {
		case f.Pointer != nil:
			where[i] = "pointer " + *f.Pointer
		case f.Parameter != "":
			where[i] = "parameter " + f.Parameter
		default:
			where[i] = "header " + f.Header
		}
	}
	return strings.Join(where, ", ")
}

// slug is the kind of problem.
func (a answer) slug() string {
	a.t.Helper()
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		a.t.Fatalf("Content-Type %q, want a problem: %d %s", got, a.Code, a.Body)
	}
	return strings.TrimPrefix(a.json("type"), problemBase)
}
