package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// plant is what `osp all` runs, HTTP left out, on a redis-server and a Supabase: a worker, and sagas of three steps that do
// nothing.
type plant struct {
	*testing.T
	supabase   *testenv.SupabaseServer
	redis      *redis.Client
	journal    *journal.Redis
	dispatcher *tasks.Dispatcher
	name       string // of this plant's tasks: ids begin with it

	mu      sync.Mutex
	begun   map[string]time.Time
	took    []time.Duration
	started int
}

var plants atomic.Int64

// newPlant starts everything; it stops with the test.
func newPlant(t *testing.T) *plant {
	t.Helper()
	p := newSite(t)
	p.run(results.NewFlusher(p.journal, postgREST(t, ""), quiet, time.Now))
	return p
}

// newSite is a plant in which nothing runs yet.
func newSite(t *testing.T) *plant {
	t.Helper()
	p := &plant{T: t, supabase: testenv.Supabase(t), name: fmt.Sprintf("plant%d-", plants.Add(1)), begun: map[string]time.Time{}}
	o, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	o.PoolSize, o.PoolTimeout = 4, time.Minute
	p.redis = redis.NewClient(o)
	ungroup := journal.GroupCommit(p.redis)
	t.Cleanup(func() { ungroup(); _ = p.redis.Close() })
	p.journal = journal.New(p.redis, journal.Options{})
	t.Cleanup(func() { _ = p.journal.Close() })
	return p
}

var quiet = slog.New(slog.DiscardHandler)

// run starts dispatcher, worker and flusher.
func (p *plant) run(flusher *results.Flusher) {
	p.Helper()
	catalogue, err := tasks.NewCatalogue(tasks.Type{Name: "noop", Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: "noop", Version: 1, Root: saga.Sequence(nothing("a"), nothing("b"), nothing("c"))}, nil
	}})
	if err != nil {
		p.Fatal(err)
	}
	var serial atomic.Int64
	next := func() string { return p.name + strconv.FormatInt(serial.Add(1), 10) }
	queue, queues := tasks.NewQueue(p.redis), map[string]int{"default": 1}
	p.dispatcher = &tasks.Dispatcher{
		Catalogue: catalogue, Journal: p.journal, Queue: queue, Queues: queues, Log: quiet, Now: time.Now, NewID: next,
		Changed: flusher.Notify, Nudge: func() {},
	}
	worker := tasks.NewWorker(p.redis, &saga.Runner{
		Journal: p.journal, Workflows: catalogue, Children: p.dispatcher, Log: quiet, Now: time.Now,
		Random: saga.DefaultRandom, Nonce: next, Changed: flusher.Notify, Ended: p.ended,
	}, queue, tasks.WorkerOptions{
		Opening: catalogue.Opening, Queues: queues, Concurrency: 64, CheckInterval: 10 * time.Millisecond,
		ShutdownTimeout: 5 * time.Second, Log: quiet,
	})
	if err := worker.Start(); err != nil {
		p.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { flusher.Run(ctx) })
	p.Cleanup(func() {
		worker.Stop(context.Background())
		stop()
		loops.Wait()
	})
}

func nothing(name string) saga.Step {
	return saga.Step{
		Kind: saga.KindActivity, Name: name,
		Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, nil },
	}
}

func (p *plant) ended(c saga.Created, state saga.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took = append(p.took, time.Since(p.begun[c.ID]))
	delete(p.begun, c.ID)
	if state != saga.Completed {
		p.Errorf("task %s is %s", c.ID, state)
	}
}

// load starts tasks at a rate for a while, waits for their ends, and returns how long they took.
func (p *plant) load(perSecond int, d time.Duration) durations {
	p.Helper()
	const tick = 10 * time.Millisecond
	p.mu.Lock()
	p.took = nil
	p.mu.Unlock()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var starts sync.WaitGroup
	first, due := p.started, 0
	for begun := time.Now(); time.Since(begun) < d; <-ticker.C {
		for due = int(time.Since(begun).Seconds() * float64(perSecond)); p.started-first < due; p.started++ {
			id := fmt.Sprintf("%s%06d", p.name, p.started)
			starts.Go(func() { p.start(id) })
		}
	}
	starts.Wait()
	p.eventually(3*time.Minute, "all tasks have ended", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.begun) == 0
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.took)
}

func (p *plant) start(id string) {
	p.mu.Lock()
	p.begun[id] = time.Now()
	p.mu.Unlock()
	if _, _, err := p.dispatcher.Start(p.Context(), saga.Request{ID: id, Type: "noop", Input: json.RawMessage(`{"n": 1}`)}); err != nil {
		p.Errorf("start task %s: %v", id, err)
	}
}

// rows counts the rows of this plant that are at their end.
func (p *plant) rows() (n int) {
	p.Helper()
	p.scan(`select count(*) from public.workflow_executions where execution_id like $1 and status = 'completed'`, &n)
	return n
}

// dirty counts the tasks whose row is not written yet.
func (p *plant) dirty() int64 { return p.redis.ZCard(p.Context(), "osp:{00}:dirty").Val() }

// scan asks the database about the rows of this plant.
func (p *plant) scan(query string, into ...any) {
	p.Helper()
	conn := p.supabase.DB(p.T)
	if err := conn.QueryRow(p.Context(), query, p.name+"%").Scan(into...); err != nil {
		p.Fatal(err)
	}
	_ = conn.Close(p.Context())
}

// memory is what Redis has allocated, in bytes.
func (p *plant) memory() int {
	p.Helper()
	for line := range strings.Lines(p.redis.Info(p.Context(), "memory").Val()) {
		if value, ok := strings.CutPrefix(line, "used_memory:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(value))
			return n
		}
	}
	p.Fatal("Redis does not tell its memory")
	return 0
}

// eventually asks until the answer is yes, and returns how long that took.
func (p *plant) eventually(within time.Duration, what string, ask func() bool) time.Duration {
	p.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; <-tick.C {
		switch d := time.Since(begun); {
		case ask():
			return d
		case d > within:
			p.Fatalf("not within %v: %s", within, what)
		}
	}
}

type durations []time.Duration

func (d durations) percentile(p int) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)].Round(100 * time.Microsecond)
}
