package saga

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Human says of a wait for a signal that a person is to answer. It is noted when the wait begins, for those who read the
// record; the walk does not depend on it.
type Human struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Roles       []string `json:"roles"` // who may answer: any of them
}

// note is what the start of a wait tells of it; nil for one that is no person's.
func (h *Human) note() json.RawMessage {
	if h == nil {
		return nil
	}
	raw, _ := json.Marshal(h) // texts always marshal
	return raw
}

// HumanSignals is what the names of the signals begin with that answer human tasks: nobody sends those but as an answer.
const HumanSignals = "human."

// HumanOwner is the role of the user whose task it is.
const HumanOwner = "owner"

// HumanState is how far a human task is.
type HumanState string

// The states of a human task.
const (
	HumanNone     HumanState = ""         // the task has no such step, or the step is of another kind
	HumanAhead    HumanState = "ahead"    // it has not begun
	HumanOpen     HumanState = "open"     // it waits for an answer
	HumanAnswered HumanState = "answered" // its answer has been taken
	HumanOver     HumanState = "over"     // nobody answered in time, or the task is being undone or has ended
)

// HumanTask is how a human task stands, and who may answer it.
type HumanTask struct {
	Human

	Task    string
	Service string
	Owner   string // of the task
	Step    string // its path
	State   HumanState
	Since   time.Time
	DueAt   *time.Time // when it is escalated, or given up
}

// HumanScope is a part of all human tasks: those of an owner's tasks, of a service, for some roles. What is empty takes all.
type HumanScope struct {
	Owner   string   `json:"owner,omitempty"`
	Service string   `json:"service,omitempty"`
	Roles   []string `json:"roles,omitempty"`
}

// Has tells whether a human task is in the scope.
func (s HumanScope) Has(h HumanTask) bool {
	return (s.Owner == "" || s.Owner == h.Owner) && (s.Service == "" || s.Service == h.Service) &&
		(len(s.Roles) == 0 || slices.ContainsFunc(s.Roles, func(r string) bool { return slices.Contains(h.Roles, r) }))
}

// HumanQuery selects open human tasks for a list, those first that have waited longest.
type HumanQuery struct {
	Scopes  []HumanScope // those in any of them
	Service string       // empty: of all
	Role    string       // empty: for all
	Cursor  string       // opaque; from the previous page
	Limit   int
}

// HumanPage is one page of a list.
type HumanPage struct {
	Tasks []HumanTask
	Next  string // cursor of the next page; empty on the last
}

// Outcomes of a human task.
const (
	HumanCompleted = "completed"
	HumanRejected  = "rejected"
)

// HumanAnswer is what a person answers. It is the payload of the signal that the step waits for, and its output.
type HumanAnswer struct {
	Outcome string          `json:"outcome"`
	Output  json.RawMessage `json:"output,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	By      string          `json:"by"`
}

// ErrAnswered means that a human task has another answer, or this one from somebody else: the first one stands.
var ErrAnswered = errors.New("the human task has another answer")

// NotAskedError means that a step does not wait for anybody's answer.
type NotAskedError struct {
	Step  string
	State HumanState
}

func (e *NotAskedError) Error() string {
	return fmt.Sprintf("step %s does not wait for an answer: it is %q", e.Step, string(e.State))
}

// Answered is an answer that was taken.
type Answered struct {
	HumanAnswer

	Step string
	At   time.Time
	New  bool // by this call: the same answer had not been given before
}
