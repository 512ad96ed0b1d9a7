// Command bench measures the engine beside raw asynq, in one run, on redis-servers of its own.
//
// The floor is asynq with one task that does nothing and of which nothing is recorded. The engine runs sagas of three
// steps that do nothing, forward and with a third step that fails, so that all are undone. Beside them stand a naive chain
// of asynq tasks, and only the Redis commands that a saga needs. All keep 64 tasks in flight: the next one is started when
// one ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// settings say how much is measured.
type settings struct {
	out      string        // file for the results; empty: none
	docs     string        // file with the tables; empty: none
	only     string        // sections, comma-separated; empty: all
	tasks    int           // for each throughput run
	rounds   int           // what is compared takes turns so often
	inFlight int           //
	lone     int           // lone tasks
	waiting  int           // waiting tasks
	pending  int           // pending tasks
	idle     time.Duration // how long the idle worker is watched
	settle   time.Duration // until what starting caused is over
	flush    bool
	pool     int
	profile  string // file for a CPU profile; empty: none
	allocs   string // file for a profile of allocations; empty: none
	watching bool   // measure only what metrics and traces cost

	observer saga.Observer // of the engine; nil: none
	queues   int           // that tasks are spread over; 0 is one
	backlog  bool          // there are enough pending tasks: they are behind every one that is started
	noWorker bool          // the engine only starts tasks
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200) // as cmd/osp has it
	}
	var s settings
	flag.StringVar(&s.out, "out", "", "file for the results")
	flag.StringVar(&s.docs, "docs", "", "file whose tables are written anew")
	flag.StringVar(&s.only, "only", "", "measure only these of "+names()+" (comma-separated)")
	flag.IntVar(&s.tasks, "tasks", 6000, "tasks in each throughput run")
	flag.IntVar(&s.rounds, "rounds", 3, "times that what is compared takes turns")
	flag.IntVar(&s.inFlight, "in-flight", 64, "tasks in flight")
	flag.IntVar(&s.lone, "lone", 200, "lone tasks")
	flag.IntVar(&s.waiting, "waiting", 100_000, "waiting tasks")
	flag.IntVar(&s.pending, "pending", 100_000, "pending tasks")
	flag.DurationVar(&s.idle, "idle", 10*time.Second, "how long the idle worker is watched")
	flag.BoolVar(&s.flush, "flush", true, "run the flusher, into a store that keeps nothing")
	flag.IntVar(&s.pool, "pool", 4, "Redis connections of the engine, pub/sub not counted")
	flag.StringVar(&s.profile, "cpuprofile", "", "file for a CPU profile of the last forward run")
	flag.StringVar(&s.allocs, "memprofile", "", "file for a profile of allocations, the last forward run included")
	flag.BoolVar(&s.watching, "watching", false, "only measure what metrics and traces cost, and write nothing")
	flag.Parse()
	s.settle = 2 * time.Second
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := do(ctx, s, os.Stdin, os.Stdout)
	stop()
	if err != nil {
		slog.Error("benchmark failed", "error", err)
		os.Exit(1)
	}
}

func do(ctx context.Context, s settings, in io.Reader, out io.Writer) error {
	if addr := os.Getenv(workerOf); addr != "" {
		return child(ctx, s, addr, in, out)
	}
	if s.watching {
		return watching(ctx, s, out)
	}
	r, err := measure(ctx, s, out)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%s", r.tables())
	if s.out != "" {
		if err := r.write(s.out); err != nil {
			return err
		}
	}
	if s.docs != "" {
		return insert(s.docs, s.out, r.tables())
	}
	return nil
}

// sections are what can be measured by itself.
var sections = []struct {
	name    string
	asked   bool // it needs more than Redis: only when it is named
	measure func(ctx context.Context, s settings, db *database, r *report) error
}{
	{"sides", false, sides},
	{"costs", false, costs},
	{"lone", false, loneTasks},
	{"long", false, longWorkflows},
	{"processes", false, processes},
	{"waiting", false, besideWaiting},
	{"pending", false, behindPending},
	{"others", true, others},
}

func names() string {
	var list []string
	for _, section := range sections {
		list = append(list, section.name)
	}
	return strings.Join(list, ", ")
}

// measure runs the sections.
func measure(ctx context.Context, s settings, out io.Writer) (*report, error) {
	db, err := startRedis(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	defer db.stop()
	r := newReport(ctx, db, s, out)
	left := len(sections)
	for _, section := range sections {
		if s.only == "" && section.asked || s.only != "" && !strings.Contains(","+s.only+",", ","+section.name+",") {
			left--
			continue
		}
		if err := section.measure(ctx, s, db, r); err != nil {
			return nil, fmt.Errorf("%s: %w", section.name, err)
		}
	}
	if left == 0 {
		return nil, fmt.Errorf("-only %s: there is only %s", s.only, names())
	}
	return r, nil
}
