package saga

import (
	"encoding/json"
	"errors"
	"time"
)

// The triggers that start tasks of a workflow by themselves, as definitions call them.
const (
	TriggerSchedule     = "schedule"      // at each tick
	TriggerEntityInsert = "entity_insert" // whenever a row comes
	TriggerEntityUpdate = "entity_update" // whenever a row changes
	TriggerEntityDelete = "entity_delete" // whenever a row goes
	TriggerSignal       = "signal"        // whenever a signal comes that is no task's
)

// ErrNotTriggered means that the workflow's active version is not started by what has happened.
var ErrNotTriggered = errors.New("the workflow's trigger does not start a task of it")

// Occasion is what a trigger starts a task for.
type Occasion struct {
	Trigger string // its type
	Subject string // the entity, or the signal; empty: it is a tick
	// Key tells it from others of the same trigger and subject: whatever is told twice starts one task.
	Key string
	At  time.Time // of a tick
	// Told is what happened, as a JSON object: what the trigger's expressions see.
	Told json.RawMessage
}

// Tick is the occasion of a schedule. Nothing in it depends on who says so, or when.
func Tick(at time.Time) Occasion {
	at = at.UTC()
	told, err := json.Marshal(map[string]time.Time{"scheduled_at": at})
	if err != nil {
		told = nil // a year beyond 9999
	}
	return Occasion{Trigger: TriggerSchedule, Key: at.Format(time.RFC3339), At: at, Told: told}
}

// TriggerQuery asks for workflows whose active version is started by a trigger, in the order of services and ids.
type TriggerQuery struct {
	Trigger  string
	Subject  string   // the entity, or the signal; empty: a schedule's
	Services []string // whose; the empty one is the platform. None: everybody's
	After    WorkflowKey
	Limit    int
}

// Triggered is an active version that a trigger starts tasks of.
type Triggered struct {
	WorkflowVersion

	Owner       string    `json:"owner"`        // whose service it is; empty: nobody's, or the platform's
	ActivatedAt time.Time `json:"activated_at"` // the last time
}

// Begun is a task that an occasion has started, or not.
type Begun struct {
	Workflow WorkflowKey
	Task     Task
	Created  bool  // false: it had been started before
	Err      error // why there is none; [ErrNotTriggered]: the trigger's filter does not let it pass
}
