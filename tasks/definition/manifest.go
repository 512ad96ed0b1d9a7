package definition

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Manifest is a definition as it is written. Its fields are those of schema.json.
type Manifest struct {
	ID                string         `json:"id"`
	Name              string         `json:"name"`
	Description       string         `json:"description"`
	Version           int            `json:"version"`
	Trigger           *Trigger       `json:"trigger"`
	InputSchema       map[string]any `json:"input_schema"`
	TimeoutSeconds    Seconds        `json:"timeout_seconds"`
	OnError           saga.OnError   `json:"on_error"`
	Steps             []Step         `json:"steps"`
	CompensationSteps []string       `json:"compensation_steps"`
}

// Trigger says what starts the workflow.
type Trigger struct {
	Type       string         `json:"type"`
	Cron       string         `json:"cron"`        // schedule: five fields, or a descriptor such as @daily
	TimeZone   string         `json:"time_zone"`   // schedule: an IANA name; empty: UTC
	Missed     Missed         `json:"missed"`      // schedule; empty: skip
	Entity     string         `json:"entity"`      // entity_…: whose rows
	Filter     string         `json:"filter"`      // entity_…: which of them; an expression
	SignalName string         `json:"signal_name"` // signal
	Input      map[string]any `json:"input"`       // of the task; nil: what the trigger tells
}

// The types of steps.
const (
	typeActivity  = "activity"
	typeParallel  = "parallel"
	typeCondition = "condition"
	typeLoop      = "loop"
	typeSignal    = "wait_signal"
	typeTimer     = "wait_timer"
	typeHuman     = "human_task"
	typeChild     = "child_workflow"
	typeTerminate = "terminate"
)

// Step is one step as it is written. Which fields are set depends on the type.
type Step struct {
	ID                string       `json:"id"`
	Type              string       `json:"type"`
	Name              string       `json:"name"`
	Description       string       `json:"description"`
	Next              string       `json:"next"`
	OnError           saga.OnError `json:"on_error"`
	Activity          *Activity    `json:"activity"`
	Compensate        *Activity    `json:"compensate"`
	CompensationSteps []string     `json:"compensation_steps"`
	Irreversible      any          `json:"irreversible"` // nil, a bool, or "acknowledged"
	Effect            string       `json:"effect"`
	ParallelSteps     []Branch     `json:"parallel_steps"`
	Condition         *Condition   `json:"condition"`
	Loop              *Loop        `json:"loop"`
	Wait              *Wait        `json:"wait"`
	WaitTimer         *WaitTimer   `json:"wait_timer"`
	HumanTask         *HumanTask   `json:"human_task"`
	ChildWorkflow     *ChildTask   `json:"child_workflow"`
	Terminate         *Terminate   `json:"terminate"`
}

// Activity is a call: what is done, and how often and how long it is tried.
type Activity struct {
	Type           string         `json:"type"`
	Params         map[string]any `json:"params"`
	TimeoutSeconds Seconds        `json:"timeout_seconds"`
	RetryPolicy    struct {
		MaxAttempts            int     `json:"max_attempts"`
		InitialIntervalSeconds Seconds `json:"initial_interval_seconds"`
		BackoffCoefficient     float64 `json:"backoff_coefficient"`
		MaxIntervalSeconds     Seconds `json:"max_interval_seconds"`
	} `json:"retry_policy"`
}

// Branch is one branch of a parallel step.
type Branch []string

// UnmarshalJSON reads one id, or a list of them.
func (b *Branch) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, (*[]string)(b))
	}
	*b = make(Branch, 1)
	return json.Unmarshal(raw, &(*b)[0])
}

// Condition takes one of two ways.
type Condition struct {
	Expression string   `json:"expression"`
	TrueSteps  []string `json:"true_steps"`
	FalseSteps []string `json:"false_steps"`
}

// Loop runs its steps once for each item.
type Loop struct {
	Collection   any      `json:"collection"` // an expression, or a list
	ItemVariable string   `json:"item_variable"`
	Steps        []string `json:"steps"`
	Concurrency  int      `json:"concurrency"`
	MaxItems     int      `json:"max_items"`
}

// Wait waits for a signal.
type Wait struct {
	SignalName     string   `json:"signal_name"`
	TimeoutSeconds Seconds  `json:"timeout_seconds"`
	TimeoutSteps   []string `json:"timeout_steps"` // nil: the task fails when no signal came; empty: it goes on
}

// WaitTimer waits for a while.
type WaitTimer struct {
	Seconds any `json:"seconds"` // a number, or an expression
}

// HumanTask waits for somebody's answer.
type HumanTask struct {
	AssigneeRole   string      `json:"assignee_role"` // empty: the task's owner
	Title          string      `json:"title"`
	TimeoutSeconds Seconds     `json:"timeout_seconds"`
	TimeoutSteps   []string    `json:"timeout_steps"`
	RejectedSteps  []string    `json:"rejected_steps"`
	Escalation     *Escalation `json:"escalation"`
}

// Escalation is what becomes of a human task that nobody answers: others may answer it too.
type Escalation struct {
	AfterSeconds Seconds  `json:"after_seconds"` // zero: half of the task's time
	AssigneeRole string   `json:"assignee_role"`
	Steps        []string `json:"steps"`
}

// ChildTask starts a task of another workflow and waits for its end.
type ChildTask struct {
	WorkflowID string         `json:"workflow_id"`
	Input      map[string]any `json:"input"`
}

// Terminate ends the task.
type Terminate struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

// Seconds is a length of time as definitions give it.
type Seconds float64

// Duration is the same in Go's measure.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// shortest is the shortest wait that ends by itself: to the engine none at all is one without end.
const shortest = time.Millisecond

// wait is how long a wait of so many seconds is; zero: for ever.
func (s Seconds) wait() time.Duration {
	if s <= 0 {
		return 0
	}
	return max(s.Duration(), shortest)
}
