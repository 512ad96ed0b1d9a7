package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// patientUndo makes an activity that does nothing yet, and whose undo is tried until it succeeds.
func (x *ruin) patientUndo() saga.Step {
	s := x.bare()
	s.UndoRetry.Attempts = 100
	return s
}

// fenced makes an activity whose effect is answered by a fence, and that fails in every way.
func (x *ruin) fenced() saga.Step {
	s := x.patientUndo()
	broken := x.built.oneIn(6)
	s.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		x.note("do %s", stepOf(c))
		if err := x.pass(ctx, c); err != nil {
			return nil, err
		}
		chance := x.dieOf(c)
		if broken && chance.oneIn(2) {
			return nil, saga.Permanent(errors.New("broken"))
		}
		result, err := x.apply(c)
		if err != nil {
			return nil, err
		}
		if chance.oneIn(8) {
			return nil, errors.New("the answer is lost")
		}
		return result, x.pass(ctx, c)
	}
	s.Undo = func(ctx context.Context, c saga.Call, _, _ json.RawMessage) error {
		x.note("undo %s", stepOf(c))
		if err := x.pass(ctx, c); err != nil {
			return err
		}
		if _, err := x.apply(c); err != nil || !x.dieOf(c).oneIn(8) {
			return err
		}
		return errors.New("the answer is lost")
	}
	return s
}

// pass lets some time pass. An undo is never deaf: one that outlives the loss of the journal which began it may undo what
// the restored task has built upon; docs/adr/0015 says so.
func (x *ruin) pass(ctx context.Context, c saga.Call) error {
	chance := x.dieOf(c)
	takes := chance.upTo(3 * time.Second)
	if chance.oneIn(5) && !c.Undo {
		x.deaf(c, takes*5)
		return nil
	}
	return x.patient(ctx, c, takes)
}

// apply is an effect and its fence in one transaction.
func (x *ruin) apply(c saga.Call) (json.RawMessage, error) {
	step := stepOf(c)
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	var done, undone *saga.Effect
	for i, f := range x.fences[c.Task.ID] {
		switch {
		case f.Path == c.Path && f.Undo:
			undone = &x.fences[c.Task.ID][i]
		case f.Path == c.Path:
			done = &x.fences[c.Task.ID][i]
		}
	}
	switch {
	case c.Undo && undone != nil:
		return nil, nil
	case c.Undo && done != nil:
		x.net[step]--
	case c.Undo:
	case undone != nil:
		return nil, saga.Definite(saga.ErrUndone)
	case done != nil:
		return done.Result, nil
	default:
		x.net[step]++
		x.ever[step]++
	}
	x.w.trail = append(x.w.trail, fmt.Sprintf("%10.6f effect %s undo=%t", time.Since(x.began).Seconds(), step, c.Undo))
	f := saga.Effect{Path: c.Path, Undo: c.Undo, Result: json.RawMessage(fmt.Sprintf("%q", c.Key)), At: time.Now()}
	x.fences[c.Task.ID] = append(x.fences[c.Task.ID], f)
	return f.Result, nil
}

// unfenced makes an activity that nothing answers for. Its undo must find no call of its do under way.
func (x *ruin) unfenced() saga.Step {
	s := x.patientUndo()
	broken := x.built.oneIn(8)
	s.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
		x.doBegins(c)
		defer x.doEnds(c)
		err := x.pass(ctx, c)
		chance := x.dieOf(c)
		if err == nil && broken && chance.oneIn(2) {
			return nil, saga.Permanent(saga.Definite(errors.New("refused")))
		}
		x.acted(c)
		switch {
		case err != nil:
			return nil, err
		case chance.oneIn(8):
			return nil, errors.New("hiccup")
		}
		return json.RawMessage(`1`), nil
	}
	s.Undo = func(ctx context.Context, c saga.Call, _, _ json.RawMessage) error {
		x.undoBegins(c)
		return x.pass(ctx, c)
	}
	return s
}

// acted notes that a do may have had its effect.
func (x *ruin) acted(c saga.Call) {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	x.did[stepOf(c)] = true
}
