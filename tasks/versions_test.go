package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// fleet is a service whose workflow grew a step from one release to the next, and what its tasks did.
type fleet struct {
	*rig
	mu    sync.Mutex
	did   map[string][]string // task to the steps that it did, in order
	keys  map[string]bool
	aside map[string]int // task to how often somebody left it alone
	twice int
}

func newFleet(t *testing.T) *fleet {
	return &fleet{rig: newRig(t), did: map[string][]string{}, keys: map[string]bool{}, aside: map[string]int{}}
}

// build makes a tree of steps that take a while, the first of them a wait in between.
func (f *fleet) build(names ...string) func(json.RawMessage) (*saga.Workflow, error) {
	steps := make([]saga.Step, 0, len(names)+1)
	for i, name := range names {
		if i == 1 {
			steps = append(steps, saga.Timer("nap", 300*time.Millisecond))
		}
		steps = append(steps, saga.Step{
			Kind: saga.KindActivity, Name: name, Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error { return nil },
			Do: func(_ context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
				f.mu.Lock()
				defer f.mu.Unlock()
				if f.keys[c.Key] {
					f.twice++
					return nil, nil
				}
				f.keys[c.Key] = true
				f.did[c.Task.ID] = append(f.did[c.Task.ID], c.Path)
				return nil, nil
			},
		})
	}
	return func(json.RawMessage) (*saga.Workflow, error) {
		return &saga.Workflow{Name: "ship", Version: 1, Root: saga.Sequence(steps...)}, nil
	}
}

// Handle counts tasks that are left alone; the fleet's log goes here.
func (f *fleet) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "task left alone" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "task" {
			f.mu.Lock()
			f.aside[a.Value.String()]++
			f.mu.Unlock()
		}
		return true
	})
	return nil
}

func (f *fleet) Enabled(context.Context, slog.Level) bool { return true }
func (f *fleet) WithAttrs([]slog.Attr) slog.Handler       { return f }
func (f *fleet) WithGroup(string) slog.Handler            { return f }

// release is one version of the program: its API, and workers of it.
type release struct {
	f          *fleet
	dispatcher *tasks.Dispatcher
}

func (f *fleet) release(now func(json.RawMessage) (*saga.Workflow, error), earlier ...func(json.RawMessage) (*saga.Workflow, error)) *release {
	f.t.Helper()
	catalogue, err := tasks.NewCatalogue(tasks.Type{Name: "ship", Static: true, Build: now, Earlier: earlier})
	if err != nil {
		f.t.Fatal(err)
	}
	d := *f.dispatcher
	d.Catalogue = catalogue
	return &release{f, &d}
}

// worker starts a worker of the release, with a sweeper, and returns what stops both.
func (r *release) worker() (stop func()) {
	runner := r.f.runner()
	runner.Workflows, runner.Log = r.dispatcher.Catalogue, slog.New(r.f)
	w := tasks.NewWorker(r.f.client, runner, r.f.queue, tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 8, CheckInterval: 20 * time.Millisecond, ShutdownTimeout: 2 * time.Second,
		Log: slog.New(slog.DiscardHandler), Opening: r.dispatcher.Catalogue.Opening,
	})
	if err := w.Start(); err != nil {
		r.f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var sweeper sync.WaitGroup
	sweeper.Go(func() { r.f.sweeper().Run(ctx) })
	return sync.OnceFunc(func() {
		cancel()
		sweeper.Wait()
		w.Stop(context.Background())
	})
}

// start has n tasks accepted, named after what they are to do.
func (r *release) start(prefix string, n int) {
	r.f.t.Helper()
	for i := range n {
		if _, _, err := r.dispatcher.Start(r.f.t.Context(), saga.Request{ID: fmt.Sprint(prefix, "-", i), Type: "ship"}); err != nil {
			r.f.t.Fatal(err)
		}
	}
}

// completed waits until all tasks of a prefix have done these steps, once each.
func (f *fleet) completed(prefix string, n int, want string) {
	f.t.Helper()
	for i := range n {
		id := fmt.Sprint(prefix, "-", i)
		f.within(3*time.Minute, id+" has ended", func() bool { // chance decides which worker gets it
			s, err := f.journal.Read(f.t.Context(), id)
			return err == nil && s.Finished
		})
		f.mu.Lock()
		if got := strings.Join(f.did[id], " "); got != want {
			f.t.Errorf("%s did %s, want %s", id, got, want)
		}
		f.mu.Unlock()
		s, _ := f.journal.Read(f.t.Context(), id)
		if end := s.Events[len(s.Events)-1].Kind; end != saga.KindCompleted {
			f.t.Errorf("%s ended %s", id, end)
		}
	}
}

func TestARollingUpdateInBothDirections(t *testing.T) {
	f := newFleet(t)
	v1, v2 := f.build("pick", "ship"), f.build("pick", "check", "ship")
	old, next := f.release(v1), f.release(v2, v1)
	const n = 40
	stopOld := old.worker()
	defer stopOld()
	old.start("before", n)

	// The update: for a while both run, and both take starts.
	stopNext := next.worker()
	defer stopNext()
	old.start("old", n)
	next.start("new", n)
	f.completed("before", n, "pick ship")
	f.completed("new", n, "pick check ship")
	f.completed("old", n, "pick ship")
	old.start("last", n)
	stopOld()
	f.completed("last", n, "pick ship")

	// And back: what the newer release began waits for a worker that knows it.
	next.start("kept", n)
	stopNext()
	stopOld = old.worker()
	defer stopOld()
	old.start("after", n)
	f.completed("after", n, "pick ship")
	f.eventually("the older worker has met a task of the newer one", func() bool { // any that was not done before the switch back
		f.mu.Lock()
		defer f.mu.Unlock()
		met := 0
		for i := range n {
			met += f.aside[fmt.Sprint("kept-", i)]
		}
		return met > 0
	})
	stopNext = next.worker()
	defer stopNext()
	f.completed("kept", n, "pick check ship")

	f.mu.Lock()
	defer f.mu.Unlock()
	most := 0
	for _, times := range f.aside {
		most = max(most, times)
	}
	t.Logf("%d of %d tasks were left alone, the most often %d times; %d calls were repeated", len(f.aside), 6*n, most, f.twice)
	if most > 25 {
		t.Errorf("a task was left alone %d times: that is spinning", most)
	}
}

// translator is the journal of a newer release, which knows an event that this program does not.
type translator struct {
	saga.RunnerJournal
	client *redis.Client
}

const fromTomorrow = `2:2:1:{"k":"audited"}`

func (n translator) Claim(ctx context.Context, id, nonce string) (saga.Claim, error) {
	c, err := n.RunnerJournal.Claim(ctx, id, nonce)
	if !errors.Is(err, saga.ErrUnknownEvent) {
		return c, err
	}
	c.Events = append(c.Events, saga.Event{Seq: 2, Kind: saga.KindSignal, Name: "audited"})
	return c, nil
}

func TestAnOlderWorkerLeavesANewerJournalAlone(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one"})
	if err := r.client.RPush(t.Context(), "osp:{00}:j:t", fromTomorrow).Err(); err != nil {
		t.Fatal(err)
	}
	stop := r.worker()
	told := func() int64 {
		n, err := r.client.HGet(t.Context(), "osp:{00}:m:t", "e").Int64() // the epoch: claimed, and given back
		if err != nil {
			return 0
		}
		return n
	}
	r.eventually("the older worker has seen it", func() bool { return told() > 0 })
	first := told()
	r.eventually("it looks again soon", func() bool { return told() > first })
	stop.Stop(context.Background())
	if n := r.client.LLen(t.Context(), "osp:{00}:j:t").Val(); n != 2 || r.trail.told() != "" {
		t.Errorf("%d events, did %s: it was not left alone", n, r.trail.told())
	}
	var parked *saga.ParkedError
	newer := r.runner()
	newer.Journal = translator{r.journal, r.client}
	if err := newer.Run(t.Context(), "t"); err != nil && !errors.As(err, &parked) {
		t.Fatal(err)
	}
	if r.trail.told() != "only" {
		t.Errorf("the newer worker did %q", r.trail.told())
	}
}

func TestATaskGoesOnWithTheTreeItBeganWith(t *testing.T) {
	f := &fleet{}
	now, before, longAgo := f.build("a", "b", "c"), f.build("a", "b"), f.build("a")
	c, err := tasks.NewCatalogue(tasks.Type{Name: "ship", Build: now, Earlier: []func(json.RawMessage) (*saga.Workflow, error){before, longAgo}})
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range map[string]func(json.RawMessage) (*saga.Workflow, error){"now": now, "before": before, "long ago": longAgo} {
		want, _ := build(nil)
		got, err := c.Workflow(t.Context(), saga.Created{Type: "ship", TreeHash: want.TreeHash()})
		if err != nil || got.TreeHash() != want.TreeHash() {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if p, err := c.Plan("ship", nil); err != nil || len(p.Workflow.Root.Steps) != 4 {
		t.Errorf("a new task begins with %+v, %v", p.Workflow, err)
	}
	broken := tasks.Type{Name: "ship", Static: true, Build: now, Earlier: []func(json.RawMessage) (*saga.Workflow, error){f.build("a", "a")}}
	if _, err := tasks.NewCatalogue(broken); err == nil || !strings.Contains(err.Error(), "its earlier build 0") {
		t.Errorf("an earlier build that cannot work: %v", err)
	}
}
