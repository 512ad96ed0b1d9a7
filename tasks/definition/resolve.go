package definition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// resolve tells what is wrong with a name where it stands.
func (c *compiler) resolve(refs []reference, r reference, s spot) error {
	l, name := c.d.language, r.path[0]
	switch {
	case l.names[rootEvent].root == rootEvent:
		return l.eventName(name)
	case name == rootSecrets:
		return errors.New("a secret may only stand by itself in the params of an activity, as ${secrets.NAME}")
	case name == rootInput:
		return c.inputField(r.path[1:])
	case name == rootTask:
		if len(r.path) < 2 || taskFields[r.path[1]] == nil {
			return errors.New("write task.id, task.service, task.owner or task.created_at")
		}
		return nil
	case name == rootSteps:
		if len(r.path) < 2 {
			return errors.New(`write steps.<id>: the steps can only be named one by one`)
		}
		c.ask(r.path[1], r.path[2:])
		return c.output(refs, r.path[1], r.test && len(r.path) == 2, s)
	case l.unclear[name]:
		return fmt.Errorf("%s is a step and an input field: write steps.%[1]s or input.%[1]s", name)
	}
	switch from, ok := l.names[name]; {
	case ok && from.root == rootSteps:
		c.ask(name, r.path[1:])
		return c.output(refs, name, false, s)
	case ok && from.root == rootItem:
		return c.item(name, s)
	case ok:
		return c.inputField(r.path)
	case isType(name):
		return c.typeName(name)
	}
	return fmt.Errorf("%s is nothing that this definition knows: neither a field of its input_schema, nor a step, nor a loop's item", name)
}

// ask notes that a field of a step's output is used.
func (c *compiler) ask(id string, path []string) {
	if len(path) > 0 {
		c.d.asked[id] = append(c.d.asked[id], path)
	}
}

// isType tells whether a name is one of CEL's types, or of its functions' namespaces.
func isType(name string) bool {
	return slices.Contains([]string{"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint", "google", "dyn"}, name)
}

// typeName tells of a type's name that may have been meant as that of a step or a field.
func (c *compiler) typeName(name string) error {
	input, _ := fieldsOf(c.d.InputSchema)
	if _, isField := input[name]; isField {
		return fmt.Errorf("%s is a type in expressions: write input.%[1]s", name)
	}
	if c.d.steps[name] != nil {
		return fmt.Errorf("%s is a type in expressions: write steps.%[1]s", name)
	}
	return nil
}

// inputField holds a path below the input to what the schema names.
func (c *compiler) inputField(path []string) error {
	schema := c.d.InputSchema
	for i, name := range path {
		if !closed(schema) {
			return nil
		}
		fields, _ := fieldsOf(schema)
		below, ok := fields[name]
		if !ok {
			return fmt.Errorf("the input has no field %s: input_schema does not name it", strings.Join(path[:i+1], "."))
		}
		schema, _ = below.(map[string]any)
	}
	return nil
}

// item holds a loop's item to the loop.
func (c *compiler) item(name string, s spot) error {
	for loop := s.step.loop; loop != nil; loop = loop.loop {
		if loop.Loop.ItemVariable == name {
			return nil
		}
	}
	return fmt.Errorf("%s is the item of a loop: only the loop's own steps know it", name)
}

// output tells whether a step's output is there when another one asks for it.
func (c *compiler) output(refs []reference, id string, test bool, s spot) error {
	n := c.d.steps[id]
	if n == nil {
		return fmt.Errorf("there is no step %s", id)
	}
	if s.own && n == s.step {
		if !test && !guarded(refs, id) {
			c.warnf(s.at, "When the worker dies while step %[1]q runs, its output is not known, and this compensation gets stuck: "+
				"write has(steps.%[1]s) ? … : … for that case.", id)
		}
		return nil
	}
	i := c.number[id]
	switch {
	case n.compensates:
		return fmt.Errorf("step %s only runs in a compensation: nothing sees its output", id)
	case !n.speaks():
		return fmt.Errorf("step %s is of type %s, which has no output", id, n.kind())
	case s.known.sure.has(i) || test && s.known.maybe.has(i):
		return nil
	case s.known.maybe.has(i) && guarded(refs, id):
		return nil
	case s.known.maybe.has(i):
		return fmt.Errorf("step %[1]s does not always have an output here: write has(steps.%[1]s) ? … : … for when it has none", id)
	case n.loop != nil && n.loop != s.step.loop:
		return fmt.Errorf("step %s has an output for each item of the loop %s: only the loop's own steps can name it", id, n.loop.ID)
	}
	return fmt.Errorf("step %s has not run yet on any way that leads here", id)
}

// speaks tells whether a step has an output.
func (n *node) speaks() bool {
	switch n.kind() {
	case typeActivity, typeSignal, typeHuman, typeChild:
		return true
	}
	return false
}

// guarded tells whether an expression asks about a step with has(steps.id).
func guarded(refs []reference, id string) bool {
	return slices.ContainsFunc(refs, func(r reference) bool {
		return r.test && len(r.path) == 2 && r.path[0] == rootSteps && r.path[1] == id
	})
}
