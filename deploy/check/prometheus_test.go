package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
)

var prometheusFiles = []manifest{
	{"alerts/osp.rules.yml", readRules, []string{
		"alert:", "allert:", "expr: max(", "expr: max((", "osp_dead_letters", "osp_dead_letter", "by (queue)", "by (queues)", `state="failed"`, `status="failed"`,
		"#no-workers", "#no-worker", "severity: warning", "severity: bad", "for: 5m", "for: five", "$labels.queue", "$label.queue",
	}},
	{"dashboards/osp.json", readDashboard, []string{
		`"expr": "max(`, `"expr": "max((`, "osp_tasks_stuck", "osp_stuck_tasks", "by (type)", "by (types)", `"panels"`, `"panel"`, "osp_step_duration_seconds_bucket", "osp_step_duration_seconds_buckets",
	}},
}

var promQL = parser.NewParser(parser.Options{})

// metric is what docs/operations.md tells of one; a test of the server's holds that against what is there.
type metric struct {
	histogram bool
	labels    []string
}

var (
	metricRow  = regexp.MustCompile("(?m)^\\| (`osp_[^|]*`) \\| ([^|]*) \\|")
	metricName = regexp.MustCompile("`(osp_[a-z_]+)`")
	heading    = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

func metrics() (map[string]metric, error) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		return nil, err
	}
	known := map[string]metric{"go_goroutines": {}, "process_cpu_seconds_total": {}}
	for _, row := range metricRow.FindAllSubmatch(text, -1) {
		kind, labels, _ := strings.Cut(strings.TrimSuffix(string(row[2]), ", of Redis"), ": ")
		for _, name := range metricName.FindAllSubmatch(row[1], -1) {
			known[string(name[1])] = metric{strings.HasPrefix(kind, "histogram"), strings.Split(labels, ", ")}
		}
	}
	return known, nil
}

// checkExpr refuses an expression that Prometheus would, and one of metrics or labels that there are not.
func checkExpr(text string) error {
	expr, err := promQL.ParseExpr(text)
	if err != nil {
		return err
	}
	known, err := metrics()
	if err != nil {
		return err
	}
	labels, used, errs := map[string]bool{"job": true, "instance": true}, []string{}, []error{}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			m, ok := known[n.Name]
			ok = ok && !m.histogram // which has no series of its own name
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				if base, cut := strings.CutSuffix(n.Name, suffix); cut && known[base].histogram {
					m, ok = known[base], true
					labels["le"] = labels["le"] || suffix == "_bucket"
				}
			}
			if !ok {
				errs = append(errs, fmt.Errorf("there is no series %s", n.Name))
			}
			for _, l := range m.labels {
				labels[l] = true
			}
			for _, matcher := range n.LabelMatchers {
				if matcher.Name != model.MetricNameLabel {
					used = append(used, matcher.Name)
				}
			}
		case *parser.AggregateExpr:
			used = append(used, n.Grouping...)
		}
		return nil
	})
	for _, l := range used {
		if !labels[l] {
			errs = append(errs, fmt.Errorf("there is no label %s in %s", l, text))
		}
	}
	return errors.Join(errs...)
}

func readRules(raw []byte) error {
	groups, errs := rulefmt.Parse(raw, false, model.LegacyValidation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		return err
	}
	anchors := map[string]bool{}
	for _, h := range heading.FindAllSubmatch(text, -1) {
		anchors[strings.ReplaceAll(strings.ToLower(string(h[1])), " ", "-")] = true
	}
	for _, r := range groups.Groups[0].Rules {
		if err := checkExpr(r.Expr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Alert, err))
		}
		page, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(page, "/docs/operations.md") || !anchors[anchor] {
			errs = append(errs, fmt.Errorf("%s: the runbook has no %s", r.Alert, anchor))
		}
		if r.For < model.Duration(time.Minute) || r.Annotations["summary"] == "" {
			errs = append(errs, fmt.Errorf("%s comes at once, or says nothing", r.Alert))
		}
		errs = append(errs, oneOf(r.Alert+"'s severity", r.Labels["severity"], "warning", "critical"))
	}
	return errors.Join(errs...)
}

// grafana puts values in the place of its variables.
var grafana = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*")

func readDashboard(raw []byte) error {
	var d struct {
		Panels []struct {
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return err
	}
	var errs []error
	shown := 0
	for _, p := range d.Panels {
		if p.Type != "row" && (len(p.Targets) == 0 || p.Title == "") || p.GridPos.X+p.GridPos.W > 24 {
			errs = append(errs, fmt.Errorf("panel %q shows nothing, or is out of the grid", p.Title))
		}
		for _, t := range p.Targets {
			shown++
			if err := checkExpr(grafana.Replace(t.Expr)); err != nil {
				errs = append(errs, fmt.Errorf("panel %q: %w", p.Title, err))
			}
		}
	}
	if shown == 0 {
		errs = append(errs, errors.New("it shows nothing"))
	}
	return errors.Join(errs...)
}

// alarms are when alerts come: series by the minute, and whether the expression holds of them after an hour.
var alarms = []struct {
	alert, series string
	holds         bool
}{
	{"OspOldestWaitingTooOld", `osp_queue_oldest_seconds{queue="low"} 301x60`, true},
	{"OspOldestWaitingTooOld", `osp_queue_oldest_seconds{queue="low"} 299x60`, false},
	{"OspNoWorkers", `osp_workers{instance="a"} 0x60`, true},
	{"OspNoWorkers", `osp_workers{instance="a"} 1x60`, false},
	{"OspStuckTasks", `osp_tasks_stuck{instance="a"} 1x60`, true},
	{"OspStuckTasks", `osp_tasks_stuck{instance="a"} 0x60`, false},
	{"OspDeadLetters", `osp_dead_letters{instance="a"} 1x60`, true},
	{"OspDeadLetters", `osp_dead_letters{instance="a"} 0x60`, false},
	{"OspFlushLag", `osp_rows_unwritten_oldest_seconds{instance="a"} 61x60`, true},
	{"OspFlushLag", `osp_rows_unwritten_oldest_seconds{instance="a"} 59x60`, false},
	{"OspManyTasksFail", "osp_tasks_ended_total{type=\"a\",state=\"failed\"} 0+3x60\n  osp_tasks_ended_total{type=\"a\",state=\"completed\"} 0+7x60", true},
	{"OspManyTasksFail", "osp_tasks_ended_total{type=\"a\",state=\"failed\"} 0+1x60\n  osp_tasks_ended_total{type=\"a\",state=\"completed\"} 0+9x60", false},
	{"OspManyTasksFail", "osp_tasks_ended_total{type=\"a\",state=\"failed\"} 0x55 1x5", false}, // a single one is no trend
	{"OspRedisDown", "osp_redis_up{instance=\"a\"} 1x60\n  osp_redis_up{instance=\"b\"} 0x60", true},
	{"OspRedisDown", `osp_redis_up{instance="a"} 1x60`, false},
	{"OspRedisErrors", `osp_redis_errors_total{family="script",kind="network"} 0+120x60`, true},
	{"OspRedisErrors", `osp_redis_errors_total{family="script",kind="network"} 0+30x60`, false},
	{"OspRedisMemory", "osp_redis_memory_bytes 81x60\n  osp_redis_memory_max_bytes 100x60", true},
	{"OspRedisMemory", "osp_redis_memory_bytes 79x60\n  osp_redis_memory_max_bytes 100x60", false},
	{"OspRedisMemory", "osp_redis_memory_bytes 79x60", false}, // it has no bound
	{"OspWorkersDie", `osp_takeovers_total{type="a"} 0+2x60`, true},
	{"OspWorkersDie", `osp_takeovers_total{type="a"} 0x60`, false},
}

func TestAlertsComeWhenTheyShould(t *testing.T) {
	groups, errs := rulefmt.Parse(source(t, "alerts/osp.rules.yml"), false, model.LegacyValidation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	rules, tested := map[string]string{}, map[string]bool{}
	for _, r := range groups.Groups[0].Rules {
		rules[r.Alert] = strings.Join(strings.Fields(r.Expr), " ")
	}
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	for _, a := range alarms {
		tested[a.alert] = true
		want := map[bool]string{true: " {} 1", false: ""}[a.holds]
		promqltest.RunTest(t, fmt.Sprintf("load 1m\n  %s\n\neval instant at 60m count(%s)\n %s\n", a.series, rules[a.alert], want), engine)
	}
	if got := slices.Sorted(maps.Keys(tested)); !slices.Equal(got, slices.Sorted(maps.Keys(rules))) {
		t.Errorf("tested are %v", got)
	}
}
