package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// brake pauses what it names, and notes who waits for it.
type brake struct {
	keys   []saga.PauseKey
	after  int // times that it is asked before it holds
	until  time.Time
	err    error
	parked []string
}

func (b *brake) Paused(c saga.Created) bool {
	if b.after > 0 {
		b.after--
		return false
	}
	if !b.until.IsZero() && !time.Now().Before(b.until) {
		return false
	}
	return slices.ContainsFunc(c.PauseKeys(), func(k saga.PauseKey) bool { return slices.Contains(b.keys, k) })
}

func (b *brake) Park(_ context.Context, c saga.Created) error {
	b.parked = append(b.parked, c.ID)
	return b.err
}

var shut = []saga.PauseKey{{Kind: saga.PauseType, Name: "flow"}}

// pausing is a world whose tasks can be paused.
func pausing(t *testing.T) (*world, *brake) {
	w, b := newWorld(t), &brake{keys: shut}
	w.runner.Pauser = b
	return w, b
}

func TestAPausedTaskBeginsNothingAndGoesOnWhenThePauseIsOver(t *testing.T) {
	for _, key := range []saga.PauseKey{
		{Kind: saga.PauseType, Name: "flow"}, {Kind: saga.PauseService, Name: "shop"}, {Kind: saga.PauseQueue, Name: "low"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, b := pausing(t)
			b.keys = []saga.PauseKey{key}
			flow := w.flow("flow", saga.Sequence(w.steps("a b")...))
			w.start("t", flow, func(c *saga.Created) { c.Service, c.Queue = "shop", "low" })
			length := w.record("t").Last
			for range 3 {
				if got := w.parkedFor("t"); got != 30*time.Minute {
					t.Errorf("%v: looks again after %v", key, got)
				}
			}
			w.wantTrail("")
			if r := w.wantState("t", saga.Pending); r.Last != length || len(b.parked) != 3 {
				t.Errorf("%v: %d events more, parked %v", key, r.Last-length, b.parked)
			}
			b.keys = []saga.PauseKey{{Kind: key.Kind, Name: "another"}}
			w.settle("t")
			w.wantTrail("do a, do b")
			w.wantState("t", saga.Completed)
		})
	}
}

// What happens to a task that is paused while its first step is carried out.
func TestWhatAPauseHolds(t *testing.T) {
	for _, c := range []struct {
		name, steps string
		root        func(w *world) saga.Step
		trail       string // while it is paused
		state       saga.State
		then        string // when the pause is over
	}{
		{name: "the step under way ends, the next does not begin", steps: "a b", trail: "do a", state: saga.Waiting, then: "do a, do b"},
		{name: "a step that failed is not tried again", steps: "a? b", trail: "do a", state: saga.Waiting, then: "do a, do a, do b"},
		{name: "what began is undone", steps: "a! b", trail: "do a, undo a", state: saga.Failed, then: "do a, undo a"},
		{name: "an undo that fails is tried again", steps: "a!x", trail: "do a, undo a, undo a", state: saga.Stuck, then: "do a, undo a, undo a"},
		{name: "a step is undone on its own", steps: "a!* b", trail: "do a, undo a", state: saga.Waiting, then: "do a, undo a, do b"},
		{
			name: "no timer begins", trail: "do a", state: saga.Waiting, then: "do a, do b",
			root: func(w *world) saga.Step {
				return saga.Sequence(w.step("a"), saga.Timer("nap", time.Minute), w.step("b"))
			},
		},
		{
			name: "nobody is waited for", trail: "do a", state: saga.Waiting, then: "do a",
			root: func(w *world) saga.Step {
				return saga.Sequence(w.step("a"), saga.Signal("ask", "go", 0), w.step("b"))
			},
		},
		{
			name: "branches that began end", trail: "do a, do b", state: saga.Waiting, then: "do a, do b, do c, do d",
			root: func(w *world) saga.Step {
				return saga.Parallel("both", saga.Sequence(w.steps("a c")...), saga.Sequence(w.steps("b d")...))
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b := pausing(t)
				b.after = 1
				root := saga.Sequence(w.steps(c.steps)...)
				if c.root != nil {
					root = c.root(w)
				}
				w.start("t", w.flow("flow", root))
				for range 3 {
					_ = w.deliver("t")
					time.Sleep(10 * time.Minute)
				}
				w.wantSteps(c.trail)
				if r := w.wantState("t", c.state); c.name == "nobody is waited for" && r.Step("ask") != nil || r.Step("nap") != nil {
					t.Error("a wait has begun")
				}
				b.keys = nil
				w.settle("t")
				w.wantSteps(c.then)
			})
		})
	}
}

// wantSteps is wantTrail for branches whose order is not said.
func (w *world) wantSteps(want string) {
	w.t.Helper()
	w.mu.Lock()
	for i := 1; i < len(w.trail); i++ {
		if w.trail[i-1] > w.trail[i] && w.trail[i][:2] == "do" && w.trail[i-1][:2] == "do" {
			w.trail[i-1], w.trail[i] = w.trail[i], w.trail[i-1]
		}
	}
	w.mu.Unlock()
	w.wantTrail(want)
}

func TestAPausedTaskIsCancelledAndTakesSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := pausing(t)
		b.after = 2
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), saga.Signal("ask", "go", 0), w.step("b"))))
		_ = w.deliver("t") // a, and the wait
		post := func(e saga.Event) {
			if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: e}); err != nil {
				t.Fatal(err)
			}
			_ = w.deliver("t")
		}
		post(saga.Event{Kind: saga.KindSignal, Name: "go"})
		if s := w.record("t").Step("ask"); s == nil || s.Do.State != saga.AttemptDone {
			t.Errorf("the signal is not taken: %+v", s)
		}
		w.wantTrail("do a")
		post(saga.Event{Kind: saga.KindCancel})
		w.wantTrail("do a, undo a")
		w.wantState("t", saga.Cancelled)
	})
}

// A claim may have recorded the start of the first step when the pause becomes known: nobody could tell that it was not called.
func TestAStepThatTheClaimBeganIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := pausing(t)
		f := w.flow("flow", saga.Sequence(w.steps("a b")...))
		w.start("t", f)
		opening := f.Opening()
		if opening == nil {
			t.Fatal("no opening")
		}
		_ = w.runner.RunFrom(t.Context(), "t", opening)
		w.wantTrail("do a")
		w.wantState("t", saga.Waiting)
	})
}

func TestATaskThatCannotBeNotedLooksAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := pausing(t)
		b.err = errors.Join(saga.ErrUnavailable)
		w.start("t", w.flow("flow", saga.Sequence(w.steps("a")...)))
		if got := w.parkedFor("t"); got != 5*time.Second {
			t.Errorf("looks again after %v", got)
		}
	})
}

func TestAPausedTaskHoldsNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := pausing(t)
		d := &door{answer: saga.Turn{Room: true}}
		w.runner.Limiter, b.after = d, 1
		w.start("t", w.flow("flow", saga.Sequence(w.steps("a b")...)))
		_ = w.deliver("t")
		if d.asked != 1 || d.left != 1 {
			t.Errorf("asked %d times, left %d times", d.asked, d.left)
		}
		_ = w.deliver("t")
		if d.asked != 1 {
			t.Error("a paused task asks for room")
		}
		if d.left != 2 {
			t.Errorf("room that it is given in line and does not take: left %d times", d.left)
		}
	})
}

// A step that is undone on its own beside what is held waits for room like any other, and keeps its place.
func TestAnUndoBesideWhatIsHeldStaysInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := pausing(t)
		d := &door{answer: saga.Turn{Room: true}}
		w.runner.Limiter, b.after = d, 1
		a, failed := w.step("a!*"), false
		undo := a.Undo
		a.Undo = func(ctx context.Context, c saga.Call, input, output json.RawMessage) error {
			if !failed {
				failed = true
				return errors.New("no")
			}
			return undo(ctx, c, input, output)
		}
		w.start("t", w.flow("flow", saga.Parallel("both", a, saga.Sequence(w.steps("c d")...))))
		time.Sleep(w.parkedFor("t"))
		d.answer, d.left = saga.Turn{}, 0
		if got := w.parkedFor("t"); got != time.Minute || d.asked != 2 || d.left != 0 {
			t.Errorf("asks again after %v, asked %d times, left %d times", got, d.asked, d.left)
		}
	})
}

func TestABranchThatIsHeldGoesOnBesideACallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := pausing(t)
		b.after = 1
		long := w.step("long")
		long.Timeout = time.Hour
		do := long.Do
		long.Do = func(ctx context.Context, c saga.Call, input json.RawMessage) (json.RawMessage, error) {
			time.Sleep(10 * time.Minute)
			return do(ctx, c, input)
		}
		w.start("t", w.flow("flow", saga.Parallel("both", long, saga.Sequence(w.steps("a b")...))))
		b.until = time.Now().Add(time.Minute)
		_ = w.deliver("t")
		w.wantTrail("do a, do b, do long")
	})
}
