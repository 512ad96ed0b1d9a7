package definition

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Simulation is how a task would go: what is done and undone, in order.
type Simulation struct {
	Workflow  string          `json:"workflow"`
	FailAt    string          `json:"fail_at,omitempty"`
	State     saga.State      `json:"state"` // where it ends: completed, failed, stuck, or waiting for what never comes
	Error     string          `json:"error,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	NotUndone []string        `json:"not_undone,omitempty"`
	Moves     []Move          `json:"moves"`
}

// maxMoves is where a simulation stops: a loop in a loop may be very long.
const maxMoves = 5_000

// beginning is the moment at which every simulated task starts.
var beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Simulate tells how a task would go. Nothing has an effect: activities only note that they were called, signals come at
// once, and time passes as it is needed. The decisions are the engine's own, [saga.Decide] over a journal that is kept
// nowhere.
func (d *Definition) Simulate(s Script) (*Simulation, error) {
	w := &world{d: d, script: s, now: beginning, flying: map[string]bool{}}
	var err error
	if w.workflow, err = d.Workflow(w); err != nil {
		return nil, err
	}
	w.record, err = saga.Fold([]saga.Event{{Seq: 1, At: w.now, Kind: saga.KindCreated, Created: &saga.Created{
		ID: "simulated", Type: d.ID, Workflow: d.ID, Version: w.workflow.Version, TreeHash: w.workflow.TreeHash(),
		Input: s.Input, Owner: saga.NilOwner, Deadline: saga.MicrosOf(w.now.Add(w.workflow.Deadline)),
	}}})
	if err != nil {
		return nil, err
	}
	for w.goesOn() {
		if err := w.round(); err != nil {
			return nil, fmt.Errorf("simulate %s: %w", d.ID, err)
		}
		if len(w.moves) > maxMoves {
			return nil, fmt.Errorf("simulate %s: it is not over after %d moves: give it a shorter collection", d.ID, maxMoves)
		}
	}
	return w.result(), nil
}

// world is one simulated task, with everything around it.
type world struct {
	d        *Definition
	workflow *saga.Workflow
	script   Script
	record   *saga.Record
	now      time.Time
	calls    []*flight       // under way, in the order of their start
	flying   map[string]bool // their paths
	moves    []*Move
	called   []Call // by the do or undo that is under way
	failed   bool
	over     bool
}

// flight is a call under way.
type flight struct {
	work saga.Work
	move *Move
}

func (w *world) goesOn() bool {
	return !w.over && !w.record.State.Finished() && w.record.State != saga.Stuck
}

// round does what one decision of the engine asks for.
func (w *world) round() error {
	decision := saga.Decide(w.workflow, w.record, saga.Moment{Now: w.now, InFlight: w.flying})
	if len(decision.Events) > 0 {
		return w.decided(decision.Events)
	}
	for _, work := range decision.Work {
		if err := w.begin(work); err != nil {
			return err
		}
	}
	switch {
	case len(w.calls) > 0: // those that are asked to stop may be too late for that: they end like any other
		return w.end()
	case len(decision.Work) > 0: // children, which have their own ends
		return nil
	}
	answered, err := w.answer()
	if answered || err != nil {
		return err
	}
	if w.over = decision.Due.IsZero(); !w.over {
		w.now = decision.Due
	}
	return nil
}

func (w *world) apply(e saga.Event) error {
	e.Seq, e.At = w.record.Last+1, w.now
	return w.record.Apply(e)
}

// begin starts a call, or a child.
func (w *world) begin(work saga.Work) error {
	err := w.apply(saga.Event{
		Kind: saga.KindStepStarted, Path: work.Path, Undo: work.Undo, N: work.N, StepKind: work.Step.Kind, Name: work.Child,
		Due: saga.MicrosOf(w.now.Add(time.Hour)),
	})
	if err != nil {
		return err
	}
	move := w.move(work)
	if work.Step.Kind == saga.KindChild {
		return w.child(work, move)
	}
	w.calls = append(w.calls, &flight{work, move})
	w.flying[work.Path] = true
	return nil
}

// end ends the call that began first.
func (w *world) end() error {
	f := w.calls[0]
	w.calls = w.calls[1:]
	delete(w.flying, f.work.Path)
	output, err := w.call(f.work)
	f.move.Calls, w.called = w.called, nil
	if err != nil {
		f.move.Result, f.move.Detail = resultFails, err.Error()
		return w.apply(saga.Event{
			Kind: saga.KindAttemptFailed, Path: f.work.Path, Undo: f.work.Undo, Flags: saga.Final | saga.Indefinite, Error: err.Error(),
		})
	}
	f.move.Result = resultDone
	return w.apply(saga.Event{Kind: saga.KindStepDone, Path: f.work.Path, Undo: f.work.Undo, Data: output})
}

func (w *world) call(work saga.Work) (json.RawMessage, error) {
	c := saga.Call{Task: w.record.Created, Path: work.Path, Undo: work.Undo, Attempt: work.Attempt}
	if work.Undo {
		return nil, work.Step.Undo(context.Background(), c, work.Input, work.Output)
	}
	return work.Step.Do(context.Background(), c, work.Input)
}

// Action implements [Activities]: the actions of a simulation note their calls and do nothing.
func (w *world) Action(activityType string) (Action, error) {
	return Action{
		Do: func(_ context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
			w.called = append(w.called, Call{activityType, params})
			if !c.Undo && !w.failed && stepOf(c.Path) == w.script.FailAt {
				w.failed = true // once: in a loop the other iterations are well
				return nil, errors.New("it fails for good")
			}
			return w.output(c.Path), nil
		},
		Undo: func(_ context.Context, _ saga.Call, params, _ json.RawMessage) error {
			w.called = append(w.called, Call{activityType, params})
			return nil
		},
	}, nil
}

// child starts a child and tells its end at once.
func (w *world) child(work saga.Work, move *Move) error {
	if err := w.apply(saga.Event{Kind: saga.KindChildStarted, Path: work.Path, Undo: work.Undo}); err != nil {
		return err
	}
	end := saga.Event{Kind: saga.KindChildFinished, Path: work.Path, Name: string(saga.Completed), Data: w.output(work.Path)}
	move.Result = resultDone
	move.Calls = []Call{{work.Task.Type, work.Task.Input}}
	switch {
	case work.Undo:
		end.Name, end.Data = string(saga.Cancelled), nil
	case stepOf(work.Path) == w.script.FailAt:
		end.Name, end.Data, end.Error = string(saga.Failed), nil, "it fails for good"
		move.Result, move.Detail = resultFails, "it fails for good, and has undone itself"
	}
	return w.apply(end)
}

// answer sends the signal that a step waits for, and tells whether there was one.
func (w *world) answer() (bool, error) {
	for _, rec := range w.record.Steps {
		path, again := strings.CutSuffix(rec.Path, secondSuffix)
		n := w.d.steps[stepOf(path)]
		if n == nil || rec.Kind != saga.KindSignalled || rec.Do.State != saga.AttemptStarted || n.ID == w.script.FailAt {
			continue
		}
		e := saga.Event{Kind: saga.KindSignal, Data: w.output(path)}
		switch {
		case n.Type == typeSignal:
			e.Name = n.Wait.SignalName
			return true, w.apply(e)
		case n.ID+escalatedMark == w.script.FailAt && !again:
			continue
		case n.ID+rejectedMark == w.script.FailAt:
			e.Data = json.RawMessage(`{"outcome":"rejected","reason":"simulated","by":"simulated"}`)
		}
		e.Name = AnswerSignal(path)
		return true, w.apply(e)
	}
	return false, nil
}

// What follows the step in a [Script.FailAt]: a human task is rejected, or answered only when it has been escalated.
const (
	rejectedMark  = ":rejected"
	escalatedMark = ":escalated"
)

// output is what a step answers.
func (w *world) output(path string) json.RawMessage {
	id := stepOf(path)
	for _, name := range []string{path, id} {
		if given, ok := w.script.Outputs[name]; ok {
			return given
		}
	}
	return w.d.madeUp(id)
}

// stepOf is the step at a path: the last part of it.
func stepOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// result is what came of it.
func (w *world) result() *Simulation {
	r := w.record
	s := &Simulation{
		Workflow: w.d.ID, FailAt: w.script.FailAt, State: r.State, Error: r.Reason, Output: r.Output, NotUndone: r.NotUndone,
	}
	if !r.State.Finished() && r.State != saga.Stuck {
		s.State, s.Error = saga.Waiting, "it waits for something that never comes"
	}
	for _, m := range w.moves {
		s.Moves = append(s.Moves, *m)
	}
	s.Moves = slices.DeleteFunc(s.Moves, func(m Move) bool { return m.Step == cleanupName && m.Kind == moveDo })
	for i := range s.Moves {
		s.Moves[i].N = i + 1
	}
	return s
}
