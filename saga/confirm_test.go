package saga_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// replicated is a journal whose replica does not acknowledge for a while, and then is all that is left.
type replicated struct {
	saga.RunnerJournal
	asked  int // batches and openings that were to be confirmed
	silent func() bool
}

func (r *replicated) Open(ctx context.Context, id, nonce string, o saga.Opening) (saga.Claim, error) {
	c, err := r.RunnerJournal.Open(ctx, id, nonce, o)
	c.Unconfirmed = o.Confirm && r.confirm()
	return c, err
}

func (r *replicated) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	a, err := r.RunnerJournal.Append(ctx, l, b)
	a.Unconfirmed = b.Confirm && r.confirm()
	return a, err
}

// confirm tells whether nobody has confirmed.
func (r *replicated) confirm() bool {
	r.asked++
	return r.silent()
}

func TestNothingIsCalledWhoseStartNoReplicaHas(t *testing.T) {
	for name, c := range map[string]struct{ steps, trail string }{
		"forward":             {"a b", "do a, do b"},
		"and back":            {"a b!", "do a, do b, undo b, undo a"},
		"after a hiccup":      {"a? b", "do a, do a, do b"},
		"a step that goes on": {"a!* b", "do a, undo a, do b"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				until := time.Now().Add(17 * time.Second)
				journal := &replicated{RunnerJournal: w.journal, silent: func() bool { return time.Now().Before(until) }}
				w.runner.Journal = journal
				w.start("t", w.flow("flow", saga.Sequence(w.steps(c.steps)...)))
				for time.Now().Before(until) {
					w.wantTrail("")
					_ = w.deliver("t")
					time.Sleep(unconfirmedPause)
				}
				w.settle("t")
				w.wantTrail(c.trail)
				if r := w.record("t"); r.Step("a").Do.Interrupted > 0 {
					t.Errorf("what was put off counts as interrupted: %+v", r.Step("a").Do)
				}
			})
		})
	}
}

// unconfirmedPause is longer than a call is put off.
const unconfirmedPause = 6 * time.Second

// A replica may be away for an hour: the task waits, and neither fails nor is undone for that.
func TestATaskWaitsForAReplicaForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		until := time.Now().Add(time.Hour)
		w.runner.Journal = &replicated{RunnerJournal: w.journal, silent: func() bool { return time.Now().Before(until) }}
		f := w.flow("flow", saga.Sequence(w.steps("a b")...))
		w.start("t", f)
		opening := f.Opening()
		if err := w.runner.RunFrom(t.Context(), "t", opening); err == nil {
			t.Error("the first delivery went through")
		}
		w.settle("t")
		w.wantTrail("do a, do b")
		if r := w.wantState("t", saga.Completed); r.Step("a").Do.Failed > 0 {
			t.Errorf("%d attempts failed", r.Step("a").Do.Failed)
		}
		if late := time.Since(until); late < 0 || late > 6*time.Minute {
			t.Errorf("it ended %v after the replica came back", late)
		}
		if n := w.record("t").Last; n > 200 {
			t.Errorf("its journal has %d events", n)
		}
	})
}

// However long a task has lived, and has waited before: what begins to be put off is tried again soon.
func TestAReplicaThatHiccupsHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var until time.Time
		w.runner.Journal = &replicated{RunnerJournal: w.journal, silent: func() bool { return time.Now().Before(until) }}
		hiccup := func() { until = time.Now().Add(time.Second) }
		b := w.step("b!")
		do := b.Do
		var failed time.Time
		b.Do = func(ctx context.Context, c saga.Call, in json.RawMessage) (json.RawMessage, error) {
			failed = time.Now()
			hiccup()
			return do(ctx, c, in)
		}
		w.start("t", w.flow("flow", saga.Sequence(w.step("a"), saga.Timer("night", 8*time.Hour), b)))
		hiccup()
		w.settle("t")
		w.wantState("t", saga.Failed)
		if took := time.Since(failed); took > 11*time.Second {
			t.Errorf("the undo took %v", took)
		}
	})
}

func TestWhatHasNoEffectWaitsForNoReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		journal := &replicated{RunnerJournal: w.journal, silent: func() bool { return true }}
		w.runner.Journal = journal
		w.start("t", w.flow("flow", saga.Sequence(w.step("a="), w.step("b="), saga.Timer("nap", time.Second))))
		w.settle("t")
		w.wantTrail("do a, do b")
		w.wantState("t", saga.Completed)
		if journal.asked > 0 {
			t.Errorf("%d times a replica was asked for", journal.asked)
		}
	})
}

func TestNothingIsUndoneBeforeAReplicaKnowsThatTheTaskTurnsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var failed, undone time.Time
		fails, undoes := w.step("b!"), w.step("a")
		do, undo := fails.Do, undoes.Undo
		fails.Do = func(ctx context.Context, c saga.Call, in json.RawMessage) (json.RawMessage, error) {
			failed = time.Now()
			return do(ctx, c, in)
		}
		undoes.Undo = func(ctx context.Context, c saga.Call, in, out json.RawMessage) error {
			undone = time.Now()
			return undo(ctx, c, in, out)
		}
		fails.Undo = nil
		w.runner.Journal = &replicated{RunnerJournal: w.journal, silent: func() bool {
			return !failed.IsZero() && time.Since(failed) < 12*time.Second
		}}
		w.start("t", w.flow("flow", saga.Sequence(undoes, fails)))
		w.settle("t")
		w.wantTrail("do a, do b, undo a")
		if d := undone.Sub(failed); d < 12*time.Second {
			t.Errorf("the undo came %v after the failure", d)
		}
	})
}

// orphanage does not take children for a while.
type orphanage struct {
	*world
	until time.Time
}

func (o *orphanage) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	if time.Now().Before(o.until) {
		return saga.ErrUnavailable
	}
	return o.world.StartChild(ctx, parent, path, id, t)
}

func (o *orphanage) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	if time.Now().Before(o.until) {
		return saga.ErrUnavailable
	}
	return o.world.UndoChild(ctx, parent, path, id, t)
}

// The child's server, or its replica, may be away for long: the parent neither fails nor gets stuck by it.
func TestAParentWaitsForTheServerOfItsChild(t *testing.T) {
	for name, fails := range map[string]bool{"forward": false, "and back": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				home := &orphanage{world: w}
				w.runner.Children = home
				w.flow("child", saga.Sequence(w.step("p")))
				kid := saga.Child("kid", "child", func(saga.Scope) (json.RawMessage, error) { return json.RawMessage(`{}`), nil })
				last, want := w.step("b"), saga.Completed
				home.until = time.Now().Add(3 * time.Hour)
				if fails {
					last, want, home.until = w.step("b!"), saga.Failed, time.Time{}
					do := last.Do
					last.Do = func(ctx context.Context, c saga.Call, in json.RawMessage) (json.RawMessage, error) {
						home.until = time.Now().Add(3 * time.Hour)
						return do(ctx, c, in)
					}
				}
				w.start("t", w.flow("flow", saga.Sequence(kid, last)))
				for range 2000 {
					for _, id := range append(w.record("t").Children(), "t") {
						_ = w.deliver(id)
					}
					if r := w.record("t"); r.State.Finished() {
						break
					}
					time.Sleep(10 * time.Second)
				}
				r := w.wantState("t", want)
				if s := r.Step("kid"); s.Do.Failed+s.Undo.Failed > 0 {
					t.Errorf("attempts that count: %+v", s)
				}
			})
		})
	}
}
