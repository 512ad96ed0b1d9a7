package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		name, steps, trail, notUndone string
		state                         saga.State
	}{
		{name: "all steps are done in order", steps: "a b c", trail: "do a, do b, do c", state: saga.Completed},
		{name: "a failure undoes backwards", steps: "a b c!", trail: "do a, do b, do c, undo c, undo b, undo a", state: saga.Failed},
		{name: "a step that fails once is tried again", steps: "a b? c", trail: "do a, do b, do b, do c", state: saga.Completed},
		{name: "continue undoes that step only", steps: "a b!* c", trail: "do a, do b, undo b, do c", state: saga.Completed},
		{name: "what was undone on continue is not undone twice", steps: "a b!* c!", trail: "do a, do b, undo b, do c, undo c, undo a", state: saga.Failed},
		{name: "a step without undo is listed", steps: "a b~ c!", trail: "do a, do b, do c, undo c, undo a", state: saga.Failed, notUndone: "b"},
		{name: "a step without effect is not listed", steps: "a b=~ c!", trail: "do a, do b, do c, undo c, undo a", state: saga.Failed},
		{name: "an undo that fails for good is stuck", steps: "a bx c!", trail: "do a, do b, do c, undo c, undo b, undo b", state: saga.Stuck},
		{name: "what was definitely refused never happened", steps: "a b c#", trail: "do a, do b, do c, undo b, undo a", state: saga.Failed},
		{name: "nor is it listed", steps: "a b c#~", trail: "do a, do b, do c, undo b, undo a", state: saga.Failed},
		{name: "no steps at all", steps: "", trail: "", state: saga.Completed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.start("t", w.flow("flow", saga.Sequence(w.steps(c.steps)...)))
				w.settle("t")
				w.wantTrail(c.trail)
				r := w.wantState("t", c.state)
				if got := strings.Join(r.NotUndone, " "); got != c.notUndone {
					t.Errorf("not undone: %q, want %q", got, c.notUndone)
				}
			})
		})
	}
}

func TestOperatorResolvesStuck(t *testing.T) {
	for _, c := range []struct {
		action    saga.ResolveAction
		trail     string
		state     saga.State
		notUndone string
	}{
		{saga.ResolveRetry, "undo b, undo b", saga.Stuck, ""},
		{saga.ResolveSkip, "undo a", saga.Failed, "b"},
		{saga.ResolveDone, "undo a", saga.Failed, ""},
	} {
		t.Run(string(c.action), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.start("t", w.flow("flow", saga.Sequence(w.steps("a bx c!")...)))
				w.settle("t")
				w.wantState("t", saga.Stuck)
				w.trail = nil
				_, err := w.journal.Post(t.Context(), "t", saga.Message{
					Event: saga.Event{Kind: saga.KindResolved, Path: "b", Name: string(c.action), Error: "by hand", By: "op"},
				})
				if err != nil {
					t.Fatal(err)
				}
				w.settle("t")
				w.wantTrail(c.trail)
				r := w.wantState("t", c.state)
				if got := strings.Join(r.NotUndone, " "); got != c.notUndone {
					t.Errorf("not undone: %q, want %q", got, c.notUndone)
				}
			})
		})
	}
}

func TestParallelFailureCancelsSiblings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		slow := w.step("slow")
		slow.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			w.note("do slow")
			<-ctx.Done()
			w.note("slow cancelled")
			return nil, ctx.Err()
		}
		bad := w.step("bad")
		bad.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			time.Sleep(time.Second) // virtual
			w.note("do bad")
			return nil, saga.Permanent(errors.New("broken"))
		}
		w.start("t", w.flow("flow", saga.Sequence(w.step("first"), saga.Parallel("both", slow, bad), w.step("never"))))
		w.settle("t")
		w.wantTrail("do first, do slow, do bad, slow cancelled, undo bad, undo slow, undo first")
		w.wantState("t", saga.Failed)
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), w.step("b"), saga.Signal("approval", "approve", 0), w.step("c"))))
		w.settle("t")
		w.wantState("t", saga.Waiting)
		if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindCancel, Error: "no more"}}); err != nil {
			t.Fatal(err)
		}
		w.settle("t")
		w.wantTrail("do a, do b, undo b, undo a")
		if r := w.wantState("t", saga.Cancelled); r.Reason != "cancelled: no more" {
			t.Errorf("reason %q", r.Reason)
		}
	})
}

func TestSignal(t *testing.T) {
	for _, early := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			f := w.flow("flow", saga.Sequence(w.step("a"), saga.Signal("approval", "approve", time.Hour), w.step("c")))
			w.start("t", f)
			if !early {
				_ = w.deliver("t")
				w.wantState("t", saga.Waiting)
			}
			_, err := w.journal.Post(t.Context(), "t", saga.Message{
				Event: saga.Event{Kind: saga.KindSignal, Name: "approve", Data: json.RawMessage(`{"ok":true}`)},
			})
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			w.settle("t")
			r := w.wantState("t", saga.Completed)
			if got := string(r.Step("approval").Output); got != `{"ok":true}` {
				t.Errorf("payload %s", got)
			}
			if time.Since(begun) > time.Second {
				t.Errorf("the signal took %v", time.Since(begun))
			}
		})
	}
}

// TestASignalForOneIteration has three iterations wait for signals of one name, of which one is sent to the last of them.
func TestASignalForOneIteration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		loop := saga.Loop("l", func(saga.Scope) ([]int, error) { return []int{0, 1, 2}, nil }, saga.Signal("s", "go", 0))
		loop.Concurrency = 3
		w.start("t", w.flow("flow", loop))
		_ = w.deliver("t")
		for i, c := range []struct{ name, want string }{
			{saga.SignalTo("l[2]/s", "go"), ", , 1"},
			{saga.SignalTo("l[2]/s", "go"), ", , 1"}, // nobody waits for it any longer
			{"go", "3, , 1"},
			{saga.SignalTo("s", "go"), "3, 4, 1"},
		} {
			sent := json.RawMessage(fmt.Sprint(i + 1))
			if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: c.name, Data: sent}}); err != nil {
				t.Fatal(err)
			}
			_ = w.deliver("t")
			var got []string
			for n := range 3 {
				got = append(got, string(w.record("t").Step(fmt.Sprintf("l[%d]/s", n)).Output))
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("after %s: %s, want %s", c.name, s, c.want)
			}
		}
		w.wantState("t", saga.Completed)
	})
}

func TestSignalTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), saga.Signal("approval", "approve", time.Hour))))
		begun := time.Now()
		w.settle("t")
		w.wantState("t", saga.Failed)
		w.wantTrail("do a, undo a")
		if d := time.Since(begun); d < time.Hour || d > time.Hour+time.Minute {
			t.Errorf("it took %v", d)
		}
	})
}

func TestTimerHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), saga.Timer("nap", 3*time.Hour), w.step("b"))))
		begun := time.Now()
		err := w.deliver("t")
		var parked *saga.ParkedError
		if !errors.As(err, &parked) || parked.For != 3*time.Hour || time.Since(begun) > time.Second {
			t.Fatalf("deliver: %v after %v", err, time.Since(begun))
		}
		before := w.record("t").Last
		_ = w.deliver("t") // early
		if after := w.record("t").Last; after != before {
			t.Errorf("an early delivery wrote %d events", after-before)
		}
		w.settle("t")
		w.wantTrail("do a, do b")
		w.wantState("t", saga.Completed)
	})
}

func TestConditionAndLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		calls := 0
		pick := func(s saga.Scope) (bool, error) {
			calls++
			return calls == 1, nil // the recorded answer counts, not a later one
		}
		items := func(saga.Scope) ([]string, error) { return []string{"x", "y"}, nil }
		root := saga.Sequence(
			saga.Condition("which", pick, w.step("yes"), w.step("no")),
			saga.Loop("each", items, saga.Sequence(w.step("in"), saga.Timer("nap", time.Minute))),
			w.step("last!"),
		)
		w.start("t", w.flow("flow", root))
		w.settle("t")
		w.wantTrail("do yes, do each[0]/in, do each[1]/in, do last, undo last, undo each[1]/in, undo each[0]/in, undo yes")
		w.wantState("t", saga.Failed)
	})
}

func TestStepThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		release := make(chan struct{})
		deaf := w.step("deaf")
		deaf.Timeout, deaf.Retry.Attempts = 5*time.Second, 1
		deaf.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			w.note("do deaf")
			<-release
			return nil, nil
		}
		deafUndo := deaf.Undo
		begun := time.Now()
		deaf.Undo = func(ctx context.Context, c saga.Call, in, out json.RawMessage) error {
			if d := time.Since(begun); d < 5*time.Second+saga.Grace {
				t.Errorf("undone after %v, while the do may still run", d)
			}
			return deafUndo(ctx, c, in, out)
		}
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), deaf)))
		w.settle("t")
		close(release)
		w.wantTrail("do a, do deaf, undo deaf, undo a")
		w.wantState("t", saga.Failed)
	})
}

func TestPanicIsAFailedAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		bad := w.step("bad")
		bad.Retry.Attempts = 2
		bad.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			w.note("do bad")
			panic("boom")
		}
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), bad)))
		w.settle("t")
		w.wantTrail("do a, do bad, do bad, undo bad, undo a")
		if r := w.wantState("t", saga.Failed); r.Reason != "step bad: panic: boom" {
			t.Errorf("reason %q", r.Reason)
		}
	})
}

func TestChildren(t *testing.T) {
	for _, c := range []struct {
		name, child, after, trail string
		parentState, childState   saga.State
	}{
		{"a child's end is its step's end", "p q", "b", "do a, do p, do q, do b", saga.Completed, saga.Completed},
		{"a child that fails fails its step", "p q!", "b", "do a, do p, do q, undo q, undo p, undo a", saga.Failed, saga.Failed},
		{"a completed child is compensated with its parent", "p q", "b!", "do a, do p, do q, do b, undo b, undo q, undo p, undo a", saga.Failed, saga.Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.flow("child", saga.Sequence(w.steps(c.child)...))
				none := func(saga.Scope) (json.RawMessage, error) { return nil, nil }
				w.start("t", w.flow("flow", saga.Sequence(w.step("a"), saga.Child("kid", "child", none), w.step(c.after))))
				_ = w.deliver("t")
				kids := w.record("t").Children()
				if len(kids) != 1 {
					t.Fatalf("children %v", kids)
				}
				w.settle(kids[0], "t")
				w.wantTrail(c.trail)
				w.wantState("t", c.parentState)
				w.wantState(kids[0], c.childState)
			})
		})
	}
}

func TestIdempotencyKeys(t *testing.T) {
	for _, c := range []struct{ name, steps, keys string }{
		{"an attempt whose outcome is unknown is made again", "a b?", "t/a/do/0 t/b/do/0 t/b/do/0"},
		{"an attempt that never happened is another one", "a b-", "t/a/do/0 t/b/do/0 t/b/do/1"},
		{"an attempt that never happened says nothing of the one before", "a b?-", "t/a/do/0 t/b/do/0 t/b/do/0 t/b/do/0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.start("t", w.flow("flow", saga.Sequence(w.steps(c.steps)...)))
				w.settle("t")
				if got := strings.Join(w.keys, " "); got != c.keys {
					t.Errorf("keys %s, want %s", got, c.keys)
				}
			})
		})
	}
}
