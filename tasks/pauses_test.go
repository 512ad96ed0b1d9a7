package tasks_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func (r *rig) pauses(nudge func()) *tasks.Pauses {
	return &tasks.Pauses{Journal: r.journal, Log: slog.New(slog.DiscardHandler), Nudge: nudge}
}

// braked starts a worker and a sweeper that know what is paused. They end with the test.
func (r *rig) braked() *tasks.Pauses {
	r.t.Helper()
	sweeper := r.sweeper()
	pauses := r.pauses(sweeper.Nudge)
	runner := r.runner()
	runner.Pauser = pauses
	w := tasks.NewWorker(r.client, runner, r.queue, tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 8, CheckInterval: 10 * time.Millisecond,
		ShutdownTimeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler), Opening: pauses.Opening(r.dispatcher.Catalogue.Opening),
	})
	if err := pauses.Look(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if err := w.Start(); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { sweeper.Run(ctx) })
	loops.Go(func() { pauses.Run(ctx) })
	r.t.Cleanup(func() {
		stop, cancelStop := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancelStop()
		w.Stop(stop)
		cancel()
		loops.Wait()
	})
	return pauses
}

func (r *rig) fleet() *tasks.Fleet {
	return &tasks.Fleet{
		Journal: r.journal, Queue: r.queue, Queues: r.dispatcher.Queues, Rows: r.rows,
		Backlog: func(context.Context) (int, error) { return 7, nil }, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		BuiltIn:  r.dispatcher.Types,
		Deployed: func(context.Context, saga.WorkflowQuery) ([]saga.WorkflowVersion, error) { return nil, nil },
	}
}

func (r *rig) pause(kind saga.PauseKind, name string) saga.PauseKey {
	r.t.Helper()
	key := saga.PauseKey{Kind: kind, Name: name}
	if _, err := r.fleet().Pause(r.t.Context(), saga.Pause{PauseKey: key, By: "ann", Reason: "a test"}); err != nil {
		r.t.Fatal(err)
	}
	return key
}

func (r *rig) resume(key saga.PauseKey) {
	r.t.Helper()
	if err := r.fleet().Resume(r.t.Context(), key); err != nil {
		r.t.Fatal(err)
	}
}

// parkedTasks is how many tasks are noted as waiting for the end of a pause.
func (r *rig) parkedTasks(key saga.PauseKey) int64 {
	return r.client.SCard(r.t.Context(), fmt.Sprintf("osp:{00}:p:%s/%s", key.Kind, key.Name)).Val()
}

func TestPausedTasksWaitWithoutAWorkerAndGoOnSoonAfter(t *testing.T) {
	for _, c := range []struct {
		kind saga.PauseKind
		name string
	}{{saga.PauseType, "two"}, {saga.PauseService, "shop_1"}, {saga.PauseQueue, "reports"}} {
		t.Run(string(c.kind), func(t *testing.T) {
			r := newRig(t)
			key := r.pause(c.kind, c.name)
			r.braked()
			for i := range 30 {
				r.start(saga.Request{ID: fmt.Sprint("t", i), Type: "two", Service: "shop_1", Queue: "reports", Input: []byte(`{}`)})
			}
			r.start(saga.Request{ID: "free", Type: "one", Service: "shop_2", Input: []byte(`{}`)})
			r.ends("free", saga.Completed)
			r.eventually("all of them are parked", func() bool {
				q, err := r.inspector.GetQueueInfo("reports")
				return err == nil && r.parkedTasks(key) == 30 && q.Retry == 30
			})
			if got := r.trail.told(); got != "only" || r.state("t7") != saga.Pending {
				t.Errorf("while it is paused: %s, and one is %s", got, r.state("t7"))
			}
			views, err := r.fleet().QueueViews(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range views {
				if v.Paused != (key == saga.PauseKey{Kind: saga.PauseQueue, Name: v.Name}) || v.UndoPaused || v.Active != 0 {
					t.Errorf("queue %+v", v)
				}
			}
			r.resume(key)
			for i := range 30 {
				r.ends(fmt.Sprint("t", i), saga.Completed)
			}
			r.eventually("nobody is noted", func() bool { return r.parkedTasks(key) == 0 })
		})
	}
}

func TestACancelUndoesAPausedTask(t *testing.T) {
	r := newRig(t)
	pauses := r.braked()
	r.on("first", func(context.Context) error {
		r.pause(saga.PauseQueue, "default")
		return pauses.Look(t.Context())
	})
	r.start(saga.Request{ID: "t", Type: "two", Input: []byte(`{}`)})
	r.ends("t", saga.Waiting)
	if _, err := r.dispatcher.Cancel(t.Context(), "t", "ann", "enough"); err != nil {
		t.Fatal(err)
	}
	r.ends("t", saga.Cancelled)
	if got := r.trail.told(); got != "first, undo first" {
		t.Errorf("got %s", got)
	}
}

// A worker that has not heard of the end of a pause parks a task after the others were woken.
func TestATaskThatIsParkedTooLateIsWokenAllTheSame(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one", Input: []byte(`{}`)})
	key := r.pause(saga.PauseType, "one")
	late := r.pauses(func() {})
	if err := late.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.resume(key)
	runner := r.runner()
	runner.Pauser = late
	if err := runner.Run(t.Context(), "t"); err == nil {
		t.Fatal("it is not parked")
	}
	r.braked()
	r.ends("t", saga.Completed)
}

// Not at once, for others may not have heard of its end; and not only with the next sweep of all that wait.
func TestThoseThatWaitedAreWokenAtTheSecondLook(t *testing.T) {
	r := newRig(t)
	key := r.pause(saga.PauseType, "one")
	r.start(saga.Request{ID: "t", Type: "one", Input: []byte(`{}`)})
	nudged := 0
	pauses := r.pauses(func() { nudged++ })
	look := func(parked int64, nudges int) {
		t.Helper()
		if more, err := pauses.Sweep(t.Context()); more || err != nil {
			t.Fatalf("%t, %v", more, err)
		}
		if got := r.parkedTasks(key); got != parked || nudged != nudges {
			t.Errorf("%d are parked, %d nudges, want %d and %d", got, nudged, parked, nudges)
		}
	}
	look(0, 0)
	if err := pauses.Park(t.Context(), saga.Created{ID: "t", Type: "one"}); err != nil {
		t.Fatal(err)
	}
	look(1, 0)
	r.resume(key)
	look(1, 0)
	look(0, 1)
}

// What waits for another pause is left alone.
func TestATaskUnderTwoPausesWaitsForBoth(t *testing.T) {
	r := newRig(t)
	one, two := r.pause(saga.PauseType, "one"), r.pause(saga.PauseQueue, "default")
	r.braked()
	r.start(saga.Request{ID: "t", Type: "one", Input: []byte(`{}`)})
	r.eventually("it waits for one", func() bool { return r.parkedTasks(one)+r.parkedTasks(two) == 1 })
	r.resume(one)
	r.eventually("it waits for the other", func() bool { return r.parkedTasks(one) == 0 && r.parkedTasks(two) == 1 })
	if got := r.trail.told(); got != "" {
		t.Errorf("got %s", got)
	}
	r.resume(two)
	r.ends("t", saga.Completed)
}

func TestNothingIsBegunByAClaimInWhatMayBePaused(t *testing.T) {
	r := newRig(t)
	pauses := r.pauses(func() {})
	opening := pauses.Opening(r.dispatcher.Catalogue.Opening)
	known := func(want bool, types ...string) {
		t.Helper()
		if err := pauses.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range types {
			if got := opening(name) != nil; got != want {
				t.Errorf("%s may be begun by a claim: %t", name, got)
			}
		}
	}
	known(true, "one", "two")
	r.pause(saga.PauseType, "one")
	known(false, "one")
	known(true, "two")
	r.pause(saga.PauseService, "shop_1") // whose task it is, nobody has looked
	known(false, "one", "two")
}

// While Redis is away what was known last stays.
func TestWhatIsPausedStaysSoWhileNobodyCanTell(t *testing.T) {
	r := newRig(t)
	r.pause(saga.PauseType, "one")
	pauses := r.pauses(func() {})
	if err := pauses.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pauses.Sweep(gone); err == nil {
		t.Error("no error")
	}
	if !pauses.Paused(saga.Created{Type: "one"}) || pauses.Paused(saga.Created{Type: "two"}) {
		t.Error("it is forgotten, or another is paused")
	}
}

func TestAPauseHoldsAtOnceWhereItWasAskedFor(t *testing.T) {
	r := newRig(t)
	pauses := &tasks.Pauses{Journal: r.journal, Log: slog.New(slog.DiscardHandler), Nudge: func() {}}
	fleet := r.fleet()
	fleet.Paused = pauses.Look
	if _, err := fleet.Pause(t.Context(), saga.Pause{PauseKey: saga.PauseKey{Kind: saga.PauseType, Name: "one"}}); err != nil {
		t.Fatal(err)
	}
	if !pauses.Paused(saga.Created{Type: "one"}) || pauses.Paused(saga.Created{Type: "two"}) {
		t.Error("not what was asked for is paused")
	}
}
