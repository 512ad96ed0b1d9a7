package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
)

// waker is a queue that only notes what it is asked.
type waker struct {
	mu      sync.Mutex
	asked   map[string][]time.Time // by verb and id
	backlog map[string]int
	fails   error
}

func (w *waker) note(verb, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[verb+" "+id] = append(w.asked[verb+" "+id], time.Now())
	return w.fails
}

func (w *waker) Enqueue(_ context.Context, r saga.Ref) error  { return w.note("enqueue", r.ID) }
func (w *waker) Wake(_ context.Context, r saga.Ref) error     { return w.note("wake", r.ID) }
func (w *waker) TakeOver(_ context.Context, r saga.Ref) error { return w.note("take over", r.ID) }
func (w *waker) Backlog(queue string) (int, error) {
	return w.backlog[queue], w.note("backlog", queue)
}

// at is when it was asked for something.
func (w *waker) at(what string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked[what])
}

func (w *waker) times(what string) int { return len(w.at(what)) }

// broom is a sweeper on a journal in memory, in a bubble.
type broom struct {
	t       *testing.T
	journal *storetest.Memory
	waker   *waker
	*tasks.Sweeper
}

func sweep(t *testing.T, test func(b *broom)) {
	synctest.Test(t, func(t *testing.T) {
		w := &waker{asked: map[string][]time.Time{}, backlog: map[string]int{}}
		j := storetest.NewMemory(time.Now)
		test(&broom{t, j, w, tasks.NewSweeper(j, w, slog.New(slog.DiscardHandler), time.Now)})
	})
}

// task records a task; claimed ones have been parked by a runner until due (zero: until woken).
func (b *broom) task(id string, claimed bool, due time.Time) {
	b.t.Helper()
	c := saga.Created{ID: id, Type: "one", Queue: "default", Owner: saga.NilOwner, Hash: id}
	if _, err := b.journal.Start(b.t.Context(), saga.Start{Created: c}); err != nil {
		b.t.Fatal(err)
	}
	if claimed {
		claim, err := b.journal.Claim(b.t.Context(), id, "n")
		if err != nil {
			b.t.Fatal(err)
		}
		if err := b.journal.Release(b.t.Context(), claim.Lease, due, false); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *broom) sweep() time.Duration {
	b.t.Helper()
	next, err := b.Sweep(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return next
}

// run has the sweeper run in the background; the returned function ends it and waits for it.
func (b *broom) run() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var done sync.WaitGroup
	done.Go(func() { b.Run(ctx) })
	return func() {
		cancel()
		done.Wait()
	}
}

func TestALostWakeUpIsSwept(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("t", true, time.Time{})
		defer b.run()()
		time.Sleep(20 * time.Second)
		if n := b.waker.times("take over t"); n != 0 {
			t.Fatalf("a task that nobody woke was delivered %d times", n)
		}
		signal := saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}}
		if _, err := b.journal.Post(t.Context(), "t", signal); err != nil {
			t.Fatal(err)
		}
		b.Nudge() // as the dispatcher does when RunTask missed
		time.Sleep(200 * time.Millisecond)
		if n := b.waker.times("take over t"); n != 1 {
			t.Fatalf("swept %d times within 200 ms of the nudge", n)
		}
		time.Sleep(12 * time.Second) // nobody claims it, and nobody nudges
		if n := b.waker.times("take over t"); n < 3 {
			t.Errorf("an unclaimed mark was swept %d times in 12 s", n)
		}
		if _, err := b.journal.Claim(t.Context(), "t", "n2"); err != nil {
			t.Fatal(err)
		}
		before := b.waker.times("take over t")
		time.Sleep(4 * time.Second) // the lease is 5 s
		if n := b.waker.times("take over t"); n != before {
			t.Error("a claimed task was woken")
		}
	})
}

// Somebody is always nudging on a busy system: children end, signals come to running tasks.
func TestAStreamOfNudgesHoldsNoSweepBack(t *testing.T) {
	sweep(t, func(b *broom) {
		defer b.run()()
		time.Sleep(time.Second)
		b.task("t", true, time.Now())
		for range 100 { // 10 s
			b.Nudge()
			time.Sleep(100 * time.Millisecond)
		}
		if b.waker.times("take over t") == 0 {
			t.Error("nothing was swept for 10 s")
		}
	})
}

// A nudge is about a mark that is yet too young to be swept; an earlier nudge's sweep is not its own.
func TestTheLastNudgeIsHeeded(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("t", true, time.Time{})
		defer b.run()()
		time.Sleep(time.Second)
		b.Nudge()
		time.Sleep(120 * time.Millisecond)
		signal := saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}}
		if _, err := b.journal.Post(t.Context(), "t", signal); err != nil {
			t.Fatal(err)
		}
		b.Nudge()
		time.Sleep(200 * time.Millisecond)
		if n := b.waker.times("take over t"); n != 1 {
			t.Errorf("swept %d times", n)
		}
	})
}

func TestOverdueTasksAreWoken(t *testing.T) {
	sweep(t, func(b *broom) {
		begun := time.Now()
		b.task("later", true, begun.Add(1500*time.Millisecond)) // overdue 2 s after that
		b.task("dead", false, time.Time{})
		if _, err := b.journal.Claim(t.Context(), "dead", "n"); err != nil { // by a worker that dies: 5 s
			t.Fatal(err)
		}
		defer b.run()()
		time.Sleep(8 * time.Second)
		for what, want := range map[string]time.Duration{"take over later": 3500 * time.Millisecond, "take over dead": 5 * time.Second} {
			at := b.waker.at(what)
			if len(at) != 1 || at[0].Sub(begun) < want || at[0].Sub(begun) > want+20*time.Millisecond {
				t.Errorf("%s: at %v, want after %v", what, at, want)
			}
		}
		time.Sleep(12 * time.Second)
		if n := b.waker.times("take over dead"); n < 2 {
			t.Errorf("a take-over that did not help was not repeated: %d", n)
		}
	})
}

func TestWhenToSweepNext(t *testing.T) {
	sweep(t, func(b *broom) {
		if got := b.sweep(); got != 5*time.Second {
			t.Errorf("with nothing to do: %v", got)
		}
		b.task("far", true, time.Now().Add(time.Hour))
		if got := b.sweep(); got != 5*time.Second {
			t.Errorf("an hour ahead: %v", got)
		}
		b.task("near", true, time.Now().Add(time.Second))
		if got := b.sweep(); got != 3*time.Second {
			t.Errorf("three seconds ahead: %v", got)
		}
		time.Sleep(3*time.Second - time.Microsecond)
		if got := b.sweep(); got != 10*time.Millisecond {
			t.Errorf("a microsecond ahead: %v", got)
		}
		for i := range 501 {
			b.task(fmt.Sprint("many-", i), true, time.Now())
		}
		time.Sleep(2 * time.Second)
		if got := b.sweep(); got != 150*time.Millisecond {
			t.Errorf("with more than one sweep takes: %v", got)
		}
	})
}

// To ask asynq about every task of a long backlog costs more than to carry them out.
func TestABacklogIsNotAskedAboutOneByOne(t *testing.T) {
	for _, c := range []struct {
		backlog int
		asked   bool
	}{{999, true}, {1000, false}, {100_000, false}} {
		sweep(t, func(b *broom) {
			b.waker.backlog["default"] = c.backlog
			for i := range 30 {
				b.task(fmt.Sprint("new-", i), false, time.Time{})
			}
			b.task("orphan", true, time.Now())
			time.Sleep(2 * time.Second)
			b.sweep()
			if n := b.waker.times("take over new-7"); (n == 1) != c.asked {
				t.Errorf("with a backlog of %d, a task that was never claimed was asked about %d times", c.backlog, n)
			}
			if n := b.waker.times("take over orphan"); n != 1 {
				t.Errorf("with a backlog of %d, one that was claimed was taken over %d times", c.backlog, n)
			}
			if n := b.waker.times("backlog default"); n != 1 {
				t.Errorf("the backlog was asked for %d times in one sweep", n)
			}
			b.waker.backlog["default"] = 0
			time.Sleep(10 * time.Second)
			b.sweep()
			if b.waker.times("take over new-7") == 0 {
				t.Error("what asynq has lost is not found when the backlog is gone")
			}
		})
	}
}

func TestASweepGoesOnWhenSomethingFails(t *testing.T) {
	sweep(t, func(b *broom) {
		b.waker.fails = errors.New("Redis is away")
		b.task("a", true, time.Now())
		b.task("b", true, time.Now())
		time.Sleep(2 * time.Second)
		b.sweep()
		for _, id := range []string{"a", "b"} {
			if b.waker.times("take over "+id) != 1 {
				t.Errorf("task %s was forgotten", id)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		j := &torn{Memory: storetest.NewMemory(time.Now)}
		w := &waker{asked: map[string][]time.Time{}}
		var log strings.Builder
		b := &broom{t, j.Memory, w, tasks.NewSweeper(j, w, slog.New(slog.NewTextHandler(&log, nil)), time.Now)}
		b.task("a", true, time.Now())
		time.Sleep(2 * time.Second)
		stop := b.run()
		time.Sleep(time.Second)
		stop()
		if w.times("take over a") != 1 || !strings.Contains(log.String(), "sweep failed") {
			t.Errorf("a broken outbox holds the others back; log: %s", log.String())
		}
	})
}

// torn is a journal that cannot read its outbox and wake marks.
type torn struct{ *storetest.Memory }

func (*torn) Outbox(context.Context, int) ([]saga.Delivery, error) { return nil, saga.ErrUnavailable }

func (*torn) Woken(context.Context, int) ([]saga.Ref, error) { return nil, saga.ErrUnavailable }
