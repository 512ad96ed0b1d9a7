// Command bench measures the engine beside raw asynq, in one run, on a redis-server of its own without persistence.
//
// The floor is asynq with one task that does nothing and of which nothing is recorded. The engine runs sagas of three
// steps that do nothing, forward and with a third step that fails, so that all are undone. Both keep 64 tasks in
// flight: the next one is started when one ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// settings say how much is measured.
type settings struct {
	out      string
	tasks    int           // for each throughput run
	rounds   int           // floor and engine side by side
	inFlight int           //
	lone     int           // lone tasks
	waiting  int           // waiting tasks
	idle     time.Duration // how long the idle worker is watched
	flush    bool
	servers  int
	pool     int
	profile  string
	watching bool          // measure only what metrics and traces cost
	observer saga.Observer // of the engine; nil: none
}

// report is bench/results.json.
type report struct {
	FloorPerS            float64 `json:"floor_per_s"`
	ForwardPerS          float64 `json:"forward_per_s"`
	ForwardRatio         float64 `json:"forward_ratio"`
	CompensatedPerS      float64 `json:"compensated_per_s"`
	CompensatedRatio     float64 `json:"compensated_ratio"`
	FloorLoneP50         float64 `json:"floor_lone_p50_ms"`
	DataCPU              float64 `json:"data_cpu_ratio"`
	DataTime             float64 `json:"data_time_ratio"`
	MetricsCPU           float64 `json:"metrics_cpu_ratio"`
	MetricsTime          float64 `json:"metrics_time_ratio"`
	LoneP50              float64 `json:"lone_p50_ms"`
	LoneP99              float64 `json:"lone_p99_ms"`
	FloorCPUPer1000      float64 `json:"floor_cpu_s_per_1000"`
	CPUPer1000           float64 `json:"cpu_s_per_1000"`
	FloorProcessCPU      float64 `json:"floor_process_cpu_s_per_1000"`
	FloorRedisCPU        float64 `json:"floor_redis_cpu_s_per_1000"`
	ProcessCPU           float64 `json:"process_cpu_s_per_1000"`
	RedisCPU             float64 `json:"redis_cpu_s_per_1000"`
	RedisBytesPerWaiting float64 `json:"redis_bytes_per_waiting"`
	IdleCommandsPerS     float64 `json:"idle_commands_per_s"`
	IdleWith             int     `json:"idle_waiting_tasks"`
	IdleCommandsWaiting  float64 `json:"idle_commands_per_s_with_waiting"`
	Redis                string  `json:"redis"`
	Go                   string  `json:"go"`
}

func main() {
	var s settings
	flag.StringVar(&s.out, "out", "bench/results.json", "file for the results")
	flag.IntVar(&s.tasks, "tasks", 6000, "tasks in each throughput run")
	flag.IntVar(&s.rounds, "rounds", 3, "times that floor and engine are measured side by side")
	flag.IntVar(&s.inFlight, "in-flight", 64, "tasks in flight")
	flag.IntVar(&s.lone, "lone", 200, "lone tasks")
	flag.IntVar(&s.waiting, "waiting", 100_000, "waiting tasks")
	flag.DurationVar(&s.idle, "idle", 10*time.Second, "how long the idle worker is watched")
	flag.BoolVar(&s.flush, "flush", true, "run the flusher, into a store that keeps nothing")
	flag.IntVar(&s.servers, "servers", 2, "asynq servers in the worker")
	flag.IntVar(&s.pool, "pool", 4, "Redis connections of the engine, pub/sub not counted")
	flag.StringVar(&s.profile, "cpuprofile", "", "file for a CPU profile of the forward runs")
	flag.BoolVar(&s.watching, "watching", false, "only measure what metrics and traces cost, and write nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := do(ctx, s, os.Stdout)
	stop()
	if err != nil {
		slog.Error("benchmark failed", "error", err)
		os.Exit(1)
	}
}

func do(ctx context.Context, s settings, out io.Writer) error {
	if s.watching {
		return watching(ctx, s, out)
	}
	return run(ctx, s, out)
}

func run(ctx context.Context, s settings, out io.Writer) error {
	r, err := measure(ctx, s, out)
	if err != nil {
		return err
	}
	r.print(out)
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.out, append(raw, '\n'), 0o644) //nolint:gosec // results are for everybody
}

// measure runs everything side by side and takes medians of the rounds.
func measure(ctx context.Context, s settings, out io.Writer) (r report, err error) {
	db, err := startRedis(ctx, s.pool)
	if err != nil {
		return r, err
	}
	defer db.stop()
	r.Redis, r.Go = db.version(ctx), goVersion()

	var floorRuns, forwardRuns []outcome
	var floors, forwards, compensations, ratios, undoneRatios, dataCPU, dataTime, metricsCPU, metricsTime []float64
	for i := range s.rounds {
		progress(out, "round %d of %d: raw asynq", i+1, s.rounds)
		floor, err := db.floor(ctx, s)
		if err != nil {
			return r, err
		}
		progress(out, "round %d of %d: three steps forward", i+1, s.rounds)
		forward, err := profiled(s, func() (outcome, error) { return db.throughput(ctx, s, forwardType) })
		if err != nil {
			return r, err
		}
		progress(out, "round %d of %d: three steps and back", i+1, s.rounds)
		undone, err := db.throughput(ctx, s, compensatedType)
		if err != nil {
			return r, err
		}
		progress(out, "round %d of %d: three steps in Go, and as data", i+1, s.rounds)
		ofData, timeOfData, err := db.dataCost(ctx, s)
		if err != nil {
			return r, err
		}
		dataCPU, dataTime = append(dataCPU, ofData), append(dataTime, timeOfData)
		progress(out, "round %d of %d: with metrics, and without", i+1, s.rounds)
		ofMetrics, timeOfMetrics, err := db.metricsCost(ctx, s)
		if err != nil {
			return r, err
		}
		metricsCPU, metricsTime = append(metricsCPU, ofMetrics), append(metricsTime, timeOfMetrics)
		floorRuns, forwardRuns = append(floorRuns, floor), append(forwardRuns, forward)
		floors, forwards = append(floors, floor.perS), append(forwards, forward.perS)
		compensations = append(compensations, undone.perS)
		ratios, undoneRatios = append(ratios, forward.perS/floor.perS), append(undoneRatios, undone.perS/floor.perS)
	}
	r.FloorPerS, r.ForwardPerS, r.CompensatedPerS = median(floors), median(forwards), median(compensations)
	r.ForwardRatio, r.CompensatedRatio = median(ratios), median(undoneRatios)
	r.FloorCPUPer1000, r.CPUPer1000 = medianOf(floorRuns, outcome.cpu), medianOf(forwardRuns, outcome.cpu)
	r.FloorProcessCPU, r.ProcessCPU = medianOf(floorRuns, ofProcess), medianOf(forwardRuns, ofProcess)
	r.FloorRedisCPU, r.RedisCPU = medianOf(floorRuns, ofRedis), medianOf(forwardRuns, ofRedis)
	r.DataCPU, r.DataTime = median(dataCPU), median(dataTime)
	r.MetricsCPU, r.MetricsTime = median(metricsCPU), median(metricsTime)

	progress(out, "%d lone tasks", s.lone)
	if r.FloorLoneP50, err = db.floorLone(ctx, s); err != nil {
		return r, err
	}
	lone, err := db.lone(ctx, s)
	if err != nil {
		return r, err
	}
	r.LoneP50, r.LoneP99 = percentile(lone, 50), percentile(lone, 99)

	progress(out, "%v of an idle worker", s.idle)
	if r.IdleCommandsPerS, err = db.idle(ctx, s); err != nil {
		return r, err
	}
	progress(out, "%d waiting tasks", s.waiting)
	r.IdleWith = s.waiting
	r.RedisBytesPerWaiting, r.IdleCommandsWaiting, err = db.waiting(ctx, s)
	return r, err
}

func (r report) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, `
                                     raw asynq, 1 task   3-step saga   compensated
tasks/s                              %17.0f %13.0f %13.0f
ratio to raw asynq                                   1 %13.2f %13.2f
CPU s per 1,000                      %17.3f %13.3f
 … of this process                   %17.3f %13.3f
 … of redis-server                   %17.3f %13.3f
as data, to the same in Go: CPU, time                – %6.2f, %5.2f
with metrics, to without: CPU, time                  – %6.2f, %5.2f
lone task, p50 ms                    %17.1f %13.1f
lone task, p99 ms                                    – %13.1f
Redis bytes per waiting task                         – %13.0f
idle worker, Redis commands/s                        – %13.1f
 … beside %6d waiting tasks                        – %13.1f
%s, %s
`, r.FloorPerS, r.ForwardPerS, r.CompensatedPerS, r.ForwardRatio, r.CompensatedRatio, r.FloorCPUPer1000, r.CPUPer1000,
		r.FloorProcessCPU, r.ProcessCPU, r.FloorRedisCPU, r.RedisCPU,
		r.DataCPU, r.DataTime, r.MetricsCPU, r.MetricsTime,
		r.FloorLoneP50, r.LoneP50, r.LoneP99, r.RedisBytesPerWaiting, r.IdleCommandsPerS, r.IdleWith,
		r.IdleCommandsWaiting, r.Redis, r.Go)
}

// profiled runs f under the CPU profiler, if that is asked for.
func profiled(s settings, f func() (outcome, error)) (outcome, error) {
	if s.profile == "" {
		return f()
	}
	file, err := os.Create(s.profile)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = file.Close() }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return outcome{}, err
	}
	defer pprof.StopCPUProfile()
	return f()
}

func progress(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, "  "+format+" …\n", args...)
}

func ofProcess(o outcome) float64 { return o.process }

func ofRedis(o outcome) float64 { return o.redis }

// medianOf is the median of one figure of several runs.
func medianOf(runs []outcome, figure func(outcome) float64) float64 {
	list := make([]float64, len(runs))
	for i, o := range runs {
		list[i] = figure(o)
	}
	return median(list)
}

func median(list []float64) float64 { return percentile(list, 50) }

func percentile(list []float64, p int) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}
