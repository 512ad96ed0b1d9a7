package saga

import (
	"context"
	"time"
)

// PauseKind is what a pause is about.
type PauseKind string

// What may be paused.
const (
	PauseType    PauseKind = "type"
	PauseService PauseKind = "service"
	PauseQueue   PauseKind = "queue"
)

// PauseKinds lists what may be paused.
var PauseKinds = []PauseKind{PauseType, PauseService, PauseQueue}

// PauseKey names what is paused.
type PauseKey struct {
	Kind PauseKind `json:"kind"`
	Name string    `json:"name"`
}

// Pause says since when, by whom and why no forward step of some tasks begins.
type Pause struct {
	PauseKey

	By     string    `json:"by"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// PauseKeys are the pauses that would hold a task.
func (c Created) PauseKeys() []PauseKey {
	keys := []PauseKey{{PauseType, c.Type}, {PauseQueue, c.Queue}}
	if c.Service != "" {
		keys = append(keys, PauseKey{PauseService, c.Service})
	}
	return keys
}

// PauseKeys are the pauses that would hold the task.
func (t Task) PauseKeys() []PauseKey {
	return Created{Type: t.Type, Service: t.Service, Queue: t.Queue}.PauseKeys()
}

// Pauser knows which tasks are paused. A paused task begins no forward step, and tries none again. What is under way goes on
// to its end, what began is undone where it is to be, and timers and signals that are waited for are taken.
type Pauser interface {
	// Paused answers at once: it is asked before every step.
	Paused(c Created) bool
	// Park notes that the task waits for the end of its pause, so that it is woken then.
	Park(ctx context.Context, c Created) error
}

// How long a paused task sleeps before it looks again. It is a net for the loss of the note that it waits.
const askPaused = 30 * time.Minute

// How often a run that is not parked, for another branch has a call under way, looks whether a branch is held still.
const askHeld = 5 * time.Second

func (x *run) paused() bool { return x.Pauser != nil && x.Pauser.Paused(x.task) }

// hold notes that the task parks because it is paused.
func (x *run) hold(ctx context.Context, p *plan) {
	if !p.decision.Held || p.then == Finish || x.stopping {
		return
	}
	if len(p.decision.Work) > 0 || len(x.calls) > 0 { // it is not parked: the run itself looks whether the pause is over
		p.ask = earlier(p.ask, x.now().Add(askHeld))
		return
	}
	if p.ask.IsZero() { // else its undo waits for room
		x.giveBack(ctx) // also what it was given while it stood in line: it does not take it, and others would wait for it
	}
	p.ask = earlier(p.ask, x.now().Add(askPaused+time.Duration(x.Random()*float64(askPaused))))
	if err := x.Pauser.Park(ctx, x.task); err != nil {
		x.log.Warn("a paused task is not noted, so it looks again soon", "error", err)
		p.ask = earlier(p.ask, x.now().Add(retryUnavailable))
	}
}
