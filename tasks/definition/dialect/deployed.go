package dialect

import (
	"fmt"
	"regexp"
	"strings"
)

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// snake is how activities are written: createEntity is create_entity.
func snake(s string) string { return strings.ToLower(hump.ReplaceAllString(s, "${1}_$2")) }

// deployedParams are the fields of the input that the deployer's activities took.
var deployedParams = map[string][]string{
	"create_entity": {"entity", "data"}, "update_entity": {"entity", "id", "data"}, "delete_entity": {"entity", "id"},
	"query_entity": {"entity", "filters"}, "send_email": {"to", "subject", "text"}, "send_sms": {"to", "text"},
	"post_webhook": {"url", "body", "secret"}, "call_api": {"method", "url", "body"}, "validate_data": {"data", "required"},
	"log_event": {"message"}, "transform_data": {"data"},
}

// deployed makes a step of each activity, one after the other. Its params are fields of the input.
func deployed(p *part, schema string) map[string]any {
	made := begin(p)
	if queue := p.text("task_queue"); queue != "" {
		p.mapped("task_queue", "Queues are chosen by priority here: %s is not needed.", queue)
	}
	if schema != "" {
		p.mapped("", "The service is not part of a definition: start its tasks with service: %s.", schema)
	}
	names := p.texts("activities")
	used := map[string]int{}
	var steps []any
	input := inputs{}
	for i, given := range names {
		at := fmt.Sprintf("activities/%d", i)
		typeName := snake(given)
		params, known := deployedParams[typeName]
		if !known {
			p.refuse(at, fmt.Sprintf("%q is code of the old worker: write a step with an activity that does the same "+
				"(docs/workflows.md lists them).", given))
			continue
		}
		id := name(given, longestStep-4)
		if used[id]++; used[id] > 1 {
			id = fmt.Sprintf("%s_%d", id, used[id])
		}
		values := map[string]any{}
		for _, field := range params {
			values[field] = template(input.take(field))
		}
		p.ambiguous(at, "What it is given is not said: it takes %s of the input.", strings.Join(params, ", "))
		step := map[string]any{"id": id, "type": "activity", "activity": map[string]any{"type": typeName, "params": values}}
		judge(p.inner(at, nil), step)
		steps = append(steps, step)
	}
	p.left()
	made["steps"], made["input_schema"] = steps, input.schema()
	return made
}
