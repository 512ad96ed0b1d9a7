package saga

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventKind says what an event tells.
type EventKind string

// The kinds of events. Results are facts; decisions are refused when the journal is longer than the runner has read;
// the rest comes from outside.
const (
	KindCreated EventKind = "created" // the first event of every journal

	KindStepStarted         EventKind = "step_started"         // decision: a do (or undo) is about to be called, or a wait began
	KindDecided             EventKind = "decided"              // decision: the branch of a condition, the items of a loop
	KindWaiting             EventKind = "waiting"              // decision: parked until due, or until something comes
	KindCompensationStarted EventKind = "compensation_started" // decision: from here on only undos
	KindCompleted           EventKind = "completed"            // decision, terminal
	KindFailed              EventKind = "failed"               // decision, terminal
	KindCancelled           EventKind = "cancelled"            // decision, terminal
	KindStuck               EventKind = "stuck"                // decision: an undo failed for good; an operator is needed

	KindStepDone      EventKind = "step_done"      // result: the do (or undo) returned
	KindAttemptFailed EventKind = "attempt_failed" // result: the do (or undo) failed
	KindChildStarted  EventKind = "child_started"  // result: the child task exists (or its undo has been asked for)

	KindSignal        EventKind = "signal"         // outside: a signal by name
	KindCancel        EventKind = "cancel"         // outside: someone wants the task cancelled
	KindChildFinished EventKind = "child_finished" // outside: a child task has ended
	KindResolved      EventKind = "resolved"       // outside: an operator's word on a stuck compensation
	KindUndoRequested EventKind = "undo_requested" // outside: the parent of a completed child is being undone
	KindRecovered     EventKind = "recovered"      // outside: what came before is from the result store, what it lacks is lost
)

// Terminal tells whether an event of this kind ends the task.
func (k EventKind) Terminal() bool {
	return k == KindCompleted || k == KindFailed || k == KindCancelled
}

// Event is one entry of a journal. Which fields are set depends on the kind.
type Event struct {
	Seq int64     `json:"-"` // position in the journal, from 1; given by the journal
	At  time.Time `json:"-"` // the journal's clock; given by the journal

	Kind     EventKind       `json:"k"`
	Path     string          `json:"p,omitempty"` // the step
	Undo     bool            `json:"u,omitempty"` // about the step's undo, not its do
	N        int             `json:"n,omitempty"` // the number in the idempotency key
	Due      Micros          `json:"d,omitempty"` // the attempt's deadline; when a wait is over; when to try again
	Data     json.RawMessage `json:"o,omitempty"` // output, payload, decided value
	Error    string          `json:"e,omitempty"`
	Flags    Flags           `json:"f,omitempty"`
	Name     string          `json:"m,omitempty"` // the signal's name; the action of a resolved; a child's final state
	By       string          `json:"b,omitempty"` // who asked for it
	Ref      int64           `json:"r,omitempty"` // the event this one answers: the signal that a wait consumed
	Paths    []string        `json:"l,omitempty"` // not_undone
	Created  *Created        `json:"c,omitempty"`
	StepKind StepKind        `json:"t,omitempty"`
	Dedupe   string          `json:"x,omitempty"` // of the message that brought it
	Run      string          `json:"s,omitempty"` // of a waiting: names the run that parked in a trace; see [Observer]
}

// Flags are properties of an attempt.
type Flags uint8

// The flags of an attempt_failed event, and one of a step_started.
const (
	Final       Flags = 1 << iota // no further attempt
	Indefinite                    // the outcome is unknown: the idempotency key stays
	Abandoned                     // the call ignored its context and may still be running
	Interrupted                   // stopped by us, does not count as an attempt
	TimedOut                      // its deadline passed
	Assumed                       // of a step_started: nobody knows that it began, but it may have; see [Record.Recovered]
	Told                          // of a created: a webhook is told of the task, which a release without webhooks would not do

	allFlags = 1<<iota - 1
)

// Created is what the first event of a journal tells about its task.
type Created struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Workflow   string          `json:"workflow"`
	Version    int             `json:"version"`
	TreeHash   string          `json:"tree"`
	Definition string          `json:"definition,omitempty"` // hash of the definition, of a workflow that is data
	Input      json.RawMessage `json:"input,omitempty"`
	Owner      string          `json:"owner"` // a user's UUID; the nil UUID without authentication
	Service    string          `json:"service,omitempty"`
	Queue      string          `json:"queue"`
	LimitKey   string          `json:"limit_key,omitempty"` // tasks of the type with the same one may share a limit
	Hash       string          `json:"hash"`                // of the request
	ProcessAt  Micros          `json:"process_at,omitempty"`
	Deadline   Micros          `json:"deadline,omitempty"`
	RetryOf    string          `json:"retry_of,omitempty"`
	Parent     string          `json:"parent,omitempty"` // the parent task's id
	ParentPath string          `json:"parent_path,omitempty"`
	By         string          `json:"by,omitempty"`    // the caller's name
	Trace      string          `json:"trace,omitempty"` // W3C trace context of what started it; older releases overlook it
	Webhook    *TaskWebhook    `json:"webhook,omitempty"`
}

// Begins is the first event of the task's journal.
func (c Created) Begins() Event {
	e := Event{Kind: KindCreated, Created: &c}
	if c.Webhook != nil {
		e.Flags = Told
	}
	return e
}

// Micros is a moment as microseconds since 1970, as the journal's clock counts. Zero is no moment.
type Micros int64

// MicrosOf returns t in microseconds; the zero time gives zero.
func MicrosOf(t time.Time) Micros {
	if t.IsZero() {
		return 0
	}
	return Micros(t.UnixMicro())
}

// Time returns the moment in UTC; zero gives the zero time.
func (m Micros) Time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

// formatVersion is the first byte of every stored event. An older release ignores fields that it does not know: an event with
// a field that must not be overlooked gets a new kind, a new flag or a new format, which older releases leave alone.
const formatVersion = '1'

// Header is what stands before the body of a stored event: format version, sequence number and time.
// Journals that write it elsewhere (in a script) must write exactly this.
func Header(seq int64, at time.Time) string {
	return fmt.Sprintf("%c:%d:%d:", formatVersion, seq, at.UnixMicro())
}
