package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// endpoint is somebody's service: it does what a key asks for once, and remembers in which order.
type endpoint struct {
	*httptest.Server

	mu      sync.Mutex
	effects []string          // paths, in the order in which they took effect
	keys    map[string]string // Idempotency-Key to path
	calls   map[string]int    // path to calls
	answer  func(path string, call int, r *http.Request) int
}

// retryAfter is how many seconds whoever is not served is to wait, longer than any test does.
const retryAfter = "600"

func newEndpoint(t *testing.T, answer func(path string, call int, r *http.Request) int) *endpoint {
	e := &endpoint{keys: map[string]string{}, calls: map[string]int{}, answer: answer}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the caller has died
	path, key := r.URL.Path, r.Header.Get("Idempotency-Key")
	e.mu.Lock()
	e.calls[path]++
	call := e.calls[path]
	if _, seen := e.keys[key]; !seen {
		e.effects = append(e.effects, path)
	}
	e.keys[key] = path
	e.mu.Unlock()
	status := http.StatusOK
	if e.answer != nil {
		status = e.answer(path, call, r)
	}
	w.Header().Set("Content-Type", "application/json")
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"path":%q}`, path)
}

// saw returns the effects so far.
func (e *endpoint) saw() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(slices.Clone(e.effects), " ")
}

func (e *endpoint) called(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[path]
}

// saga is an http.saga over steps that are named after their paths.
func (e *endpoint) saga(names ...string) dict {
	var steps []dict
	for _, name := range names {
		steps = append(steps, dict{
			"name": name,
			"do":   dict{"method": "POST", "url": e.URL + "/" + name, "body": dict{"n": 1}},
			"undo": dict{"method": "POST", "url": e.URL + "/undo-" + name},
		})
	}
	return dict{"steps": steps}
}
