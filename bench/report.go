package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// report collects figures by their keys in bench/results.json: one of each round, of which the median counts.
type report struct {
	figures map[string][]float64
	texts   map[string]string // machine, versions, settings
	out     io.Writer         // for the progress
}

func newReport(ctx context.Context, db *database, s settings, out io.Writer) *report {
	return &report{out: out, figures: map[string][]float64{}, texts: map[string]string{
		"machine": machine(), "redis": "redis-server " + db.text(ctx, "redis_version"), "go": runtime.Version(),
		"durability": "without persistence; where a figure says appendonly, with appendonly yes and appendfsync everysec",
		"load": fmt.Sprintf("%d tasks in each run, %d in flight, flusher %s; %s", s.tasks, s.inFlight,
			map[bool]string{true: "on", false: "off"}[s.flush], medians(s.rounds)),
	}}
}

func medians(rounds int) string {
	if rounds == 1 {
		return "of one round"
	}
	return fmt.Sprintf("medians of %d rounds", rounds)
}

// machine says what it was measured on.
func machine() string {
	model, _ := os.ReadFile("/proc/cpuinfo")
	name := runtime.GOARCH
	for line := range strings.Lines(string(model)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			name = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %s, %d cores", runtime.GOOS, name, runtime.NumCPU())
}

// add notes a figure of a round.
func (r *report) add(key string, value float64) { r.figures[key] = append(r.figures[key], value) }

// addCPU notes what a run used for 1,000 tasks, of both together and of each.
func (r *report) addCPU(prefix string, o outcome) {
	r.add(prefix+"cpu_s_per_1000", o.cpu())
	r.add(prefix+"process_cpu_s_per_1000", o.process)
	r.add(prefix+"redis_cpu_s_per_1000", o.redis)
}

// addCost notes what one way costs as a multiple of another, in CPU for a task and in time under load.
func (r *report) addCost(prefix string, c cost) {
	r.add(prefix+"_cpu_ratio", c.cpu)
	r.add(prefix+"_time_ratio", c.time)
}

// of is the median of a figure; 0 when it was not measured.
func (r *report) of(key string) float64 { return median(r.figures[key]) }

func (r *report) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, "  "+format+" …\n", args...)
}

// write writes bench/results.json: texts and medians by their keys.
func (r *report) write(file string) error {
	all := map[string]any{}
	for key, text := range r.texts {
		all[key] = text
	}
	for key := range r.figures {
		all[key] = json.Number(strconv.FormatFloat(significant(r.of(key)), 'f', -1, 64))
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644) //nolint:gosec // results are for everybody
}

// significant cuts what is only noise: four digits are left.
func significant(x float64) float64 {
	if x == 0 {
		return 0
	}
	scale := math.Pow(10, 4-math.Ceil(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

func median(list []float64) float64 { return percentile(list, 50) }

func percentile(list []float64, p int) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
