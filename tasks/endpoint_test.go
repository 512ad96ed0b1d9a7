package tasks_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// endpoint is somebody's HTTP service: it answers by path, and remembers what it was asked.
type endpoint struct {
	*httptest.Server
	answers map[string]http.HandlerFunc

	mu    sync.Mutex
	calls []call
}

// call is a request as an endpoint saw it.
type call struct {
	method, path, body string
	header             http.Header
}

func (c call) String() string { return strings.TrimSpace(c.method + " " + c.path + " " + c.body) }

func (c call) key() string { return c.header.Get("Idempotency-Key") }

// newEndpoint answers 200 with `{"ok":true}` where answers does not say otherwise. Answers are by path.
func newEndpoint(t *testing.T, answers map[string]http.HandlerFunc) *endpoint {
	t.Helper()
	e := &endpoint{answers: answers}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// ServeHTTP implements [http.Handler].
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	e.calls = append(e.calls, call{method: r.Method, path: r.URL.RequestURI(), body: string(body), header: r.Header})
	e.mu.Unlock()
	if answer := e.answers[r.URL.Path]; answer != nil {
		answer(w, r)
		return
	}
	reply(200, `{"ok":true}`)(w, r)
}

// told gives the calls, one a line.
func (e *endpoint) told() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := make([]string, len(e.calls))
	for i, c := range e.calls {
		lines[i] = c.String()
	}
	return strings.Join(lines, "\n")
}

// reply answers with JSON; headers are name, value, name, value.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// inTurn answers with each of the list once, and with the last one from then on.
func inTurn(list ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		mu.Unlock()
		answer(w, r)
	}
}

type secrets map[string]string

func (s secrets) Secret(name string) (string, bool) { v, ok := s[name]; return v, ok }

// newHTTPWorld runs http.saga, and may call this machine.
func newHTTPWorld(t *testing.T, s secrets) *world {
	t.Helper()
	h := tasks.NewHTTP(tasks.HTTPOptions{Secrets: s, AllowPrivate: true})
	t.Cleanup(h.Close)
	return newWorld(t, tasks.HTTPSaga(h))
}

// httpRequest is a request for an http.saga. In steps, URL stands for the endpoint's.
func httpRequest(url, steps string) saga.Request {
	input := `{"steps":[` + strings.ReplaceAll(steps, "URL", url) + `],"data":{"amount":12.50,"who":"Zoë"}}`
	return saga.Request{Type: "http.saga", Input: json.RawMessage(input)}
}

// get makes a step that gets a path.
func get(name, path string) string {
	return fmt.Sprintf(`{"name":%q,"do":{"method":"GET","url":"URL%s"}}`, name, path)
}

// post makes a step that posts to a path, with a body and (unless it is empty) an undo that posts to another.
func post(name, path, body, undo, undoBody string) string {
	s := fmt.Sprintf(`{"name":%q,"do":{"method":"POST","url":"URL%s","body":%s}`, name, path, body)
	if undo != "" {
		s += fmt.Sprintf(`,"undo":{"method":"POST","url":"URL%s","body":%s}`, undo, undoBody)
	}
	return s + "}"
}

func wantTold(t *testing.T, e *endpoint, want ...string) {
	t.Helper()
	if got := e.told(); got != strings.Join(want, "\n") {
		t.Errorf("the endpoint saw\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func wantState(t *testing.T, r *saga.Record, state saga.State, reason string) {
	t.Helper()
	told := r.Reason
	for _, s := range r.Steps {
		told += "\n" + s.Path + ": " + s.Do.Error + s.Undo.Error
	}
	if r.State != state || !strings.Contains(told, reason) {
		t.Errorf("state %s, told %s; want %s, %q", r.State, told, state, reason)
	}
}
