package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// act is a step that does nothing, or fails so.
func act(name string, do, undo func(attempt int) error) saga.Step {
	return saga.Activity[any, any]{
		Name: name, Retry: saga.Retry{Attempts: 3, First: time.Millisecond, Max: time.Millisecond}, UndoRetry: saga.Retry{Attempts: 1},
		Do:   func(_ context.Context, c saga.Call, _ any) (any, error) { return nil, do(c.Attempt) },
		Undo: func(_ context.Context, c saga.Call, _ any, _ *any) error { return undo(c.Attempt) },
	}.Step()
}

func fine(int) error   { return nil }
func broken(int) error { return saga.Permanent(errors.New("no")) }

// second fails once.
func second(attempt int) error {
	if attempt == 1 {
		return errors.New("not yet")
	}
	return nil
}

func fixed(name string, steps ...saga.Step) tasks.Type {
	return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: name, Version: 1, Root: saga.Sequence(steps...)}, nil
	}}
}

// runTypes is a server that knows more types.
func runTypes(t *testing.T, c Config, log *slog.Logger, types ...tasks.Type) *running {
	t.Helper()
	s, err := New(t.Context(), c, log, types...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return &running{t: t, url: s.URL(), stop: func() error {
		cancel()
		return <-ended
	}}
}

// begin starts a task and does not wait for it.
func (r *running) begin(body string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), "POST", r.url+"/v1/tasks", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 202 {
		r.t.Fatalf("%s: %d", body, res.StatusCode)
	}
}

// sees waits until an answer holds a text.
func (r *running) sees(path, text string) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		_, _, body := r.ask("GET", path, "", "")
		if strings.Contains(body, text) {
			return
		}
		select {
		case <-deadline:
			r.t.Fatalf("%s: %s, want %s", path, body, text)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// families is what a scrape reads.
func (r *running) families() map[string]*dto.MetricFamily {
	r.t.Helper()
	_, _, body := r.ask("GET", "/metrics", "", "")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	list, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		r.t.Fatalf("%v in\n%s", err, body)
	}
	return list
}

// value is that of a series, as name{label="value",…} in the order of the labels' names; of a histogram, its count.
func value(families map[string]*dto.MetricFamily, series string) float64 {
	name, _, _ := strings.Cut(series, "{")
	for _, m := range families[name].GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
		}
		slices.Sort(labels)
		if got := name + "{" + strings.Join(labels, ",") + "}"; got != series && (got != series+"{}") {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.Counter.GetValue()
		case m.Gauge != nil:
			return m.Gauge.GetValue()
		case m.Histogram != nil:
			return float64(m.Histogram.GetSampleCount())
		}
	}
	return -1
}

// counted waits until series have these values: what a process counts, it counts a moment after it is to be seen elsewhere.
func (r *running) counted(wants map[string]float64) map[string]*dto.MetricFamily {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		families, wrong := r.families(), ""
		for _, series := range slices.Sorted(maps.Keys(wants)) {
			if got := value(families, series); got != wants[series] {
				wrong += fmt.Sprintf("%s is %v, want %v\n", series, got, wants[series])
			}
		}
		if wrong == "" {
			return families
		}
		select {
		case <-deadline:
			r.t.Fatal(wrong)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func TestAScrapeTellsWhatHasBecomeOfTasks(t *testing.T) {
	c := config(t, RoleAll, vars{"REDIS_URL": testenv.Redis(t)})
	c.Build.Version = "1.2.3"
	r := runTypes(t, c, slog.New(slog.DiscardHandler),
		fixed("t.good", act("a", fine, fine), act("b", second, fine)),
		fixed("t.bad", act("a", fine, fine), act("b", broken, fine)),
		fixed("t.stuck", act("a", fine, broken), act("b", broken, fine)),
		fixed("t.waits", saga.Signal("wait", "go", 0)),
	)
	for i, name := range []string{"t.good", "t.good", "t.bad", "t.stuck"} {
		r.begin(fmt.Sprintf(`{"type":%q,"id":"secret-id-%d","input":{}}`, name, i))
	}
	r.begin(`{"type":"t.waits","id":"secret-id-9","input":{},"process_at":"2099-01-01T00:00:00Z"}`)
	r.sees("/v1/tasks?status=running", `"state":"stuck"`)
	r.ask("GET", "/v1/tasks/secret-id-0", "", "")
	r.ask("GET", "/nowhere/secret-id-0", "", "")
	families := r.counted(map[string]float64{
		`osp_tasks_started_total{queue="default",type="t.good"}`:                                    2,
		`osp_tasks_ended_total{state="completed",type="t.good"}`:                                    2,
		`osp_tasks_ended_total{state="failed",type="t.bad"}`:                                        1,
		`osp_task_duration_seconds{state="completed",type="t.good"}`:                                2,
		`osp_step_attempts_total{direction="do",kind="activity",outcome="retry",type="t.good"}`:     2,
		`osp_step_attempts_total{direction="do",kind="activity",outcome="done",type="t.good"}`:      4,
		`osp_step_attempts_total{direction="do",kind="activity",outcome="failed",type="t.bad"}`:     1,
		`osp_step_attempts_total{direction="undo",kind="activity",outcome="failed",type="t.stuck"}`: 1,
		`osp_step_duration_seconds{direction="do",kind="activity",type="t.good"}`:                   6,
		`osp_compensations_started_total{type="t.bad"}`:                                             1,
		`osp_compensations_ended_total{outcome="failed",type="t.bad"}`:                              1,
		`osp_compensations_ended_total{outcome="stuck",type="t.stuck"}`:                             1,
		`osp_runs_total{outcome="ended",type="t.good"}`:                                             2,
		`osp_runs_total{outcome="parked",type="t.good"}`:                                            2,
		`osp_http_requests_total{method="POST",route="/v1/tasks",status="202"}`:                     5, // but for those that had ended
		`osp_http_requests_total{method="GET",route="none",status="404"}`:                           1,
		`osp_http_request_duration_seconds{method="GET",route="/v1/tasks/:id"}`:                     1,
		`osp_tasks_open`:                  2,
		`osp_tasks_stuck`:                 1,
		`osp_workers`:                     1,
		`osp_rows_unwritten`:              0,
		`osp_dead_letters`:                0,
		`osp_redis_up`:                    1,
		`osp_queue_backlog{queue="high"}`: 0,
		`osp_queue_tasks{queue="default",state="scheduled"}`: 1,
	})
	for _, name := range []string{
		"osp_redis_call_duration_seconds", "osp_redis_pool_connections", "osp_flush_duration_seconds", "osp_flush_lag_seconds",
		"osp_rows_flushed_total", "osp_build_info", "osp_redis_memory_bytes", "go_goroutines", "process_cpu_seconds_total",
	} {
		if families[name] == nil {
			t.Errorf("%s is not told", name)
		}
	}
	for _, name := range []string{"osp_takeovers_total", "osp_leases_lost_total"} {
		if families[name] != nil {
			t.Errorf("%s: nobody has died", name)
		}
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.Contains(l.GetValue(), "secret-id") || uuids.MatchString(l.GetValue()) {
					t.Errorf("%s has an id in %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	_, _, body := r.ask("GET", "/metrics", "", "")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "go_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

var uuids = regexp.MustCompile(`[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-`)
