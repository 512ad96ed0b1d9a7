package saga_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// onlooker is an observer that notes what it is told.
type onlooker struct{ *world }

type seenKey struct{}

func (o onlooker) RunBegan(ctx context.Context, r saga.RunView) context.Context {
	if r.TookOver {
		o.note("took over")
	}
	o.note("run of %s after %d events", r.Record.Created.Type, len(r.Events))
	return context.WithValue(ctx, seenKey{}, "run")
}

func (o onlooker) Parks(ctx context.Context) string {
	return fmt.Sprint(ctx.Value(seenKey{}), " parked")
}

func (o onlooker) RunEnded(ctx context.Context, r *saga.Record, err error) {
	o.note("%v ended %s: %t", ctx.Value(seenKey{}), r.State, err == nil)
}

func (o onlooker) CallBegan(ctx context.Context, c saga.CallView) context.Context {
	return context.WithValue(ctx, seenKey{}, fmt.Sprint(ctx.Value(seenKey{}), ">", c.Direction(), " ", c.Path, " ", c.Attempt))
}

func (o onlooker) CallEnded(ctx context.Context, _ saga.CallView, e *saga.Event, took time.Duration) {
	o.note("%v: %s %d in %v", ctx.Value(seenKey{}), e.Kind, e.Flags, took.Round(time.Millisecond))
}

func (o onlooker) Decided(_ context.Context, _ *saga.Record, decisions []saga.Event) {
	for _, e := range decisions {
		o.note("%s", e.Kind)
	}
}

func TestAnObserverSeesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.runner.Observer = onlooker{w}
		slow := w.step("a")
		slow.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			time.Sleep(time.Second)
			w.note("called in %v", ctx.Value(seenKey{}))
			return nil, nil
		}
		w.start("t", w.flow("flow", saga.Sequence(slow, w.step("b?!"))))
		w.settle("t")
		w.wantTrail("run of flow after 1 events, step_started, called in run>do a 1, run>do a 1: step_done 0 in 1s, step_started, " +
			"do b, run>do b 1: attempt_failed 3 in 0s, compensation_started, step_started, undo b, run>undo b 1: step_done 0 in 0s, " +
			"step_started, undo a, run>undo a 1: step_done 0 in 0s, failed, run ended failed: true")
	})
}

func TestAnObserverSeesATakeOverAndWhatWasLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		letGo := make(chan struct{})
		deaf := w.step("deaf")
		deaf.Do = func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) {
			<-letGo
			return nil, nil
		}
		w.start("t", w.flow("flow", deaf))
		first := w.newRunner()
		first.Observer = onlooker{w}
		first.Journal = unrenewed{w.journal}
		ended := make(chan error)
		go func() { ended <- first.Run(t.Context(), "t") }()
		if err := <-ended; err == nil {
			t.Fatal("a runner without a lease ended the task")
		}
		close(letGo)
		time.Sleep(10 * time.Second) // virtual: its lease is over
		w.runner.Observer = onlooker{w}
		w.settle("t")
		w.wantTrail("run of flow after 1 events, step_started, run>do deaf 1: attempt_failed 10 in 1.667s, run ended running: false, " +
			"took over, run of flow after 2 events, step_started, run>do deaf 2: step_done 0 in 0s, completed, run ended completed: true")
	})
}

// unrenewed is a journal that says to each runner that it was overtaken.
type unrenewed struct{ saga.RunnerJournal }

func (unrenewed) Renew(context.Context, saga.Lease) (saga.Renewed, error) {
	return saga.Renewed{}, saga.ErrOvertaken
}

// blind is an observer that sees nothing.
type blind struct{}

func (blind) RunBegan(ctx context.Context, _ saga.RunView) context.Context         { return ctx }
func (blind) Parks(context.Context) string                                         { return "" }
func (blind) RunEnded(context.Context, *saga.Record, error)                        {}
func (blind) CallBegan(ctx context.Context, _ saga.CallView) context.Context       { return ctx }
func (blind) CallEnded(context.Context, saga.CallView, *saga.Event, time.Duration) {}
func (blind) Decided(context.Context, *saga.Record, []saga.Event)                  {}

// fresh carries out new tasks of ten steps.
func fresh(tb testing.TB, o saga.Observer) func() {
	tb.Helper()
	act := saga.Step{Kind: saga.KindActivity, Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, nil }}
	var steps []saga.Step
	for i := range 10 {
		act.Name = fmt.Sprint("s", i)
		steps = append(steps, act)
	}
	w := &world{flows: map[string]*saga.Workflow{"f": {Name: "f", Version: 1, Root: saga.Sequence(steps...)}}}
	journal := storetest.NewMemory(time.Now)
	r := saga.Runner{
		Journal: journal, Workflows: w, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: func() float64 { return 0 },
		Nonce: func() string { return "n" }, Observer: o,
	}
	n := 0
	return func() {
		n++
		c := saga.Created{ID: fmt.Sprint("t", n), Type: "f", Workflow: "f", TreeHash: w.flows["f"].TreeHash(), Hash: "h"}
		if _, err := journal.Start(tb.Context(), saga.Start{Created: c}); err != nil {
			tb.Fatal(err)
		}
		if err := r.Run(tb.Context(), c.ID); err != nil {
			tb.Fatal(err)
		}
	}
}

// What observers are told costs less than an allocation a call.
func TestAnObserverIsToldWithoutAllocating(t *testing.T) {
	none, one := testing.AllocsPerRun(200, fresh(t, nil)), testing.AllocsPerRun(200, fresh(t, blind{}))
	if one-none > 5 {
		t.Errorf("%v allocations a task of ten steps with an observer, %v without", one, none)
	}
}

func BenchmarkObserver(b *testing.B) {
	for name, o := range map[string]saga.Observer{"none": nil, "blind": blind{}} {
		b.Run(name, func(b *testing.B) {
			run := fresh(b, o)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
