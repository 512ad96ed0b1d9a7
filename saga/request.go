package saga

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknownType means that the catalogue has no such type of task.
var ErrUnknownType = errors.New("unknown task type")

// Request asks for a task.
type Request struct {
	ID        string // empty: one is generated
	Type      string
	Input     json.RawMessage
	Service   string
	Owner     string // a user's UUID; empty: the nil UUID
	By        string // the caller's name
	ProcessAt time.Time
	Queue     string // one of the queues, or empty
	Priority  string // high, default or low; empty: default
	LimitKey  string // tasks of a type with the same one may share a limit
	RetryOf   string
	// Occasion is what its workflow's trigger starts it for, and makes its input of; nil: a client asks for it.
	Occasion *Occasion
	// Webhook is where the task's end is told, besides those of its service; nil: nowhere.
	Webhook *TaskWebhook
	// Own tells that the engine itself asks, which alone may start what is no client's.
	Own bool
}

// SignalRequest sends a signal to a task. The same Dedupe is taken once.
type SignalRequest struct {
	Name    string
	Payload json.RawMessage
	Dedupe  string
	By      string
}

// Resolution is an operator's word on a step whose undo failed for good.
type Resolution struct {
	Step   string
	Action ResolveAction
	Reason string
	By     string
}

// TaskType is an entry of the catalogue, as clients see it.
type TaskType struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Access      Access          `json:"access"`
	Input       json.RawMessage `json:"input_schema"` // JSON Schema 2020-12
}

// Access says which callers that may start tasks at all may start those of a type.
type Access string

// The kinds of access, from the widest to the narrowest.
const (
	AccessOpen       Access = "open"       // users, and every API key
	AccessUnbound    Access = "unbound"    // users, and API keys that are not bound to a service: it reaches beyond one
	AccessPrivileged Access = "privileged" // API keys that are not bound to a service: it reaches what is no user's
	AccessNone       Access = "none"       // nobody: the engine starts it, and it is not listed
)

// Problem is one thing that is wrong with a request.
type Problem struct {
	Pointer string `json:"pointer"` // JSON pointer into the request's body, such as /input/name
	Detail  string `json:"detail"`
	Line    int    `json:"line,omitempty"` // where it stands in the body, from 1; 0: that is not told
	Column  int    `json:"column,omitempty"`
}

// InvalidError means that a request breaks its schema or a rule of its type.
type InvalidError struct {
	Problems []Problem
}

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Pointer + ": " + p.Detail
	}
	return strings.Join(parts, "; ")
}

// Invalid makes an [InvalidError] of one problem.
func Invalid(pointer, format string, args ...any) error {
	return &InvalidError{Problems: []Problem{{Pointer: pointer, Detail: fmt.Sprintf(format, args...)}}}
}
