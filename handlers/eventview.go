package handlers

import (
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

// eventView is an event as clients see it. Which members are there depends on the kind.
type eventView struct {
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Kind     saga.EventKind  `json:"kind"`
	Step     string          `json:"step,omitempty"` // its path
	StepKind saga.StepKind   `json:"step_kind,omitempty"`
	Undo     bool            `json:"undo,omitempty"` // about the step's undo, not its do
	Due      *time.Time      `json:"due,omitempty"`  // the attempt's deadline; when a wait is over; when to try again
	Data     json.RawMessage `json:"data,omitempty"` // output, payload, decided value
	Error    string          `json:"error,omitempty"`
	Reason   string          `json:"reason,omitempty"` // why somebody wanted it, or why compensation started
	By       string          `json:"by,omitempty"`
	Answers  int64           `json:"answers,omitempty"` // seq of the signal that was consumed

	Final          bool `json:"final,omitempty"`           // no further attempt
	OutcomeUnknown bool `json:"outcome_unknown,omitempty"` // it may have had its effect
	Interrupted    bool `json:"interrupted,omitempty"`     // stopped by us; does not count as an attempt
	TimedOut       bool `json:"timed_out,omitempty"`
	Assumed        bool `json:"assumed,omitempty"` // nobody knows that the step began, but it may have

	Signal     string             `json:"signal,omitempty"`
	Action     saga.ResolveAction `json:"action,omitempty"`
	Child      string             `json:"child,omitempty"` // the child task's id
	ChildState saga.State         `json:"child_state,omitempty"`
	NotUndone  []string           `json:"not_undone,omitempty"`
	Task       *createdView       `json:"task,omitempty"`
}

// createdView is what the first event tells about its task.
type createdView struct {
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Service   string          `json:"service,omitempty"`
	UserID    string          `json:"user_id"`
	Input     json.RawMessage `json:"input,omitempty"`
	Queue     string          `json:"queue"`
	ProcessAt *time.Time      `json:"process_at,omitempty"`
	Deadline  *time.Time      `json:"deadline,omitempty"`
	RetryOf   string          `json:"retry_of,omitempty"`
	Parent    string          `json:"parent,omitempty"`
}

func viewOf(e saga.Event) eventView {
	v := eventView{
		Seq: e.Seq, At: e.At, Kind: e.Kind, Step: e.Path, StepKind: e.StepKind, Undo: e.Undo, Due: moment(e.Due),
		Data: e.Data, Error: e.Error, By: e.By, Answers: e.Ref, NotUndone: e.Paths,
		Final: e.Flags&saga.Final != 0, OutcomeUnknown: e.Flags&saga.Indefinite != 0,
		Interrupted: e.Flags&saga.Interrupted != 0, TimedOut: e.Flags&saga.TimedOut != 0,
		Assumed: e.Flags&saga.Assumed != 0,
	}
	switch e.Kind {
	case saga.KindCreated:
		v.Task = createdOf(e.Created)
		if e.Created != nil {
			v.By = e.Created.By
		}
	case saga.KindSignal:
		v.Signal = e.Name
	case saga.KindResolved:
		v.Action, v.Error, v.Reason = saga.ResolveAction(e.Name), "", e.Error
	case saga.KindCancel, saga.KindUndoRequested, saga.KindCompensationStarted:
		v.Error, v.Reason = "", e.Error // a wish or a cause, not a failure of this event
	case saga.KindStepStarted, saga.KindChildStarted:
		v.Child = e.Name
	case saga.KindChildFinished:
		v.ChildState = saga.State(e.Name)
	default:
	}
	return v
}

func createdOf(c *saga.Created) *createdView {
	if c == nil {
		return nil
	}
	return &createdView{
		ID: c.ID, Type: c.Type, Service: c.Service, UserID: c.Owner, Input: c.Input, Queue: c.Queue,
		ProcessAt: moment(c.ProcessAt), Deadline: moment(c.Deadline), RetryOf: c.RetryOf, Parent: c.Parent,
	}
}

func moment(m saga.Micros) *time.Time {
	if m == 0 {
		return nil
	}
	t := m.Time()
	return &t
}
