package server

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
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

// A parent and its child are in one trace; what asynq has carries it, for those who read the queue.
func TestAChildIsTracedUnderItsParent(t *testing.T) {
	collector := collect(t)
	set := vars{
		"REDIS_URL": testenv.Redis(t), "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.URL + "/v1/traces",
	}
	types := []tasks.Type{
		fixed("t.parent", saga.Child("sub", "t.child", func(saga.Scope) (json.RawMessage, error) { return json.RawMessage("{}"), nil })),
		fixed("t.child", act("a", fine, fine)),
	}
	api := runTypes(t, config(t, RoleAPI, set), slog.New(slog.DiscardHandler), types...)
	if status := api.told("POST", "/v1/tasks", `{"type":"t.parent","id":"parent","input":{}}`); status != 202 {
		t.Fatalf("started: %d", status)
	}
	client, err := openRedis(set["REDIS_URL"], 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := asynq.NewInspectorFromRedisClient(client).GetTaskInfo("default", "parent")
	if err != nil || !strings.HasPrefix(info.Headers["traceparent"], "00-"+clientTrace) {
		t.Errorf("asynq has %+v, %v", info, err)
	}
	_ = client.Close()
	worker := runTypes(t, config(t, RoleWorker, set), slog.New(slog.DiscardHandler), types...)
	api.sees("/v1/tasks/parent", `"state":"completed"`)
	for _, r := range []*running{api, worker} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	got := collector.tree(t, clientTrace, clientSpan, "osp.task.state")
	want := `POST /v1/tasks
  task t.parent completed
    run t.parent waiting
      do sub
        task t.child completed
          run t.child completed
            do a
    run t.parent completed
`
	if got != want {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
}

// An API without traces starts tasks that workers trace.
func TestAnAPIWithoutTracesStartsTasksThatAreTraced(t *testing.T) {
	collector := collect(t)
	set := vars{"REDIS_URL": testenv.Redis(t), "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db")}
	types := []tasks.Type{fixed("t.two", act("a", second, fine))}
	api := runTypes(t, config(t, RoleAPI, set), slog.New(slog.DiscardHandler), types...)
	worker := runTypes(t, config(t, RoleWorker, with(set, vars{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL})), slog.New(slog.DiscardHandler), types...)
	api.begin(`{"type":"t.two","id":"quiet","input":{}}`)
	api.sees("/v1/tasks/quiet", `"state":"completed"`)
	for _, r := range []*running{api, worker} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
	own := sha256.Sum256([]byte("quiet")) // as endpoints are told
	want := "task t.two\n  run t.two\n    do a\n  run t.two\n    do a\n"
	if got := collector.tree(t, id(own[:16]), ""); got != want {
		t.Errorf("the trace is\n%s\nwant\n%s", got, want)
	}
}

// Spans wait for a collector that does not answer, as many as there is room for, and tasks do not.
func TestTasksDoNotWaitForACollector(t *testing.T) {
	hang := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(hang)
	for _, endpoint := range []string{hanging.URL, "http://127.0.0.1:1"} {
		r := runTypes(t, config(t, RoleAll, vars{
			"REDIS_URL": testenv.Redis(t), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_MAX_QUEUE_SIZE": "4",
			"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2", "OTEL_BSP_SCHEDULE_DELAY": "10",
		}), slog.New(slog.DiscardHandler), fixed("t.two", act("a", second, fine)))
		for i := range 20 {
			r.begin(fmt.Sprintf(`{"type":"t.two","id":"t%d","input":{}}`, i))
		}
		for i := range 20 {
			r.sees(fmt.Sprint("/v1/tasks/t", i), `"state":"completed"`)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestTracesAreConfiguredByOpenTelemetrysVariables(t *testing.T) {
	on := vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318/"}
	for _, c := range []struct {
		name  string
		vars  vars
		where string
	}{
		{"nothing is said", vars{}, ""},
		{"a collector", on, "https://collector:4318/v1/traces"},
		{"one of traces", with(on, vars{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:1/x"}), "http://t:1/x"},
		{"OTLP is asked for", vars{"OTEL_TRACES_EXPORTER": "otlp"}, "http://localhost:4318/v1/traces"},
		{"none is asked for", with(on, vars{"OTEL_TRACES_EXPORTER": "none"}), ""},
		{"all of it is off", with(on, vars{"OTEL_SDK_DISABLED": "TRUE"}), ""},
		{"the protocol that there is", with(on, vars{"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}), "https://collector:4318/v1/traces"},
	} {
		got, err := Load(RoleAPI, with(enough, c.vars).env())
		where := ""
		if got.Traces != nil {
			where = got.Traces.Endpoint
		}
		if err != nil || where != c.where {
			t.Errorf("%s: %q, %v, want %q", c.name, where, err, c.where)
		}
	}
	for variable, bad := range map[string][]string{
		"OTEL_TRACES_EXPORTER":               {"jaeger", "otlp,console"},
		"OTEL_EXPORTER_OTLP_ENDPOINT":        {"collector:4318", "grpc://x:1", "http://user:SECRET@x", "http://"},
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": {"collector"},
		"OTEL_EXPORTER_OTLP_PROTOCOL":        {"grpc", "http/json"},
		"OTEL_EXPORTER_OTLP_HEADERS":         {"SECRET", "a=SECRET%zz", "=SECRET", "a=SECRET%0A"},
		"OTEL_EXPORTER_OTLP_TIMEOUT":         {"0", "10s", "-1"},
		"OTEL_EXPORTER_OTLP_COMPRESSION":     {"zstd"},
		"OTEL_TRACES_SAMPLER":                {"sometimes", "jaeger_remote"},
		"OTEL_RESOURCE_ATTRIBUTES":           {"a"},
		"OTEL_BSP_MAX_QUEUE_SIZE":            {"0", "many"},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE":     {"0"},
		"OTEL_BSP_SCHEDULE_DELAY":            {"5s"},
	} {
		for _, value := range bad {
			_, err := Load(RoleAPI, with(enough, on, vars{variable: value}).env())
			if blamed(err)[variable] != 1 || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s=%s: %v", variable, value, err)
			}
		}
	}
	for _, bad := range []string{"2", "-0.1", "all", "NaN"} {
		_, err := Load(RoleAPI, with(enough, on, vars{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": bad}).env())
		if blamed(err)["OTEL_TRACES_SAMPLER_ARG"] != 1 {
			t.Errorf("a part of %s: %v", bad, err)
		}
	}
	c, err := Load(RoleAPI, with(enough, on, vars{
		"OTEL_SERVICE_NAME": "mine", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other, place=a%20b", "OTEL_EXPORTER_OTLP_HEADERS_FILE": "/run/h",
		"file /run/h": "authorization=Basic%20abc\n", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
	}).env())
	if err != nil || c.Traces.Attributes["service.name"] != "mine" || c.Traces.Attributes["place"] != "a b" ||
		c.Traces.Headers["authorization"] != "Basic abc" || !strings.Contains(c.Traces.Sampler.Description(), "TraceIDRatioBased{0.25}") {
		t.Errorf("got %+v, %v", c.Traces, err)
	}
}
