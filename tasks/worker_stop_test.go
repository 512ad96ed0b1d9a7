package tasks_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// The running step gets its time; what comes after it is another worker's, at once.
func TestStopHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		begun, second := make(chan struct{}), make(chan time.Time, 1)
		r.on("first", func(ctx context.Context) error {
			close(begun)
			select {
			case <-time.After(1500 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		r.on("second", func(context.Context) error { second <- time.Now(); return nil })
		w := r.worker()
		r.start(saga.Request{ID: "t", Type: "two"})
		<-begun
		w.Stop(t.Context())
		if got := r.trail.told(); got != "first" {
			t.Errorf("the worker that stops did: %s", got)
		}
		if got := r.asynq("default", "t"); got != "pending" {
			t.Errorf("the task is %s", got)
		}
		other, begins := r.worker(), time.Now()
		if d := (<-second).Sub(begins); d > 100*time.Millisecond {
			t.Errorf("the other worker went on after %v", d)
		}
		time.Sleep(time.Second)
		if got := r.trail.told(); got != "first, second" || r.state("t") != saga.Completed {
			t.Errorf("the task is %s; trail: %s", r.state("t"), got)
		}
		other.Stop(t.Context())
	})
}

// A worker that stops leaves what is parked for a due time to the others.
func TestAStoppedWorkerDeliversNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		w := r.worker()
		r.start(saga.Request{ID: "nap", Type: "nap", Input: []byte(`"20s"`)})
		time.Sleep(time.Second)
		w.Stop(t.Context())
		time.Sleep(time.Minute)
		if got := r.asynq("default", "nap"); got != "retry" {
			t.Errorf("the task is %s", got)
		}
	})
}

func TestAStepThatIgnoresItsContextDoesNotHoldStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		begun, letGo := make(chan struct{}, 2), make(chan struct{})
		r.on("first", func(context.Context) error {
			begun <- struct{}{}
			<-letGo
			return nil
		})
		w := r.worker()
		r.start(saga.Request{ID: "t", Type: "two"})
		<-begun
		asked := time.Now()
		w.Stop(t.Context())
		// The 2 s that steps are given, and half the grace for the one that does not listen.
		if d := time.Since(asked); d < 2*time.Second || d > 4*time.Second {
			t.Errorf("Stop took %v", d)
		}
		other := r.worker()
		<-begun // whoever comes next tries again
		close(letGo)
		time.Sleep(10 * time.Second)
		if got := r.state("t"); got != saga.Completed {
			t.Errorf("the task is %s; trail: %s", got, r.trail.told())
		}
		other.Stop(t.Context())
	})
}

// deaf is a journal whose appends never come back, whatever becomes of the caller's context.
type deaf struct {
	saga.RunnerJournal
	begun, letGo chan struct{}
}

func (d *deaf) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	d.begun <- struct{}{}
	<-d.letGo
	return saga.Appended{}, saga.ErrOvertaken
}

func TestAHandlerThatHangsDoesNotHoldStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		runner := r.runner()
		hung := &deaf{RunnerJournal: r.journal, begun: make(chan struct{}, 9), letGo: make(chan struct{})}
		runner.Journal = hung
		w := tasks.NewWorker(r.client, runner, r.queue, tasks.WorkerOptions{
			Queues: r.dispatcher.Queues, Concurrency: 1, CheckInterval: 10 * time.Millisecond,
			ShutdownTimeout: time.Second, Log: runner.Log,
		})
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		r.start(saga.Request{ID: "t", Type: "one"})
		<-hung.begun
		asked := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		w.Stop(ctx)
		if d := time.Since(asked); d < 3*time.Second || d > 3500*time.Millisecond {
			t.Errorf("Stop took %v", d)
		}
		if got := r.asynq("default", "t"); got != "pending" {
			t.Errorf("the task is %s: it was not given back", got)
		}
		close(hung.letGo)
		synctest.Wait()
	})
}
