package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// rig is the engine with everything around it but HTTP and a result store, on a Redis.
type rig struct {
	t          *testing.T
	client     *redis.Client
	bell       *tasks.Bell
	journal    *journal.Redis
	queue      *tasks.Queue
	inspector  *asynq.Inspector
	dispatcher *tasks.Dispatcher
	rows       rows
	changed    atomic.Int64
	nudged     atomic.Int64

	steps sync.Map // name to func(context.Context) error: what an activity of the test does
	trail trail
}

// newRig starts a redis-server of the test's own.
func newRig(t *testing.T) *rig {
	t.Helper()
	o, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return rigOn(t, client)
}

// newBubbleRig makes a rig for a bubble of synctest.
func newBubbleRig(t *testing.T) *rig {
	t.Helper()
	client, _ := testenv.Bubble(t)
	return rigOn(t, client)
}

func rigOn(t *testing.T, client *redis.Client) *rig {
	t.Helper()
	r := &rig{t: t, client: client, rows: rows{}, inspector: asynq.NewInspectorFromRedisClient(client)}
	r.bell = tasks.NewBell(client, slog.New(slog.DiscardHandler), time.Now)
	r.journal = journal.New(client, journal.Options{})
	r.bell.Connect(r.journal)
	t.Cleanup(func() {
		r.bell.Close()
		_ = r.journal.Close()
	})
	r.queue = tasks.NewQueue(client)
	catalogue, err := tasks.NewCatalogue(r.types()...)
	if err != nil {
		t.Fatal(err)
	}
	ids := atomic.Int64{}
	r.dispatcher = &tasks.Dispatcher{
		Catalogue: catalogue, Journal: r.journal, Queue: r.queue, Rows: r.rows, Log: slog.New(slog.DiscardHandler),
		Queues: map[string]int{"high": 6, "default": 3, "low": 1, "reports": 1}, Now: time.Now,
		NewID:   func() string { return fmt.Sprintf("made-%d", ids.Add(1)) },
		Changed: func() { r.changed.Add(1) }, Nudge: func() { r.nudged.Add(1) },
	}
	return r
}

// types is what the rig can do. Any input will do, where nothing else is said.
func (r *rig) types() []tasks.Type {
	one := func(name string, root saga.Step) tasks.Type {
		return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: name, Version: 1, Root: root}, nil
		}}
	}
	strict := one("strict", r.activity("only"))
	strict.Schema = json.RawMessage(`{"type":"object","required":["item"]}`)
	dated := one("dated", r.activity("only"))
	dated.Build = func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: "dated", Version: 1, Root: r.activity("only"), Deadline: time.Hour}, nil
	}
	nap := tasks.Type{Name: "nap", Build: func(in json.RawMessage) (*saga.Workflow, error) {
		var text string
		if err := json.Unmarshal(in, &text); err != nil {
			return nil, fmt.Errorf("input: %w", err)
		}
		d, err := time.ParseDuration(text)
		return &saga.Workflow{Name: "nap", Version: 1, Root: saga.Sequence(saga.Timer("sleep", d), r.activity("wake"))}, err
	}}
	return []tasks.Type{
		one("one", r.activity("only")),
		one("two", saga.Sequence(r.activity("first"), r.activity("second"))),
		one("wait", saga.Sequence(r.activity("before"), saga.Signal("wait", "go", 0), r.activity("after"))),
		one("family", saga.Sequence(saga.Child("kid", "one", whole), r.activity("last"))),
		strict, dated, nap,
	}
}

func whole(s saga.Scope) (json.RawMessage, error) { return json.RawMessage(`{"of":"parent"}`), nil }

// activity is a step that notes its do and its undo, and does what the test asked for under its name.
func (r *rig) activity(name string) saga.Step {
	call := func(ctx context.Context, line string) error {
		r.trail.add(line)
		if f, ok := r.steps.Load(line); ok {
			return f.(func(context.Context) error)(ctx)
		}
		return nil
	}
	return saga.Step{
		Kind: saga.KindActivity, Name: name, Retry: saga.Retry{Attempts: 2, First: time.Second},
		UndoRetry: saga.Retry{Attempts: 1}, Timeout: time.Minute,
		Do: func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`"` + name + ` done"`), call(ctx, name)
		},
		Undo: func(ctx context.Context, _ saga.Call, _, _ json.RawMessage) error { return call(ctx, "undo "+name) },
	}
}

// on has an activity, or "undo " and its name, do f.
func (r *rig) on(line string, f func(context.Context) error) { r.steps.Store(line, f) }

// runner delivers without asynq.
func (r *rig) runner() *saga.Runner {
	nonces := atomic.Int64{}
	return &saga.Runner{
		Journal: r.journal, Workflows: r.dispatcher.Catalogue, Children: r.dispatcher, Log: slog.New(slog.DiscardHandler),
		Now: time.Now, Random: func() float64 { return 0 },
		Nonce: func() string { return fmt.Sprintf("%p-%d", &nonces, nonces.Add(1)) },
	}
}

// deliver has the runner look at a task, as asynq would.
func (r *rig) deliver(id string) error { return r.runner().Run(r.t.Context(), id) }

// worker starts a worker. The test stops it.
func (r *rig) worker(change ...func(*tasks.WorkerOptions)) *tasks.Worker {
	r.t.Helper()
	o := tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 8, CheckInterval: 2 * time.Second, Bell: r.bell,
		ShutdownTimeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler), Opening: r.dispatcher.Catalogue.Opening,
	}
	for _, f := range change {
		f(&o)
	}
	w := tasks.NewWorker(r.client, r.runner(), r.queue, o)
	if err := w.Start(); err != nil {
		r.t.Fatal(err)
	}
	return w
}

func (r *rig) sweeper() *tasks.Sweeper {
	return tasks.NewSweeper(r.journal, r.queue, slog.New(slog.DiscardHandler), time.Now)
}

// start has a task accepted.
func (r *rig) start(req saga.Request) saga.Task {
	r.t.Helper()
	task, created, err := r.dispatcher.Start(r.t.Context(), req)
	if err != nil || !created {
		r.t.Fatalf("start: created %t, %v", created, err)
	}
	return task
}

func (r *rig) state(id string) saga.State {
	r.t.Helper()
	task, err := r.dispatcher.Get(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return task.State
}

// asynq tells where asynq has a task: its state, or what is wrong.
func (r *rig) asynq(queue, id string) string {
	r.t.Helper()
	info, err := r.inspector.GetTaskInfo(queue, id)
	if err != nil {
		return err.Error()
	}
	return info.State.String()
}

// eventually asks until the answer is yes.
func (r *rig) eventually(what string, ask func() bool) {
	r.t.Helper()
	r.within(time.Minute, what, ask)
}

func (r *rig) within(most time.Duration, what string, ask func() bool) {
	r.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(most); !ask(); <-tick.C {
		if time.Now().After(end) {
			r.t.Fatalf("not in time: %s; trail: %s", what, r.trail.told())
		}
	}
}

// ends waits until a task is in a state.
func (r *rig) ends(id string, want saga.State) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("task %s is %s", id, want), func() bool { return r.state(id) == want })
}

// rows is a result store in memory.
type rows map[string]saga.Task

func (r rows) Get(_ context.Context, id string) (saga.Task, error) {
	task, ok := r[id]
	if !ok {
		return saga.Task{}, fmt.Errorf("row %s: %w", id, saga.ErrNotFound)
	}
	return task, nil
}

func (r rows) HumanTasks(context.Context, saga.HumanQuery) (saga.HumanPage, error) {
	return saga.HumanPage{Tasks: []saga.HumanTask{{Task: "t", Step: "l[0]/h.escalated"}, {Task: "t", Step: "h"}}}, nil
}

func (r rows) Counts(context.Context, saga.Query) (saga.TaskCounts, error) {
	states := map[saga.State]int{}
	for _, task := range r {
		states[task.State]++
	}
	return saga.CountsOf(states, false), nil
}

func (r rows) List(_ context.Context, q saga.Query) (saga.Page, error) {
	return saga.Page{Next: "after " + q.Cursor}, nil
}
