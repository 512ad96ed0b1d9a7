package definition

import (
	"encoding/json"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/osp-platform/osp/saga"
)

// triggerMembers are the members that a trigger of each type may have, besides its type.
var triggerMembers = map[string][]string{
	"manual": nil, "api_call": nil, "form_submit": nil,
	saga.TriggerSchedule:     {"cron", "time_zone", "missed", "input"},
	saga.TriggerSignal:       {"signal_name", "input"},
	saga.TriggerEntityInsert: {"entity", "filter", "input"},
	saga.TriggerEntityUpdate: {"entity", "filter", "input"},
	saga.TriggerEntityDelete: {"entity", "filter", "input"},
}

// eventNames are what a trigger tells: its expressions know it by these names, and all of it as event.
var eventNames = map[string]map[string]*cel.Type{
	saga.TriggerSchedule:     {"scheduled_at": cel.TimestampType},
	saga.TriggerSignal:       {"signal_name": cel.StringType, "payload": cel.DynType},
	saga.TriggerEntityInsert: ofRows, saga.TriggerEntityUpdate: ofRows, saga.TriggerEntityDelete: ofRows,
}

var ofRows = map[string]*cel.Type{"schema": cel.StringType, "table": cel.StringType, "record": cel.DynType, "old_record": cel.DynType}

// told are the members of an input that the definition does not make itself.
var told = []string{"type", "schema", "table", "record", "old_record"}

// rootEvent is where the names of a trigger's expressions come from.
const rootEvent = "event"

// starting is what a trigger does that starts tasks by itself, checked.
type starting struct {
	schedule *Schedule   // nil: it is another trigger
	filter   *expression // nil: whatever happens
	input    *params     // nil: what the trigger tells
	names    *Definition // has the language of the trigger's expressions, and nothing else
}

// Schedule is when the workflow is started by itself; nil: it has no schedule.
func (d *Definition) Schedule() *Schedule {
	if d.starts == nil {
		return nil
	}
	return d.starts.schedule
}

// StartsBy tells by what, and about which entity or signal, tasks are started without a client; empty: by nothing.
func (d *Definition) StartsBy() (trigger, subject string) {
	if d.starts == nil {
		return "", ""
	}
	switch d.Trigger.Type { // a member of another type's, of which there is a warning, says nothing
	case saga.TriggerSchedule:
		return d.Trigger.Type, ""
	case saga.TriggerSignal:
		return d.Trigger.Type, d.Trigger.SignalName
	}
	return d.Trigger.Type, d.Trigger.Entity
}

// Fires tells whether the trigger starts a task on an occasion, and gives the task's input.
func (d *Definition) Fires(o saga.Occasion) (input json.RawMessage, fires bool, err error) {
	trigger, subject := d.StartsBy()
	if trigger == "" || trigger != o.Trigger || subject != o.Subject || trigger == saga.TriggerSchedule && !d.starts.schedule.Has(o.At) {
		return nil, false, nil
	}
	event, err := parseJSON(o.Told)
	if err != nil {
		return nil, false, err
	}
	b := &bindings{d: d.starts.names, event: event}
	if x := d.starts.filter; x != nil {
		if v, err := (whole{x}).give(b); err != nil || v != true {
			return nil, false, err
		}
	}
	switch {
	case d.starts.input != nil:
		input, err = d.starts.input.json(b)
	case trigger == saga.TriggerSchedule:
		input = json.RawMessage(`{}`)
	case trigger == saga.TriggerSignal:
		payload, _ := event.(map[string]any)
		input, err = marshal(payload["payload"])
	default:
		input = o.Told
	}
	return input, err == nil, err
}

// eventAt is what a trigger has told, or a member of it.
func (b *bindings) eventAt(name string) (any, error) {
	if name == "" {
		return toCEL(b.event, nil), nil
	}
	members, _ := b.event.(map[string]any)
	if text, ok := members[name].(string); ok && eventNames[saga.TriggerSchedule][name] != nil {
		return time.Parse(time.RFC3339Nano, text)
	}
	return toCEL(members[name], nil), nil
}
