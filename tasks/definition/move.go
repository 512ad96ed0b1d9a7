package definition

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// Move is one thing that a simulated task does.
type Move struct {
	N      int     `json:"n"`      // from 1
	After  float64 `json:"after"`  // seconds since the start
	Kind   string  `json:"kind"`   // do, undo, wait, choose, repeat, turn back
	Step   string  `json:"step"`   // its path
	What   string  `json:"what"`   // the activity, the signal, the branch
	Result string  `json:"result"` // done, fails, nothing came
	Detail string  `json:"detail,omitempty"`
	// Calls are the activities that are called, with what they are called with.
	Calls []Call `json:"calls,omitempty"`
}

// Call is a call of an activity, or the start of a child.
type Call struct {
	Activity string          `json:"activity"`
	Params   json.RawMessage `json:"params,omitempty"`
}

// The kinds of moves, and what comes of them.
const (
	moveDo     = "do"
	moveUndo   = "undo"
	moveWait   = "wait"
	moveChoose = "choose"
	moveRepeat = "repeat"
	moveTurn   = "turn back"

	resultDone  = "done"
	resultFails = "fails"
	resultNone  = "nothing came"
)

// note adds a move.
func (w *world) note(m Move) *Move {
	m.After = w.now.Sub(beginning).Seconds()
	w.moves = append(w.moves, &m)
	return &m
}

// move notes a do or an undo that begins.
func (w *world) move(work saga.Work) *Move {
	m := Move{Kind: moveDo, Step: work.Path}
	if work.Undo {
		m.Kind = moveUndo
	}
	n := w.d.steps[stepOf(work.Path)]
	undo := w.d.cleanup
	if n != nil {
		undo = n.undo
	}
	switch {
	case work.Undo && len(undo) > 0:
		types := make([]string, len(undo))
		for i, u := range undo {
			types[i] = u.activity.Type
		}
		m.What = strings.Join(types, ", ")
	case n == nil:
	case n.Type == typeActivity:
		m.What = n.Activity.Type
	case n.Type == typeChild:
		m.What = n.ChildWorkflow.WorkflowID
	case n.Type == typeTerminate:
		m.What = "terminate"
	}
	return w.note(m)
}

// decided records decisions of the engine, and notes those that matter to a reader.
func (w *world) decided(events []saga.Event) error {
	for _, e := range events {
		if err := w.apply(e); err != nil {
			return err
		}
		n := w.d.steps[stepOf(e.Path)]
		switch e.Kind {
		case saga.KindStepStarted:
			w.waits(e, n)
		case saga.KindStepDone, saga.KindAttemptFailed:
			w.waited(e)
		case saga.KindDecided:
			w.chosen(e, n)
		case saga.KindCompensationStarted:
			w.note(Move{Kind: moveTurn, Detail: e.Error})
		case saga.KindStuck:
			w.note(Move{Kind: moveUndo, Step: e.Path, Result: resultFails, What: "an operator is needed", Detail: e.Error})
		default:
		}
	}
	return nil
}

// waits notes a wait that begins.
func (w *world) waits(e saga.Event, n *node) {
	m := Move{Kind: moveWait, Step: e.Path, What: "timer"}
	path, again := strings.CutSuffix(e.Path, secondSuffix)
	if again {
		n = w.d.steps[stepOf(path)]
	}
	switch {
	case n == nil:
		return
	case n.Type == typeSignal:
		m.What = "signal " + n.Wait.SignalName
	case n.Type == typeHuman:
		m.What = "answer of " + strings.Join(n.HumanTask.roles(again), " or ")
	}
	w.note(m)
}

// waited notes the end of a wait.
func (w *world) waited(e saga.Event) {
	for _, m := range w.moves {
		if m.Kind != moveWait || m.Step != e.Path || m.Result != "" {
			continue
		}
		if m.Result = resultDone; e.Kind == saga.KindAttemptFailed {
			m.Result, m.Detail = resultNone, e.Error
		}
	}
}

// chosen notes the branch of a condition, or the length of a loop. What follows a wait by itself is not noted.
func (w *world) chosen(e saga.Event, n *node) {
	m := Move{Step: e.Path, Result: resultDone}
	switch {
	case n == nil:
		return
	case n.Type == typeLoop:
		m.Kind, m.What = moveRepeat, strconv.Itoa(w.record.Iterations(e.Path))+" items"
	case n.Type == typeCondition:
		m.Kind, m.What = moveChoose, map[string]string{"0": "true_steps", "1": "false_steps"}[string(e.Data)]
	default:
		return
	}
	w.note(m)
}
