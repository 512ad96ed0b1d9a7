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

// An opening is recorded before anybody has looked at the task. If its call is not made after all, the step never began.
func TestAnOpeningThatIsNotCalled(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps string
		set   func(*saga.Step, *saga.Created)
		trail string
		state saga.State
	}{
		{"its input cannot be made", "a b", noInput, "", saga.Failed},
		{"its input cannot be made, and there is no undo", "a~ b", noInput, "", saga.Failed},
		{"its input cannot be made, and the task goes on", "a* b", noInput, "do b", saga.Completed},
		{"the task's deadline has passed", "a~ b", func(_ *saga.Step, c *saga.Created) { c.Deadline = 1 }, "", saga.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				steps, created := w.steps(c.steps), saga.Created{}
				c.set(&steps[0], &created)
				f := w.flow("flow", saga.Sequence(steps...))
				w.start("t", f, func(t *saga.Created) { t.Deadline = created.Deadline })
				if err := w.runner.RunFrom(t.Context(), "t", f.Opening()); err != nil {
					t.Errorf("one delivery should do: %v", err)
				}
				w.wantTrail(c.trail)
				if r := w.wantState("t", c.state); len(r.NotUndone) > 0 {
					t.Errorf("not undone: %v", r.NotUndone)
				}
			})
		})
	}
}

func noInput(s *saga.Step, _ *saga.Created) {
	s.Input = func(saga.Scope) (json.RawMessage, error) { return nil, errors.New("no such field") }
}

func TestAWorkerThatStopsRecordsNoOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		drain := make(chan struct{})
		close(drain)
		w.runner.Draining = drain
		f := w.flow("flow", saga.Sequence(w.steps("a")...))
		w.start("t", f)
		_ = w.runner.RunFrom(t.Context(), "t", f.Opening())
		if r := w.wantState("t", saga.Pending); r.Last != 1 {
			t.Errorf("%d events were written", r.Last-1)
		}
	})
}

func TestAnOpeningsCallEndsAtTheDeadlineThatIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.runner.Journal = &hooked{RunnerJournal: w.journal, afterClaim: func() { time.Sleep(time.Second) }}
		step := w.step("a")
		step.Do = func(_ context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			if recorded := w.record("t").Step("a").Do.Deadline.Time(); !c.Deadline.Equal(recorded) {
				t.Errorf("the call may take %v longer than others know", c.Deadline.Sub(recorded))
			}
			return nil, nil
		}
		f := w.flow("flow", saga.Sequence(step))
		w.start("t", f)
		if err := w.runner.RunFrom(t.Context(), "t", f.Opening()); err != nil {
			t.Error(err)
		}
		w.wantState("t", saga.Completed)
	})
}
