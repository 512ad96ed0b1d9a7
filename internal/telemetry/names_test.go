package telemetry

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| (`osp_[^|]*`) \\| ([^|]*) \\|")
	metricName = regexp.MustCompile("`(osp_[a-z_]+)`")
	described  = regexp.MustCompile(`fqName: "(osp_[a-z_]+)".*variableLabels: \{([a-z_,]*)\}`)
)

// The list in docs/operations.md is what there is, labels and all. The dashboard and the alerts are held against it.
func TestTheDocumentedMetricsAreThoseThatThereAre(t *testing.T) {
	m := NewMetrics(Build{}, time.Now)
	m.Pool(func() *redis.PoolStats { return &redis.PoolStats{} })
	m.Observe(func(context.Context) (State, error) { return State{}, nil }, func(context.Context) (int, error) { return 0, nil })
	descs := make(chan *prometheus.Desc, 200)
	m.registry.Describe(descs)
	close(descs)
	var there []string
	for d := range descs {
		if found := described.FindStringSubmatch(d.String()); found != nil {
			there = append(there, found[1]+": "+strings.ReplaceAll(found[2], ",", ", "))
		}
	}
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		_, labels, _ := strings.Cut(row[2], ": ")
		labels, _, _ = strings.Cut(labels, ", of Redis")
		for _, name := range metricName.FindAllStringSubmatch(row[1], -1) {
			told = append(told, name[1]+": "+labels)
		}
	}
	slices.Sort(there)
	slices.Sort(told)
	if !slices.Equal(there, told) {
		t.Errorf("there are\n%s\ntold are\n%s", strings.Join(there, "\n"), strings.Join(told, "\n"))
	}
}
