package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Load reads the [Definition.Content] of a definition that [Parse] accepted, perhaps that of an earlier release. Tasks have
// begun with it: it is held to no more than its tree needs. Whatever else Parse refuses by now is as it was when they began, but
// for a call whose host data would choose, and a secret in a URL. The definition is nil exactly when [Problems.Failed].
func Load(content []byte) (*Definition, Problems) {
	value, err := readStored(content)
	if err != nil {
		return nil, Problems{{Severity: Error, Line: 1, Column: 1, Detail: fmt.Sprintf("The content of a definition is JSON of a certain size: %v.", err)}}
	}
	d, problems := (&report{doc: &document{value: value}, stored: true}).definition()
	if d != nil && d.Trigger == nil { // perhaps it was taken out
		d.Content, err = json.Marshal(value)
		d.Hash = hashOf(d.Content)
	}
	if err != nil {
		return nil, Problems{{Severity: Error, Line: 1, Column: 1, Detail: err.Error()}}
	}
	return d, problems
}

// readStored reads canonical JSON. The YAML parser would refuse some of it: characters that YAML has no place for, long keys.
func readStored(content []byte) (value any, err error) {
	if len(content) > MaxSize {
		return nil, fmt.Errorf("it has %d bytes, at most %d are allowed", len(content), MaxSize)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	if deeper(value, MaxDepth) {
		return nil, fmt.Errorf("it is nested too deeply: at most %d levels are allowed", MaxDepth)
	}
	return value, nil
}

// deeper tells whether a value has more levels than that.
func deeper(value any, levels int) bool {
	if levels == 0 {
		return true
	}
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if deeper(item, levels-1) {
				return true
			}
		}
	case map[string]any:
		for _, member := range value {
			if deeper(member, levels-1) {
				return true
			}
		}
	}
	return false
}

// forgiveTrigger takes a trigger out of a content that was accepted once, if that is not to be understood by now: it starts
// nothing by itself, and runs as ever otherwise.
func (r *report) forgiveTrigger() {
	members, ok := r.doc.value.(map[string]any)
	if !r.stored || !ok || !slices.ContainsFunc(r.problems, Problem.inTrigger) {
		return
	}
	r.problems = slices.DeleteFunc(r.problems, Problem.inTrigger)
	rest := maps.Clone(members)
	delete(rest, "trigger")
	r.doc = &document{value: rest}
}
