package tasks_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// limited starts a worker and a sweeper that hold tasks to limits. They end with the test.
func (r *rig) limited(types map[string]tasks.Limit) *tasks.Limits {
	r.t.Helper()
	sweeper := r.sweeper()
	limits := &tasks.Limits{Types: types, Slots: r.journal, Queue: r.queue, Log: slog.New(slog.DiscardHandler), Nudge: sweeper.Nudge}
	runner := r.runner()
	runner.Limiter = limits
	w := tasks.NewWorker(r.client, runner, r.queue, tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 32, CheckInterval: 10 * time.Millisecond,
		ShutdownTimeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler), Opening: limits.Opening(r.dispatcher.Catalogue.Opening),
	})
	if err := w.Start(); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { sweeper.Run(ctx) })
	loops.Go(func() { limits.Run(ctx) })
	r.t.Cleanup(func() {
		stop, cancelStop := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancelStop()
		w.Stop(stop)
		cancel()
		loops.Wait()
	})
	return limits
}

// crowd counts who is in it.
type crowd struct{ now, most, total atomic.Int64 }

// enter stays for a while.
func (c *crowd) enter(ctx context.Context) error {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	c.total.Add(1)
	timer := time.NewTimer(2 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (r *rig) startMany(n int, change func(i int, req *saga.Request)) {
	r.t.Helper()
	for i := range n {
		req := saga.Request{ID: fmt.Sprint("t", i), Type: "one", Input: []byte(`{}`)}
		change(i, &req)
		r.start(req)
	}
}

func (r *rig) openTasks() int64 { return r.client.ZCard(r.t.Context(), "osp:{00}:open").Val() }

// commands is what Redis has been asked so far, scripts counted once and what they do inside as well.
func (r *rig) commands() (n int64) {
	r.t.Helper()
	info := r.client.InfoMap(r.t.Context(), "stats").Val()
	if _, err := fmt.Sscan(info["Stats"]["total_commands_processed"], &n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestAThousandTasksUnderALimitOfFive(t *testing.T) {
	r := newRig(t)
	var in crowd
	r.on("only", in.enter)
	r.startMany(1000, func(int, *saga.Request) {})
	began, before := time.Now(), r.commands()
	r.limited(map[string]tasks.Limit{"one": {Concurrency: 5, Per: tasks.PerType}})
	r.within(3*time.Minute, "all end", func() bool { return r.openTasks() == 0 })
	took, asked := time.Since(began), r.commands()-before
	if in.total.Load() != 1000 || in.most.Load() != 5 {
		t.Errorf("%d calls, %d at once, want 1000 and 5", in.total.Load(), in.most.Load())
	}
	// Idle polling of two servers and four queues counts too.
	perTask := float64(asked)/1000 - took.Seconds()*2*4*100*4/1000
	t.Logf("took %v, %d commands, %.0f of each task", took.Round(time.Millisecond), asked, perTask)
	if perTask > 150 {
		t.Errorf("%.0f commands for each task: it spins", perTask)
	}
	if left := r.client.Exists(t.Context(), "osp:{00}:limits", "osp:{00}:w:one", "osp:{00}:g:one", "osp:{00}:wake").Val(); left != 0 {
		t.Errorf("%d keys are left", left)
	}
}

func TestEachKeyHasALimitOfItsOwn(t *testing.T) {
	r := newRig(t)
	var all crowd
	r.on("only", all.enter)
	r.startMany(60, func(i int, req *saga.Request) { req.LimitKey = fmt.Sprint("k", i%3) })
	r.limited(map[string]tasks.Limit{"one": {Concurrency: 1, Per: tasks.PerKey}})
	r.within(3*time.Minute, "all end", func() bool { return r.openTasks() == 0 })
	if got := all.most.Load(); got > 3 {
		t.Errorf("%d at once, want one of each of three keys", got)
	}
}

func TestTasksBeginAtTheRateOfTheirType(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	var at []time.Time
	r.on("only", func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		return nil
	})
	r.startMany(20, func(int, *saga.Request) {})
	began := time.Now()
	r.limited(map[string]tasks.Limit{"one": {Every: 50 * time.Millisecond, Per: tasks.PerType}})
	r.within(3*time.Minute, "all end", func() bool { return r.openTasks() == 0 })
	if took := at[len(at)-1].Sub(began); len(at) != 20 || took < 950*time.Millisecond {
		t.Errorf("%d tasks began within %v, want 20 and 950ms or more", len(at), took)
	}
	if left := r.client.Exists(t.Context(), "osp:{00}:b:50000:one").Val(); left != 0 {
		t.Error("turns are left")
	}
}

func TestATaskThatWaitsHasNoRoom(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "first", Type: "wait", Input: []byte(`{}`)})
	r.limited(map[string]tasks.Limit{"wait": {Concurrency: 1, Per: tasks.PerType}})
	r.ends("first", saga.Waiting)
	r.start(saga.Request{ID: "second", Type: "wait", Input: []byte(`{}`)})
	r.ends("second", saga.Waiting)
	for _, id := range []string{"first", "second"} {
		if err := r.dispatcher.Signal(t.Context(), id, saga.SignalRequest{Name: "go"}); err != nil {
			t.Fatal(err)
		}
		r.ends(id, saga.Completed)
	}
}

func TestATaskInLineIsCancelled(t *testing.T) {
	r := newRig(t)
	hold := make(chan struct{})
	r.on("only", func(context.Context) error { <-hold; return nil })
	limits := r.limited(map[string]tasks.Limit{"one": {Concurrency: 1, Per: tasks.PerType}})
	r.start(saga.Request{ID: "holder", Type: "one", Input: []byte(`{}`)})
	r.ends("holder", saga.Running)
	r.start(saga.Request{ID: "waits", Type: "one", Input: []byte(`{}`)})
	line := func() int64 { return r.client.ZCard(t.Context(), "osp:{00}:w:one").Val() }
	r.eventually("it waits", func() bool { return line() == 1 })
	if _, err := r.dispatcher.Cancel(t.Context(), "waits", "me", "no need"); err != nil {
		t.Fatal(err)
	}
	r.ends("waits", saga.Cancelled)
	if line() != 0 {
		t.Error("it waits still")
	}
	close(hold)
	r.ends("holder", saga.Completed)
	if err := limits.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever was given room and has ended makes room for the next.
func TestRoomOfATaskThatIsGoneGoesToTheNext(t *testing.T) {
	r := newRig(t)
	one := saga.Limit{Name: "one", Concurrency: 1}
	for _, id := range []string{"holder", "gone", "waits"} {
		if _, err := r.journal.Enter(t.Context(), one, id, true); err != nil {
			t.Fatal(err)
		}
	}
	r.startMany(1, func(_ int, req *saga.Request) { req.ID = "waits" })
	limits := r.limited(map[string]tasks.Limit{"one": {Concurrency: 1, Per: tasks.PerType}})
	limits.Leave(t.Context(), saga.Created{ID: "holder", Type: "one"})
	r.ends("waits", saga.Completed)
}

func TestARetryHasTheLimitKeyOfItsTask(t *testing.T) {
	r := newRig(t)
	r.startMany(1, func(_ int, req *saga.Request) { req.LimitKey = "k" })
	r.limited(nil)
	r.ends("t0", saga.Completed)
	again, err := r.dispatcher.Retry(t.Context(), "t0", "me")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.journal.Read(t.Context(), again.ID)
	if err != nil || s.Events[0].Created.LimitKey != "k" {
		t.Errorf("%+v, %v", s.Events[0].Created, err)
	}
}
