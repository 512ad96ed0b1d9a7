package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestRetryDelay(t *testing.T) {
	due := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name        string
		err         error
		least, most time.Duration
	}{
		{"due in whole seconds", &saga.ParkedError{Due: due, For: 3 * time.Second}, 3 * time.Second, 3 * time.Second},
		{"due in a little more: asynq cuts, so it is rounded up", &saga.ParkedError{Due: due, For: 3*time.Second + 1}, 4 * time.Second, 4 * time.Second},
		{"due in a moment", &saga.ParkedError{Due: due, For: time.Millisecond}, time.Second, time.Second},
		{"due now", &saga.ParkedError{Due: due}, 0, 0},
		{"due in a year", &saga.ParkedError{Due: due, For: 365 * 24 * time.Hour}, 365 * 24 * time.Hour, 365 * 24 * time.Hour},
		{"another runner holds it", &saga.ParkedError{For: 4200 * time.Millisecond}, 5 * time.Second, 5 * time.Second},
		{"handed over", &saga.ParkedError{Due: due, Now: true}, 0, 0},
		{"handed over, wrapped", fmt.Errorf("run: %w", &saga.ParkedError{Due: due, For: time.Hour, Now: true}), 0, 0},
		{"something is wrong", &saga.ParkedError{For: time.Minute, Cause: saga.ErrNotFound}, time.Minute, time.Minute},
		{"asynq lost its lease", asynq.ErrLeaseExpired, 5 * time.Second, 10 * time.Second},
		{"asynq lost its lease, wrapped", fmt.Errorf("x: %w", asynq.ErrLeaseExpired), 5 * time.Second, 10 * time.Second},
		{"a panic, or anything else", errors.New("panic"), 5 * time.Second, 5 * time.Second},
	} {
		for range 50 {
			if got := tasks.RetryDelay(0, c.err, nil); got < c.least || got > c.most {
				t.Errorf("%s: %v, want %v to %v", c.name, got, c.least, c.most)
			}
		}
	}
	seen := map[time.Duration]bool{}
	for range 50 {
		seen[tasks.RetryDelay(0, asynq.ErrLeaseExpired, nil)] = true
	}
	if len(seen) < 2 {
		t.Error("several servers that recover an orphan do it at the same moment")
	}
}

func TestNoMoreTasksRunAtOnceThanWasAllowed(t *testing.T) {
	for _, concurrency := range []int{1, 3, 5} {
		synctest.Test(t, func(t *testing.T) {
			r := newBubbleRig(t)
			letGo := make(chan struct{})
			r.on("only", func(context.Context) error { <-letGo; return nil })
			for i := range 12 {
				r.start(saga.Request{ID: fmt.Sprint(i), Type: "one", Queue: []string{"default", "low"}[i%2]})
			}
			w := r.worker(func(o *tasks.WorkerOptions) { o.Concurrency = concurrency })
			time.Sleep(time.Second)
			if got := r.trail.times("only"); got != concurrency {
				t.Errorf("with a concurrency of %d run %d tasks at once", concurrency, got)
			}
			active := 0
			for _, queue := range []string{"default", "low"} {
				active += int(r.client.LLen(t.Context(), "asynq:{"+queue+"}:active").Val())
			}
			if active != concurrency { // none is taken that is not run
				t.Errorf("with a concurrency of %d the worker has taken %d tasks", concurrency, active)
			}
			close(letGo)
			time.Sleep(5 * time.Second)
			if got := r.trail.times("only"); got != 12 {
				t.Errorf("%d of 12 tasks were carried out", got)
			}
			w.Stop(t.Context())
		})
	}
}

// asynq wakes what is parked by the second, and looks every five: the worker does it at the due time.
func TestAParkIsOverAtItsDueTime(t *testing.T) {
	for _, c := range []struct{ nap, late time.Duration }{
		{1200 * time.Millisecond, 200 * time.Millisecond},
		{7 * time.Second, 200 * time.Millisecond},
		{59*time.Second + 900*time.Millisecond, 200 * time.Millisecond},
		{70 * time.Second, 7 * time.Second}, // asynq's own
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newBubbleRig(t)
			woke := make(chan time.Time, 1)
			r.on("wake", func(context.Context) error { woke <- time.Now(); return nil })
			w := r.worker()
			begun := time.Now()
			r.start(saga.Request{ID: "nap", Type: "nap", Input: []byte(`"` + c.nap.String() + `"`)})
			took := (<-woke).Sub(begun)
			if took < c.nap || took > c.nap+c.late {
				t.Errorf("a nap of %v took %v", c.nap, took)
			}
			w.Stop(t.Context())
		})
	}
}

// asynq must never be the one to give a task up.
func TestParksAndFailuresCountNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		attempts := 0
		r.on("before", func(context.Context) error { // one retry, which parks
			if attempts++; attempts == 1 {
				return errors.New("not yet")
			}
			return nil
		})
		r.on("only", func(context.Context) error { return saga.Permanent(errors.New("never")) })
		w := r.worker()
		r.start(saga.Request{ID: "waits", Type: "wait"})
		r.start(saga.Request{ID: "fails", Type: "one"})
		time.Sleep(30 * time.Second)
		if info, err := r.inspector.GetTaskInfo("default", "waits"); !errors.Is(err, asynq.ErrTaskNotFound) {
			t.Errorf("asynq knows a task that waits to be woken: %+v, %v", info, err)
		}
		if got := r.state("fails"); got != saga.Failed {
			t.Errorf("the other task is %s", got)
		}
		if q, err := r.inspector.GetQueueInfo("default"); err != nil || q.Archived != 0 || q.Failed != 0 || q.Size != 0 {
			t.Errorf("the queue: %+v, %v", q, err)
		}
		w.Stop(t.Context())
	})
}

// A delivery is only a hint: one too many does nothing, and a task without a journal is looked for again, not dropped.
func TestADeliveryDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		w := r.worker()
		defer w.Stop(t.Context())
		r.start(saga.Request{ID: "t", Type: "one"})
		time.Sleep(time.Second)
		for _, id := range []string{"t", "stranger"} {
			if err := r.queue.Enqueue(t.Context(), saga.Ref{ID: id, Type: "one", Queue: "default"}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if got := r.trail.times("only"); got != 1 {
			t.Errorf("the step ran %d times", got)
		}
		if info, err := r.inspector.GetTaskInfo("default", "t"); !errors.Is(err, asynq.ErrTaskNotFound) {
			t.Errorf("a finished task is kept: %+v, %v", info, err)
		}
		if got := r.asynq("default", "stranger"); got != "retry" {
			t.Errorf("a task without a journal is %s", got)
		}
	})
}

func TestADeliveryThatIsTakenBackGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		calls, begun := 0, make(chan struct{}, 1)
		r.on("only", func(ctx context.Context) error {
			if calls++; calls > 1 {
				return nil
			}
			begun <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
		w := r.worker()
		defer w.Stop(t.Context())
		r.start(saga.Request{ID: "a", Type: "one"})
		<-begun
		time.Sleep(time.Second)
		at := time.Now()
		if err := r.inspector.CancelProcessing("a"); err != nil {
			t.Fatal(err)
		}
		r.ends("a", saga.Completed)
		if d := time.Since(at); d > time.Second {
			t.Errorf("it took %v", d)
		}
	})
}
