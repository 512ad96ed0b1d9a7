package definition

import (
	"encoding/json"
	"strings"
)

// Script is what a simulated task starts with and meets.
type Script struct {
	// Input is the task's.
	Input json.RawMessage
	// Outputs are what steps answer, by id, or by path for one iteration of a loop: what activities and children return,
	// and what signals and the answers of human tasks carry. A step without one answers with what others ask of it, made up.
	Outputs map[string]json.RawMessage
	// FailAt is the step that fails for good: an activity or a child fails, a signal does not come, a human task is not
	// answered; "<step>:rejected" is answered with a refusal, "<step>:escalated" only after its escalation. Empty: nothing fails.
	FailAt string
}

// ParseScript reads a script in YAML or JSON, {"input": …, "outputs": {"<step>": …}}, and holds the input to the
// definition's input_schema. Empty raw is an empty script.
func (d *Definition) ParseScript(raw []byte) (Script, Problems) {
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	doc, problems := read(raw)
	if problems.Failed() {
		return Script{}, problems
	}
	r := &report{doc: doc}
	given, ok := doc.value.(map[string]any)
	if !ok {
		r.errorf("", "This is not an object with input and outputs.")
		return Script{}, r.sorted()
	}
	for name := range given {
		if name != "input" && name != "outputs" {
			r.errorf("/"+escape(name), "This is not known here: write input and outputs.")
		}
	}
	s := Script{Outputs: map[string]json.RawMessage{}}
	s.Input = r.scriptInput(d, given)
	outputs, ok := given["outputs"].(map[string]any)
	if _, there := given["outputs"]; there && !ok {
		r.errorf("/outputs", "This is not an object of outputs by the ids of their steps.")
	}
	for path, v := range outputs {
		if n := d.steps[path[strings.LastIndexByte(path, '/')+1:]]; n == nil || !n.speaks() {
			r.errorf("/outputs/"+escape(path), "There is no step of this name that has an output.")
			continue
		}
		s.Outputs[path] = r.encode("/outputs/"+escape(path), v)
	}
	return s, r.sorted()
}

func (r *report) scriptInput(d *Definition, given map[string]any) json.RawMessage {
	input, there := given["input"]
	if !there {
		input = map[string]any{}
	}
	if d.InputSchema != nil {
		schema, err := compileDoc(d.InputSchema)
		if err != nil {
			r.errorf("/input", "The input_schema does not compile: %v.", err)
			return nil
		}
		inner := &report{doc: r.doc}
		inner.holds(schema, input)
		for _, p := range inner.problems {
			r.errorf("/input"+p.Pointer, "%s", p.Detail)
		}
	}
	return r.encode("/input", input)
}

func (r *report) encode(at string, v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil {
		r.errorf(at, "This cannot be written as JSON: %v.", err)
	}
	return raw
}
