package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// died leaves a journal behind in which a do was begun, by a worker that then died.
func (w *world) died(path string, deadline time.Time, before ...saga.Event) {
	w.t.Helper()
	claim, err := w.journal.Claim(w.t.Context(), "t", "dead")
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.journal.Append(w.t.Context(), claim.Lease, saga.Batch{
		Read: claim.Events[len(claim.Events)-1].Seq,
		Decisions: append(before, saga.Event{
			Kind: saga.KindStepStarted, Path: path, StepKind: saga.KindActivity, Due: saga.MicrosOf(deadline),
		}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(6 * time.Second) // until its lease is over
}

func TestNoUndoBeforeEveryCallMustBeOver(t *testing.T) {
	for name, deaths := range map[string]int{
		"a later attempt's result says nothing of the first": 1, "nor does it end that the step was given up": saga.MaxInterruptions,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				deadline := time.Now().Add(2 * time.Minute)
				a := w.step("a")
				undo := a.Undo
				a.Undo = func(ctx context.Context, c saga.Call, in, out json.RawMessage) error {
					if time.Now().Before(deadline.Add(saga.Grace)) {
						t.Errorf("undone %v before the do of a worker that was lost is over", time.Until(deadline.Add(saga.Grace)))
					}
					return undo(ctx, c, in, out)
				}
				w.start("t", w.flow("flow", saga.Sequence(a, w.step("b!"))))
				for range deaths {
					w.died("a", deadline)
				}
				w.settle("t")
				w.wantState("t", saga.Failed)
			})
		})
	}
}

func TestAnOutputThatIsNoJSONFailsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f := w.flow("flow", saga.Sequence(w.step("a")))
		f.Output = func(saga.Scope) (json.RawMessage, error) { return json.RawMessage("{"), nil }
		w.start("t", f)
		w.settle("t")
		w.wantTrail("do a, undo a")
		w.wantState("t", saga.Failed)
	})
}

// watched are children of whose undo a test is told. They can be started or not.
type watched struct {
	*world
	away   bool
	undone saga.ChildTask
}

func (c *watched) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	if c.away {
		return errors.New("away")
	}
	return c.world.StartChild(ctx, parent, path, id, t)
}

func (c *watched) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	c.undone = t
	return c.world.UndoChild(ctx, parent, path, id, t)
}

func TestTheUndoOfAChildKnowsWhatWasToBeStartedAndWhetherItWas(t *testing.T) {
	for _, away := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			children := &watched{world: w, away: away}
			w.runner.Children = children
			w.flow("child", saga.Sequence(w.step("p")))
			kid := saga.Child("kid", "child", func(saga.Scope) (json.RawMessage, error) { return json.RawMessage(`{"n":1}`), nil })
			w.start("t", w.flow("flow", saga.Sequence(w.step("a"), kid, w.step("b!"))))
			for n := 0; n < 20 && children.undone.Type == ""; n++ {
				for _, id := range append(w.record("t").Children(), "t") {
					_ = w.deliver(id)
				}
				time.Sleep(10 * time.Second)
			}
			if got := children.undone; got.Type != "child" || string(got.Input) != `{"n":1}` || got.Again == away {
				t.Errorf("away %t: undone was %+v", away, got)
			}
		})
	}
}
