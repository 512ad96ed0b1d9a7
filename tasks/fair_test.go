package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// fair has the rig's tasks enter their queues fairly. Nothing feeds them by itself.
func (r *rig) fair(window int) *tasks.Fair {
	f := tasks.NewFair(r.journal, r.queue, slog.New(slog.DiscardHandler), window, r.dispatcher.Queues)
	r.dispatcher.Fair = f
	return f
}

// flood starts n tasks of a service, several at once.
func (r *rig) flood(service string, n int) {
	r.t.Helper()
	errs := make(chan error, 16)
	for from := range 16 {
		go func() {
			var err error
			for i := from; i < n && err == nil; i += 16 {
				_, _, err = r.dispatcher.Start(r.t.Context(), saga.Request{
					ID: fmt.Sprint(service, "-", i), Type: "one", Service: service, Input: []byte(`{}`),
				})
			}
			errs <- err
		}()
	}
	for range 16 {
		if err := <-errs; err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) pendingIDs() []string {
	r.t.Helper()
	list, err := r.inspector.ListPendingTasks("default")
	if err != nil {
		r.t.Fatal(err)
	}
	ids := make([]string, len(list))
	for i, info := range list {
		ids[i] = info.ID
	}
	return ids
}

func (r *rig) held() int {
	r.t.Helper()
	n, err := r.journal.Held(r.t.Context(), "default")
	if err != nil {
		r.t.Fatal(err)
	}
	return n[0]
}

func TestServicesAreFedInTurn(t *testing.T) {
	r := newRig(t)
	f := r.fair(8)
	one := func(id, service string) {
		r.start(saga.Request{ID: id, Type: "one", Service: service, Input: []byte(`{}`)})
	}
	for i := range 8 {
		one(fmt.Sprint("first", i), "flood")
	}
	if got := len(r.pendingIDs()); got != 8 || r.held() != 0 {
		t.Fatalf("%d pending and %d held, want 8 and none", got, r.held())
	}
	for i := range 5 {
		one(fmt.Sprint("flood", i), "flood")
	}
	one("late0", "late")
	one("late1", "late")
	one("other0", "other")
	if got := len(r.pendingIDs()); got != 8 || r.held() != 8 {
		t.Fatalf("%d pending and %d held, want 8 and 8", got, r.held())
	}
	if more, err := f.Feed(t.Context()); !more || err != nil || r.held() != 8 {
		t.Errorf("a full queue was fed: %d held, %v", r.held(), err)
	}
	for _, id := range r.pendingIDs() {
		if err := r.inspector.DeleteTask("default", id); err != nil {
			t.Fatal(err)
		}
	}
	if more, err := f.Feed(t.Context()); more || err != nil {
		t.Errorf("more %t, %v", more, err)
	}
	refs, got := r.pendingIDs(), []string{}
	for _, id := range refs {
		got = append(got, id[:4])
	}
	// One of each in turn; what is fed together is enqueued in any order.
	if slices.Sort(got[:3]); len(got) != 8 || r.held() != 0 {
		t.Errorf("pending %v, %d held", refs, r.held())
	}
	if left := r.client.Exists(t.Context(), "osp:{00}:tags:default", "osp:{00}:held:default").Val(); left != 0 {
		t.Error("something is left of what was held back")
	}
}

// A task that is held back and whose feeder is gone is fed by another one, and one that is woken does not wait.
func TestATaskThatIsHeldBackIsCancelled(t *testing.T) {
	r := newRig(t)
	f := r.fair(8)
	r.flood("flood", 20)
	w := r.worker()
	defer w.Stop(t.Context())
	id := r.client.ZRange(t.Context(), "osp:{00}:held:default", -1, -1).Val()[0]
	if _, err := r.dispatcher.Cancel(t.Context(), id, "me", "no need"); err != nil {
		t.Fatal(err)
	}
	r.ends(id, saga.Cancelled)
	r.within(3*time.Minute, "all end", func() bool {
		if _, err := f.Feed(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r.openTasks() == 0
	})
	if got := r.state(id); got != saga.Cancelled {
		t.Errorf("it is %s", got)
	}
}

// A service floods; ten tasks of another end before most of the flood does, however slow the machine is.
func TestAFloodOfOneServiceDoesNotDelayAnother(t *testing.T) {
	r := newRig(t)
	r.on("only", func(ctx context.Context) error {
		timer := time.NewTimer(5 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		return nil
	})
	f := r.fair(16)
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { f.Run(ctx) })
	defer loop.Wait()
	defer cancel()
	w := r.worker(func(o *tasks.WorkerOptions) { o.CheckInterval = 10 * time.Millisecond })
	defer w.Stop(t.Context())

	r.flood("flood", 3000)
	waiting := r.openTasks()
	r.flood("beside", 10)
	r.within(3*time.Minute, "the ten end", func() bool {
		for i := range 10 {
			if r.state(fmt.Sprint("beside-", i)) != saga.Completed {
				return false
			}
		}
		return true
	})
	left := r.openTasks()
	t.Logf("the ten ended when %d of %d others had", waiting-left, waiting)
	if left < waiting/2 {
		t.Errorf("the ten ended when %d of %d others had", waiting-left, waiting)
	}
}

// looks counts how often it was looked whether tasks are held back.
type looks struct {
	tasks.HeldJournal
	n atomic.Int32
}

func (l *looks) Held(ctx context.Context, queues ...string) ([]int, error) {
	defer l.n.Add(1)
	return l.HeldJournal.Held(ctx, queues...)
}

// lateStart starts tasks that are to be held back only then.
type lateStart struct {
	tasks.DispatcherJournal
	before func()
}

func (l *lateStart) Start(ctx context.Context, s saga.Start) (saga.Started, error) {
	if s.Hold != "" {
		l.before()
	}
	return l.DispatcherJournal.Start(ctx, s)
}

// emptied starts tasks that are to be held back only after the workers have emptied the queue, and a look that was asked for before.
func (r *rig) emptied(looked *looks) *lateStart {
	return &lateStart{r.journal, func() {
		for _, id := range r.pendingIDs() {
			if err := r.inspector.DeleteTask("default", id); err != nil {
				r.t.Fatal(err)
			}
		}
		for end, n := time.Now().Add(200*time.Millisecond), looked.n.Load(); looked.n.Load() == n && time.Now().Before(end); {
			runtime.Gosched()
		}
	}}
}

// lostAnswer does not hear of starts that are to be held back.
type lostAnswer struct{ tasks.DispatcherJournal }

func (l lostAnswer) Start(ctx context.Context, s saga.Start) (saga.Started, error) {
	started, err := l.DispatcherJournal.Start(ctx, s)
	if s.Hold != "" {
		return saga.Started{}, saga.ErrUnavailable
	}
	return started, err
}

func TestTheLastOneOfABurstDoesNotLieBeforeAnEmptyQueue(t *testing.T) {
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint("its answer is lost: ", lost), func(t *testing.T) {
			r := newRig(t)
			looked := &looks{HeldJournal: r.journal}
			f := tasks.NewFair(looked, r.queue, slog.New(slog.DiscardHandler), 8, r.dispatcher.Queues)
			r.dispatcher.Fair = f
			ctx, cancel := context.WithCancel(t.Context())
			var loop sync.WaitGroup
			loop.Go(func() { f.Run(ctx) })
			defer loop.Wait()
			defer cancel()
			r.flood("burst", 8)
			if _, err := f.Feed(t.Context()); err != nil { // a look in between may have seen fewer
				t.Fatal(err)
			}
			if r.dispatcher.Journal = r.emptied(looked); lost {
				r.dispatcher.Journal = lostAnswer{r.dispatcher.Journal}
			}
			_, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "last", Type: "one", Service: "burst", Input: []byte(`{}`)})
			if lost != errors.Is(err, saga.ErrUnavailable) {
				t.Fatal(err)
			}
			r.within(3*time.Second, "the last one is fed", func() bool { return slices.Contains(r.pendingIDs(), "last") })
		})
	}
}

func TestAQueueThatIsTakenFromHoldsNothingBack(t *testing.T) {
	r := newRig(t)
	r.fair(8)
	for round := range 4 { // nobody feeds here: it looks itself when it has sent as many as there is room for
		for i := range 8 {
			r.start(saga.Request{ID: fmt.Sprint(round, "-", i), Type: "one", Input: []byte(`{}`)})
		}
		if got := len(r.pendingIDs()); got != 8 || r.held() != 0 {
			t.Fatalf("round %d: %d pending and %d held, want 8 and none", round, got, r.held())
		}
		if _, err := r.inspector.DeleteAllPendingTasks("default"); err != nil {
			t.Fatal(err)
		}
	}
}
