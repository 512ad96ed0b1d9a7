package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// blocking makes a step that runs until it is let go or cancelled.
func (w *world) blocking(name string, letGo <-chan struct{}) saga.Step {
	s := w.step(name)
	s.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		w.note("do %s", name)
		select {
		case <-letGo:
			return json.RawMessage(`"done"`), nil
		case <-ctx.Done():
			w.note("%s cancelled", name)
			return nil, ctx.Err()
		}
	}
	return s
}

func TestLongStepKeepsItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		letGo := make(chan struct{})
		w.start("t", w.flow("flow", saga.Sequence(w.blocking("long", letGo), w.step("b"))))
		ended := make(chan error)
		go func() { ended <- w.deliver("t") }()
		time.Sleep(time.Minute) // virtual: many leases long
		var parked *saga.ParkedError
		if err := w.runner.Run(t.Context(), "t"); !errors.As(err, &parked) || parked.For > 6*time.Second {
			t.Errorf("a second delivery meanwhile: %v", err)
		}
		close(letGo)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.wantTrail("do long, do b")
		w.wantState("t", saga.Completed)
	})
}

func TestCancelReachesARunningStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), w.blocking("long", nil))))
		ended := make(chan error)
		go func() { ended <- w.deliver("t") }()
		time.Sleep(time.Second)
		begun := time.Now()
		if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindCancel}}); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d > 2*time.Second {
			t.Errorf("the cancel was seen after %v", d)
		}
		w.wantTrail("do a, do long, long cancelled, undo long, undo a")
		w.wantState("t", saga.Cancelled)
	})
}

func TestDrainingParksAfterTheRunningStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		drain, letGo := make(chan struct{}), make(chan struct{})
		w.runner.Draining = drain
		w.start("t", w.flow("flow", saga.Sequence(w.blocking("long", letGo), w.step("b"))))
		ended := make(chan error)
		go func() { ended <- w.deliver("t") }()
		time.Sleep(time.Second)
		close(drain)
		time.Sleep(time.Second)
		close(letGo)
		var parked *saga.ParkedError
		if err := <-ended; !errors.As(err, &parked) || !parked.Now {
			t.Fatalf("deliver: %v", err)
		}
		w.wantTrail("do long")
		w.runner = w.newRunner() // another worker
		if err := w.deliver("t"); err != nil {
			t.Fatal(err)
		}
		w.wantTrail("do long, do b")
		w.wantState("t", saga.Completed)
	})
}

func TestCancelledDeliveryDoesNotCountAsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		letGo := make(chan struct{})
		long := w.blocking("long", letGo)
		long.Retry.Attempts = 1
		w.start("t", w.flow("flow", saga.Sequence(long)))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			var parked *saga.ParkedError
			if err := w.runner.Run(ctx, "t"); !errors.As(err, &parked) || !parked.Now {
				t.Fatalf("run: %v", err)
			}
			cancel()
		}
		close(letGo)
		w.settle("t")
		w.wantState("t", saga.Completed)
	})
}

func TestADeadWorkersTaskIsTakenOverAfterItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("flow", saga.Sequence(w.step("a"), w.step("b")))
		w.start("t", f)
		claim, err := w.journal.Claim(t.Context(), "t", "dead")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.journal.Append(t.Context(), claim.Lease, saga.Batch{Read: 1, Decisions: []saga.Event{
			{Kind: saga.KindStepStarted, Path: "a", StepKind: saga.KindActivity, Due: saga.MicrosOf(time.Now().Add(time.Minute))},
		}})
		if err != nil {
			t.Fatal(err)
		}
		var parked *saga.ParkedError
		if err := w.deliver("t"); !errors.As(err, &parked) || parked.For < 4*time.Second {
			t.Fatalf("while the lease is fresh: %v", err)
		}
		time.Sleep(parked.For)
		if err := w.deliver("t"); err != nil {
			t.Fatal(err)
		}
		w.wantTrail("do a, do b")
		if r := w.wantState("t", saga.Completed); r.Step("a").Do.Interrupted != 1 {
			t.Errorf("interrupted %d times", r.Step("a").Do.Interrupted)
		}
		// The dead worker comes back: everything it writes is refused.
		_, err = w.journal.Append(t.Context(), claim.Lease, saga.Batch{Read: 2, Facts: []saga.Event{{Kind: saga.KindStepDone, Path: "a"}}})
		if !errors.Is(err, saga.ErrOvertaken) {
			t.Errorf("late append: %v", err)
		}
	})
}

func TestCrashLoopFailsTheStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), w.step("killer"))))
		for i := range saga.MaxInterruptions {
			claim, err := w.journal.Claim(t.Context(), "t", "dead")
			if err != nil {
				t.Fatal(err)
			}
			read := claim.Events[len(claim.Events)-1].Seq
			events := []saga.Event{{Kind: saga.KindStepStarted, Path: "killer", StepKind: saga.KindActivity}}
			if i == 0 {
				events = append([]saga.Event{
					{Kind: saga.KindStepStarted, Path: "a", StepKind: saga.KindActivity}, {Kind: saga.KindStepDone, Path: "a"},
				}, events...)
			}
			if _, err := w.journal.Append(t.Context(), claim.Lease, saga.Batch{Read: read, Decisions: events}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(6 * time.Second)
		}
		w.settle("t")
		w.wantTrail("undo killer, undo a")
		w.wantState("t", saga.Failed)
	})
}

// intruder posts a signal just before an append, so that the append's decisions are stale.
type intruder struct {
	saga.RunnerJournal
	before func()
}

func (i *intruder) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	if i.before != nil && b.Then != saga.Continue {
		f := i.before
		i.before = nil
		f()
	}
	return i.RunnerJournal.Append(ctx, l, b)
}

func TestNothingSlipsInBeforeAParkOrAnEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps func(w *world) saga.Step
		event saga.Event
		trail string
		state saga.State
	}{
		{
			"a signal that comes as the task parks is seen",
			func(w *world) saga.Step { return saga.Sequence(saga.Signal("s", "go", 0), w.step("b")) },
			saga.Event{Kind: saga.KindSignal, Name: "go"},
			"do b", saga.Completed,
		},
		{
			"a cancel that comes as the task completes undoes it",
			func(w *world) saga.Step { return saga.Sequence(w.step("a")) },
			saga.Event{Kind: saga.KindCancel},
			"do a, undo a", saga.Cancelled,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.runner.Journal = &intruder{w.journal, func() {
					if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: c.event}); err != nil {
						t.Error(err)
					}
				}}
				w.start("t", w.flow("flow", c.steps(w)))
				if err := w.deliver("t"); err != nil {
					t.Fatalf("one delivery should do: %v", err)
				}
				w.wantTrail(c.trail)
				w.wantState("t", c.state)
			})
		})
	}
}

// flaky loses the answers of appends: they happen, and happen again.
type flaky struct{ saga.RunnerJournal }

func (f *flaky) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	if _, err := f.RunnerJournal.Append(ctx, l, b); err != nil {
		return saga.Appended{}, err
	}
	return f.RunnerJournal.Append(ctx, l, b)
}

func TestAppendsThatAreSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.runner.Journal = &flaky{w.journal}
		w.start("t", w.flow("flow", saga.Sequence(w.steps("a b c!")...)))
		w.settle("t")
		w.wantState("t", saga.Failed)
		w.wantTrail("do a, do b, do c, undo c, undo b, undo a")
	})
}

func TestUnknownWorkflowIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"))), func(c *saga.Created) { c.TreeHash = "of another release" })
		err := w.deliver("t")
		if !errors.Is(err, saga.ErrUnknownWorkflow) {
			t.Fatalf("deliver: %v", err)
		}
		if r := w.wantState("t", saga.Pending); r.Last != 1 {
			t.Errorf("%d events were written", r.Last-1)
		}
	})
}

func TestOversizedOutputFailsItsStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		big := w.step("big")
		big.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			w.note("do big")
			return json.Marshal(string(make([]byte, saga.MaxOutput)))
		}
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), big)))
		w.settle("t")
		w.wantTrail("do a, do big, undo big, undo a")
		w.wantState("t", saga.Failed)
	})
}

func TestAFullJournalStopsGoingForwardButNotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		big := w.step("big")
		big.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			b := make([]byte, saga.MaxOutput-2)
			for i := range b {
				b[i] = 'x'
			}
			return json.Marshal(string(b))
		}
		items := func(saga.Scope) ([]int, error) { return make([]int, 20), nil }
		w.start("t", w.flow("flow", saga.Loop("each", items, big)))
		w.settle("t")
		r := w.wantState("t", saga.Failed)
		if undone := len(w.trail); undone != len(r.Steps) || undone < 13 {
			t.Errorf("%d steps began, %d were undone", len(r.Steps), undone)
		}
	})
}

func TestTaskDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("flow", saga.Sequence(w.step("a"), saga.Signal("never", "never", 0)))
		w.start("t", f, func(c *saga.Created) { c.Deadline = saga.MicrosOf(time.Now().Add(time.Hour)) })
		begun := time.Now()
		w.settle("t")
		w.wantState("t", saga.Failed)
		w.wantTrail("do a, undo a")
		if d := time.Since(begun); d < time.Hour || d > 61*time.Minute {
			t.Errorf("after %v", d)
		}
	})
}

func TestProcessAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		at := time.Now().Add(time.Hour)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"))), func(c *saga.Created) { c.ProcessAt = saga.MicrosOf(at) })
		_ = w.deliver("t") // early
		w.wantTrail("")
		if r := w.wantState("t", saga.Pending); r.Last != 1 {
			t.Errorf("an early delivery wrote %d events", r.Last-1)
		}
		w.settle("t")
		w.wantTrail("do a")
		if time.Now().Before(at) {
			t.Error("too early")
		}
	})
}

func TestAnErrorThatTellsHowItsCallEndedIsNotToldTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		pay := w.step("pay")
		pay.Timeout, pay.Retry = time.Second, saga.Retry{Attempts: 1}
		pay.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("ask the bank: %w", ctx.Err())
		}
		w.start("t", w.flow("flow", pay))
		if err := w.deliver("t"); err != nil {
			t.Fatal(err)
		}
		const want = "timed out after 1s: ask the bank: context deadline exceeded"
		if got := w.wantState("t", saga.Failed).Step("pay").Do.Error; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
