package saga

import "time"

// Outcome is what became of an action.
type Outcome string

// The outcomes of an action.
const (
	OutcomeBegun   Outcome = "begun"   // nothing is known of its end: the process may have died over it
	OutcomeDone    Outcome = "done"    // as the answer said
	OutcomeRefused Outcome = "refused" // nothing was done
	OutcomeFailed  Outcome = "failed"  // it may have been done, or a part of it
)

// Action is an entry of the audit: what somebody did, to what, and why. It is noted before it is done, as begun, and once
// more, under the same id, with its outcome.
type Action struct {
	ID        string            `json:"id"` // ids sort by time
	At        time.Time         `json:"at"`
	Name      string            `json:"action"`            // cancel, retry, …
	Kind      string            `json:"kind"`              // of the subject: task, workflow, …
	Subject   string            `json:"subject"`           // empty: several
	By        string            `json:"by"`                // the principal; empty: nobody who was let in
	UserID    string            `json:"user_id,omitempty"` // the user, if it is one
	Reason    string            `json:"reason"`
	RequestID string            `json:"request_id"`
	Outcome   Outcome           `json:"outcome"`
	Details   map[string]string `json:"details,omitempty"`
}

// ActionQuery asks for a page of the audit, the newest first. What is empty does not matter.
type ActionQuery struct {
	Name, Subject, By string
	Before            string // only what has a lower id
	Limit             int
}
