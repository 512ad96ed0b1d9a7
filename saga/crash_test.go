package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// activity makes a step that does something unforeseen.
func (o *outside) activity() saga.Step {
	s := o.bare()
	deaf, breaks := o.built.oneIn(3), o.built.oneIn(8)
	s.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		o.doBegins(c)
		defer o.doEnds(c)
		o.called(c)
		chance := o.dieOf(c)
		takes := chance.upTo(5 * time.Second)
		if chance.oneIn(5) {
			takes *= 5
		}
		verdict := chance.IntN(8)
		var err error
		if deaf {
			o.deaf(c, takes)
		} else {
			err = o.patient(ctx, c, takes)
		}
		o.returns(c, err)
		switch {
		case err != nil:
			return nil, err
		case verdict == 0:
			return nil, errors.New("hiccup")
		case verdict == 1 && breaks:
			return nil, saga.Permanent(errors.New("broken"))
		}
		return json.RawMessage(`1`), nil
	}
	s.Undo = func(ctx context.Context, c saga.Call, _, _ json.RawMessage) error {
		o.undoBegins(c)
		chance := o.dieOf(c)
		if err := o.patient(ctx, c, chance.upTo(3*time.Second)); err != nil || !chance.oneIn(8) {
			return err
		}
		return errors.New("hiccup")
	}
	return s
}

// called wants a do to begin before its undo.
func (o *outside) called(c saga.Call) {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if o.undone[stepOf(c)] {
		o.t.Errorf("do %s begins after its undo", stepOf(c))
	}
	o.did[stepOf(c)] = true
}

// returns wants a do to end before its undo begins.
func (o *outside) returns(c saga.Call, err error) {
	o.note("did %s: %v", stepOf(c), err)
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if o.undone[stepOf(c)] {
		o.t.Errorf("do %s ends after its undo began", stepOf(c))
	}
}

// check holds the journal to what happened.
func (o *outside) check(r *saga.Record) {
	o.w.mu.Lock()
	defer o.w.mu.Unlock()
	if !r.State.Finished() && r.State != saga.Stuck {
		o.t.Errorf("the task is %s", r.State)
		return
	}
	for step, calls := range o.doing {
		if calls > 0 {
			o.t.Errorf("do %s is under way after the end", step)
		}
	}
	for step := range o.did {
		if id, path, _ := strings.Cut(step, " "); id == r.Created.ID {
			o.checkStep(r, path)
		}
	}
	o.backwards(r, time.Time{})
}

// checkStep is about a step whose do was called.
func (o *outside) checkStep(r *saga.Record, path string) {
	s := r.Step(path)
	switch {
	case s == nil:
		o.t.Errorf("do %s was called, and the journal does not know it", path)
	case r.State == saga.Stuck || s.Undo.State == saga.AttemptDone:
	case r.State != saga.Completed:
		o.t.Errorf("step %s began and was not undone: %+v", path, *s)
	case s.Do.State != saga.AttemptDone:
		o.t.Errorf("the task is completed, step %s is not: %+v", path, *s)
	}
}

// carryOn delivers a task until it ends.
func (o *outside) carryOn() {
	delays := o.random.of("delays")
	for i := range 2000 {
		r := o.w.newRunner()
		nonce := fmt.Sprint("n", i)
		r.Nonce = func() string { return nonce }
		r.Journal = o.d
		err, died := o.deliver(r, "t", o.w.flows["flow"].Opening())
		var parked *saga.ParkedError
		switch {
		case died:
			o.note("crash")
			time.Sleep(6 * time.Second)
		case err == nil:
			return
		case !errors.As(err, &parked):
			o.t.Fatalf("%v", err)
		case parked.Now:
		case parked.Due.IsZero() && parked.For == 0:
			if o.w.record("t").State == saga.Stuck {
				return
			}
			time.Sleep(time.Second)
		default:
			time.Sleep(max(parked.For, delays.upTo(time.Second)))
		}
	}
	o.t.Errorf("the task does not end")
}

func TestCrashesAnywhere(t *testing.T) {
	fromSeeds(t, 7, func(t *testing.T, random *dice) {
		o := newOutside(t, random)
		posts := random.of("posts")
		o.d.post = func() {
			e := saga.Event{Kind: saga.KindSignal, Name: "go"}
			if posts.oneIn(5) {
				e = saga.Event{Kind: saga.KindCancel}
			}
			_, _ = o.w.journal.Post(context.WithoutCancel(t.Context()), "t", saga.Message{Event: e})
		}
		o.w.start("t", o.w.flow("flow", saga.Sequence(o.tree(2), o.tree(2), o.activity(), o.activity())))
		o.carryOn()
		time.Sleep(time.Minute) // what ignores its context ends
		o.check(o.w.record("t"))
		o.tellOfFailure()
	})
}
