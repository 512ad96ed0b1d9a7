package server

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

const (
	clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan  = "00f067aa0ba902b7"
)

// told sends a request as a client that traces does.
func (r *running) told(method, path, body string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Traceparent", "00-"+clientTrace+"-"+clientSpan+"-01")
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestATraceIsOneTreeFromTheRequestToTheLastUndo(t *testing.T) {
	var shipped atomic.Int64
	var mu sync.Mutex
	parents := map[string]string{} // by path: the span that the endpoint was told of last
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		parts := strings.Split(r.Header.Get("Traceparent"), "-")
		if len(parts) != 4 || parts[1] != clientTrace || parts[3] != "01" {
			t.Errorf("%s was told %q", r.URL.Path, r.Header.Get("Traceparent"))
		} else {
			parents[r.URL.Path] = parts[2]
		}
		switch {
		case r.URL.Path == "/ship" && shipped.Add(1) == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.URL.Path == "/ship":
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer endpoint.Close()
	collector := collect(t)
	set := vars{
		"REDIS_URL": testenv.Redis(t), "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OSP_HTTP_ALLOW_PRIVATE": "true",
		"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%2Cb", "OSP_SECRET_PAY": "very-secret",
	}
	var log lines
	api, worker := run(t, config(t, RoleAPI, set)), config(t, RoleWorker, set)
	carried := runWith(t, worker, NewLog(&log, worker))
	body := strings.ReplaceAll(`{"type":"http.saga","id":"order-17","input":{"data":{"name":"Ada Private"},"steps":[
		{"name":"charge","do":{"method":"POST","url":"URL/charge","headers":{"Authorization":"Bearer ${secrets.PAY}"},"body":"${input.data.name}"},"undo":{"method":"POST","url":"URL/refund"}},
		{"name":"ship","do":{"method":"POST","url":"URL/ship"},"undo":{"method":"POST","url":"URL/unship"},"retry":{"attempts":2,"first_seconds":1}}]}}`,
		"URL", endpoint.URL)
	if status := api.told("POST", "/v1/tasks", body); status != 202 {
		t.Fatalf("started: %d", status)
	}
	api.sees("/v1/tasks/order-17", `"state":"failed"`)
	for _, r := range []*running{api, carried} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	got := collector.tree(t, clientTrace, clientSpan, "osp.task.state", "osp.step.attempt", "osp.step.outcome", "osp.run.outcome", "http.response.status_code")
	want := `POST /v1/tasks 202
  task http.saga failed
    run http.saga waiting parked
      do charge 1 done
        HTTP POST 200
      do ship 1 retry
        HTTP POST 503
    run http.saga failed ended
      do ship 2 failed
        HTTP POST 400
      undo ship 1 done
        HTTP POST 200
      undo charge 1 done
        HTTP POST 200
`
	if got != want {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
	var runs []string
	for _, span := range collector.received(clientTrace) {
		role := collector.of[id(span.GetSpanId())]
		if wanted := map[bool]string{true: "api", false: "worker"}[span.GetName() == "POST /v1/tasks"]; role != wanted {
			t.Errorf("%s is of %s", span.GetName(), role)
		}
		if strings.HasPrefix(span.GetName(), "run ") {
			for _, link := range span.GetLinks() {
				if len(runs) == 0 || id(link.GetSpanId()) != runs[len(runs)-1] {
					t.Errorf("a run is linked to %x, which is not the one before", link.GetSpanId())
				}
			}
			if len(span.GetLinks()) != min(len(runs), 1) {
				t.Errorf("run %d has %d links", len(runs), len(span.GetLinks()))
			}
			runs = append(runs, id(span.GetSpanId()))
		}
	}
	for path, span := range parents {
		if !collector.has(span, "HTTP POST") {
			t.Errorf("%s was told of span %s, which is no call", path, span)
		}
	}
	for _, private := range []string{"very-secret", "Ada Private"} {
		if strings.Contains(collector.seen(), private) {
			t.Errorf("the trace tells %q", private)
		}
	}
	if got := collector.headers[0].Get("X-Key"); got != "a,b" {
		t.Errorf("the header is %q", got)
	}
	log.comes(t, "task ended", "order-17", `"trace_id":"`+clientTrace)
}
