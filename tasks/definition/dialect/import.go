package dialect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/osp-platform/osp/tasks/definition"
)

// Dialect is a way of writing workflows.
type Dialect string

// The dialects, told apart by what only they have.
const (
	// Flat is that of definitions: a list of steps that name one another.
	Flat Dialect = "flat"
	// Fields is a generator's, kept in services.metadata.workflows: steps name entities and fields.
	Fields Dialect = "fields"
	// Deployed is a deployer's list of workflows, each a list of activities.
	Deployed Dialect = "deployed"
	// Nested is an editor's: steps hold other steps. The platform never stored it, and it is refused.
	Nested Dialect = "nested"
)

// Import is what became of one document.
type Import struct {
	Dialect   Dialect    `json:"dialect"`
	Workflows []Workflow `json:"workflows"`
}

// Workflow is what became of one workflow of a document.
type Workflow struct {
	ID    string `json:"id"`
	Notes []Note `json:"notes"`
	// Definition is YAML; empty when nothing could be made of the source.
	Definition string `json:"definition,omitempty"`
	// Problems are the definition's own. Those that are errors are for its author to mend.
	Problems definition.Problems `json:"problems"`
}

// Sound tells whether the definition is whole, and runs.
func (w *Workflow) Sound() bool {
	refused := slices.ContainsFunc(w.Notes, func(n Note) bool { return n.Kind == Refused })
	return w.Definition != "" && !refused && !w.Problems.Failed()
}

// Read makes definitions of a document in YAML or JSON. The error is about the document as a whole.
func Read(raw []byte) (*Import, error) {
	value, problems := definition.Read(raw)
	if problems.Failed() {
		return nil, problems
	}
	sources, at := workflowsOf(value)
	if len(sources) == 0 {
		return nil, errors.New("there is no workflow in it: it should be one with steps, or a list of workflows")
	}
	result := &Import{}
	var schema string
	if document, ok := value.(map[string]any); ok {
		schema, _ = document["service_schema"].(string)
	}
	for i, source := range sources {
		pointer := at
		if len(sources) > 1 || at != "" {
			pointer = at + "/" + strconv.Itoa(i)
		}
		members, ok := source.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no workflow: it should be an object", pointer)
		}
		is := dialectOf(members)
		if result.Dialect == "" {
			result.Dialect = is
		}
		w := Workflow{Problems: definition.Problems{}, Notes: []Note{}}
		w.read(is, &part{at: pointer, members: members, notes: &w.Notes}, schema)
		result.Workflows = append(result.Workflows, w)
	}
	return result, nil
}

// workflowsOf finds the workflows of a document: itself, or the list in it.
func workflowsOf(value any) (list []any, at string) {
	switch v := value.(type) {
	case []any:
		return v, ""
	case map[string]any:
		if workflows, ok := v["workflows"].([]any); ok {
			return workflows, "/workflows"
		}
		if metadata, ok := v["metadata"].(map[string]any); ok {
			list, at = workflowsOf(metadata)
			return list, "/metadata" + at
		}
		if v["steps"] != nil || v["activities"] != nil {
			return []any{v}, ""
		}
	}
	return nil, ""
}

// What only one dialect has, of a step.
var (
	nestedMembers = []string{"trueBranch", "falseBranch", "parallelSteps", "activityType", "retryPolicy", "config"}
	fieldsMembers = []string{
		"target_entity", "uses_fields", "updates_fields", "field_values", "validation_rules", "availability_filters",
		"notification_type", "calculation_type", "calculation_fields",
	}
	fieldsTypes = []string{"create_entity", "update_entity", "validate", "notify", "calculate", "check_availability"}
)

func dialectOf(workflow map[string]any) Dialect {
	steps, _ := workflow["steps"].([]any)
	if steps == nil && workflow["activities"] != nil {
		return Deployed
	}
	is := Flat
	for _, item := range steps {
		step, _ := item.(map[string]any)
		has := func(names []string) bool {
			return slices.ContainsFunc(slices.Collect(maps.Keys(step)), func(name string) bool { return slices.Contains(names, name) })
		}
		typeName, _ := step["type"].(string)
		switch {
		case has(nestedMembers):
			return Nested
		case has(fieldsMembers), slices.Contains(fieldsTypes, typeName):
			is = Fields
		}
	}
	return is
}

// read makes the definition, and has it checked.
func (w *Workflow) read(is Dialect, source *part, schema string) {
	var made map[string]any
	switch is {
	case Flat:
		made = flat(source)
	case Fields:
		made = fields(source)
	case Deployed:
		made = deployed(source, schema)
	case Nested:
		w.ID = workflowID(source)
		source.refuse("", "This is the nested dialect of an editor, which the platform never stored: "+
			"write its steps as a flat list, in which branches name their steps.")
		return
	}
	w.ID, _ = made["id"].(string)
	if steps, _ := made["steps"].([]any); len(steps) == 0 {
		source.refuse("", "Nothing of it could be turned into a step.")
		return
	}
	text, err := write(made)
	if err != nil {
		source.refuse("", "What was made of it cannot be written: "+err.Error())
		return
	}
	w.Definition = text
	if _, problems := definition.Parse([]byte(text)); problems != nil {
		w.Problems = problems
	}
}
