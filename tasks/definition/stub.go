package definition

import (
	"encoding/json"
	"strings"
)

// madeUp is an output for a step that has none in a script: an object with the fields that expressions take of it, each a
// text that tells where it would come from.
func (d *Definition) madeUp(id string) json.RawMessage {
	object := map[string]any{}
	if n := d.steps[id]; n != nil && n.Type == typeHuman {
		object["outcome"] = "completed"
	}
	for _, path := range d.asked[id] {
		put(object, path, "<"+id+"."+strings.Join(path, ".")+">")
	}
	raw, err := marshal(object)
	if err != nil {
		return json.RawMessage(`{}`) // maps of strings always marshal
	}
	return raw
}

// put sets a field, and makes the objects that it stands in. What is there stays.
func put(object map[string]any, path []string, v string) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := object[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[path[0]] = inner
		}
		object = inner
	}
	if _, ok := object[path[0]]; !ok {
		object[path[0]] = v
	}
}
