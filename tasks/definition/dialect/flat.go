package dialect

import (
	"maps"
	"slices"
)

// What the flat dialect has, which a definition takes as it is.
var (
	flatWorkflow = []string{"description", "version", "input_schema", "timeout_seconds", "on_error", "signals", "queries"}
	flatStep     = []string{
		"name", "description", "next", "on_error", "compensate", "irreversible", "effect", "parallel_steps", "condition", "loop",
		"wait", "wait_timer", "human_task", "child_workflow", "terminate",
	}
	// what other writers call the types
	flatTypes = map[string]string{
		"wait": "wait_signal", "signal": "wait_signal", "timer": "wait_timer", "human": "human_task", "approval": "human_task",
		"child": "child_workflow", "end": "terminate",
	}
)

// flat takes over a workflow that is all but a definition.
func flat(p *part) map[string]any {
	made := begin(p)
	for _, name := range flatWorkflow {
		keep(p, made, name)
	}
	sources := p.parts("steps")
	known := []string{}
	for _, source := range sources {
		if id, ok := source.members["id"].(string); ok {
			known = append(known, id)
		}
	}
	var steps []any
	for _, source := range sources {
		step := map[string]any{}
		keep(source, step, "id")
		typeName := source.text("type")
		if other := flatTypes[typeName]; other != "" {
			source.mapped("type", "%s is %s here.", typeName, other)
			typeName = other
		}
		step["type"] = typeName
		for _, name := range flatStep {
			keep(source, step, name)
		}
		compensation(source, step, known)
		if activity := activityOf(source); activity != nil {
			step["activity"] = activity
			judge(source, step)
		}
		source.left()
		steps = append(steps, step)
	}
	compensation(p, made, known)
	p.left()
	made["steps"] = steps
	return made
}

// begin is what every workflow has.
func begin(p *part) map[string]any {
	made := map[string]any{"id": workflowID(p)}
	if title, _ := p.members["name"].(string); title != "" && title != made["id"] {
		made["name"] = title
	}
	switch trigger := p.take("trigger").(type) {
	case nil:
	case string:
		p.mapped("trigger", "It is {type: %s} here.", trigger)
		made["trigger"] = map[string]any{"type": trigger}
	case map[string]any:
		made["trigger"] = triggerOf(p.inner("trigger", trigger))
	default:
		made["trigger"] = trigger
	}
	return made
}

// triggerMembers is what other writers call the members of a trigger.
var triggerMembers = map[string]string{
	"cron_expression": "cron", "schedule": "cron", "timezone": "time_zone", "table": "entity", "signal": "signal_name",
}

// triggerOf gives the members of a trigger their names.
func triggerOf(p *part) map[string]any {
	made := make(map[string]any, len(p.members))
	if p.members["type"] == "entity_change" {
		p.ambiguous("type", "Whether rows that come, change or go are meant is not said, so that it starts nothing: write entity_insert, "+
			"entity_update or entity_delete.")
	}
	for _, name := range slices.Sorted(maps.Keys(p.members)) {
		other, renamed := triggerMembers[name]
		if _, taken := p.members[other]; !renamed || taken {
			made[name] = p.members[name]
			continue
		}
		p.mapped(name, "%s is %s here.", name, other)
		made[other] = p.members[name]
	}
	return made
}

func keep(p *part, made map[string]any, name string) {
	if v := p.take(name); v != nil {
		made[name] = v
	}
}

// compensation keeps the compensation_steps that there are.
func compensation(p *part, made map[string]any, known []string) {
	var there []any
	for _, id := range p.texts("compensation_steps") {
		if slices.Contains(known, id) {
			there = append(there, id)
			continue
		}
		p.ambiguous("compensation_steps", "There is no step %q, so it never undid anything: it was left out. If something has to be undone, say what.", id)
	}
	if there != nil {
		made["compensation_steps"] = there
	}
}

// activityOf is the activity of a step; nil when it has none.
func activityOf(p *part) map[string]any {
	members, ok := p.take("activity").(map[string]any)
	if !ok {
		return nil
	}
	source := p.inner("activity", members)
	made := map[string]any{}
	for _, name := range []string{"type", "params", "timeout_seconds", "retry_policy"} {
		keep(source, made, name)
	}
	source.left()
	return made
}

// judge says of a message that it cannot be taken back. What else has an effect is for the author to judge.
func judge(p *part, step map[string]any) {
	for _, said := range []string{"compensate", "compensation_steps", "irreversible", "effect"} {
		if step[said] != nil {
			return
		}
	}
	activity, _ := step["activity"].(map[string]any)
	switch activity["type"] {
	case "send_email", "send_sms":
		step["irreversible"] = "acknowledged"
		p.ambiguous("", "A message cannot be taken back: it is irreversible, and what comes after it may fail all the same.")
	case "post_webhook", "call_api", "call_stripe", "call_openai", "update_manifest", "trigger_agent":
		p.ambiguous("", "The source does not say what undoes it: write compensate, irreversible or effect: none.")
	}
}
