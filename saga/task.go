package saga

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"time"
)

// NilOwner owns tasks that were started without authentication.
const NilOwner = "00000000-0000-0000-0000-000000000000"

// ValidID tells whether s may be the id of a task.
var ValidID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`).MatchString

// ValidUUID tells whether s may be the id of a user.
var ValidUUID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`).MatchString

// Task is a task as the API and the result store show it.
type Task struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Service     string          `json:"service,omitempty"`
	UserID      string          `json:"user_id"`
	Status      Status          `json:"status"`
	State       State           `json:"state"`
	Phase       Phase           `json:"phase"`
	Input       json.RawMessage `json:"input"`
	Output      json.RawMessage `json:"output,omitempty"`
	Error       string          `json:"error,omitempty"`
	Steps       []StepView      `json:"steps"`
	NotUndone   []string        `json:"not_undone,omitempty"`
	RetryOf     string          `json:"retry_of,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	StartedAt   *time.Time      `json:"started_at,omitempty"`
	CompletedAt *time.Time      `json:"completed_at,omitempty"`
	WaitingFor  *time.Time      `json:"waiting_until,omitempty"` // when a waiting or scheduled task goes on by itself
	// PausedBy are the pauses that hold it: told where one task is read that has not ended.
	PausedBy []Pause `json:"paused_by,omitempty"`
	// Unserved tells, in the same place, that no worker serves its queue, so that nothing happens.
	Unserved bool   `json:"unserved,omitempty"`
	Version  int64  `json:"version"`
	Queue    string `json:"-"` // empty where it is not known: rows do not tell it
}

// StepState is where a begun step stands.
type StepState string

// The states of a step.
const (
	StepRunning      StepState = "running"
	StepWaiting      StepState = "waiting" // for its next attempt, a timer, a signal or a child
	StepCompleted    StepState = "completed"
	StepFailed       StepState = "failed"
	StepCompensating StepState = "compensating"
	StepCompensated  StepState = "compensated"
	StepStuck        StepState = "stuck"
	StepNotUndone    StepState = "not_undone"
)

// StepView is one begun step of a task, in the order in which they began.
type StepView struct {
	Path          string          `json:"path"`
	Kind          StepKind        `json:"kind"`
	State         StepState       `json:"state"`
	Attempts      int             `json:"attempts"`
	UndoAttempts  int             `json:"undo_attempts,omitempty"`
	Output        json.RawMessage `json:"output,omitempty"`
	Error         string          `json:"error,omitempty"`
	UndoError     string          `json:"undo_error,omitempty"`
	Child         string          `json:"child,omitempty"`  // the child task's id
	Human         json.RawMessage `json:"human,omitempty"`  // a wait that a person is to end: a [Human]
	DueAt         *time.Time      `json:"due_at,omitempty"` // until when it waits for a person
	StartedAt     time.Time       `json:"started_at"`
	CompletedAt   *time.Time      `json:"completed_at,omitempty"`
	UndoneAt      *time.Time      `json:"undone_at,omitempty"`
	NextAttemptAt *time.Time      `json:"next_attempt_at,omitempty"`
}

// Query selects tasks for a list, newest first. A zero field selects all.
type Query struct {
	Status  Status
	State   State
	Type    string
	Service string
	Owner   string
	Search  string    // the beginning of the id, or a part of the type or of the error, in capitals or not
	From    time.Time // created then or later
	Until   time.Time // created before then
	Cursor  string    // opaque; from the previous page
	Limit   int
}

// TaskCounts is how many tasks there are of each status and state, none of them left out.
type TaskCounts struct {
	Status map[Status]int `json:"status"`
	State  map[State]int  `json:"state"`
	Capped bool           `json:"capped"` // there are more: counting stopped
}

// CountsOf adds states up to what their statuses have.
func CountsOf(states map[State]int, capped bool) TaskCounts {
	c := TaskCounts{Status: map[Status]int{}, State: map[State]int{}, Capped: capped}
	for _, s := range States {
		c.State[s] = states[s]
		c.Status[s.Status()] += states[s]
	}
	return c
}

// Page is one page of a list.
type Page struct {
	Tasks []Task `json:"tasks"`
	Next  string `json:"next,omitempty"` // cursor of the next page; empty on the last
}

// CursorAfter is where a list goes on after a task.
func CursorAfter(t Task) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(t.CreatedAt.UnixMicro(), 36) + "." + t.ID))
}

// Kept is what the result store keeps of a task so that its journal can be made again when Redis has lost it.
type Kept struct {
	ID      string   `json:"id"`
	Version int64    `json:"version"`          // of the row
	Journal []string `json:"journal"`          // the events as they were stored, without what was appended after the last flush
	Effects []Effect `json:"effects"`          // what fences tell of the task, oldest first; may be newer than the journal
	Parent  State    `json:"parent,omitempty"` // how the parent has ended; empty: it has not, or there is none
}

// Effect is an effect that happened, as its fence tells it.
type Effect struct {
	Path   string          `json:"path"`
	Undo   bool            `json:"undo,omitempty"`
	Result json.RawMessage `json:"result"`
	At     time.Time       `json:"at"`
}

// Fence identifies an effect, so that it happens once. Key is the idempotency key `<task>/<path>/<do|undo>/<n>`.
type Fence struct {
	Task string `json:"task"`
	Path string `json:"path"`
	Key  string `json:"key"`
	Undo bool   `json:"undo"`
}

// partMark stands in the path of a fence before the part of a step. No step's name has it.
const partMark = "#"

// Part is the fence of one of several effects of a call, by a name that is the same for each attempt. What is done as a
// part of an undo is a do of its own. A fence of a part tells nothing of the step: its other parts may not have happened.
func (f Fence) Part(name string) Fence {
	f.Path += partMark + name
	f.Undo = false
	return f
}
