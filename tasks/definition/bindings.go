package definition

import (
	"encoding/json"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/osp-platform/osp/saga"
)

// bindings gives the names of expressions their values, for one step at one moment. It implements [cel.Activation].
type bindings struct {
	d      *Definition
	scope  saga.Scope
	loop   *node // the innermost loop around the step
	input  any
	items  map[string]any
	event  any         // what a trigger has told; of nothing but a trigger's expressions
	tested []reference // of the expression that is evaluated
	err    error       // why the last name has no value
}

func (d *Definition) bind(scope saga.Scope, n *node) *bindings {
	return &bindings{d: d, scope: scope, loop: n.loop}
}

// Parent implements [cel.Activation].
func (b *bindings) Parent() cel.Activation { return nil }

// ResolveName implements [cel.Activation].
func (b *bindings) ResolveName(name string) (any, bool) {
	from, ok := b.d.language.names[name]
	if !ok {
		return nil, false
	}
	value, err := b.value(from)
	if err != nil {
		b.err = err
		return nil, false
	}
	return value, true
}

func (b *bindings) value(from source) (any, error) {
	switch from.root {
	case rootTask:
		return b.task(from.step), nil
	case rootEvent:
		return b.eventAt(from.step)
	case rootItem:
		items, err := b.loopItems()
		return toCEL(items[from.step], nil), err
	case rootSteps:
		if from.step == "" {
			return b.present()
		}
		raw, ok := b.d.output(b.scope, from.step)
		if !ok {
			return nil, fmt.Errorf("step %s has no output", from.step)
		}
		value, err := parseJSON(raw)
		return toCEL(value, nil), err
	}
	return b.inputAt(from.path)
}

// inputAt is the task's input, or a field of it; null when it is absent.
func (b *bindings) inputAt(path []string) (any, error) {
	if b.input == nil {
		value, err := parseJSON(b.scope.Task().Input)
		if err != nil {
			return nil, err
		}
		b.input = value
	}
	value, schema := b.input, any(b.d.InputSchema)
	for _, name := range path {
		fields, _ := fieldsOf(schema)
		schema = fields[name]
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return toCEL(value, schema), nil
}

func (b *bindings) task(field string) any {
	t := b.scope.Task()
	switch field {
	case "id":
		return t.ID
	case "service":
		return t.Service
	case "owner":
		return t.Owner
	}
	return b.scope.CreatedAt()
}

// present are the steps that an expression asks about with has(steps.…), as far as they have an output.
func (b *bindings) present() (any, error) {
	there := map[string]any{}
	for _, r := range b.tested {
		if len(r.path) < 2 || r.path[0] != rootSteps || !r.test {
			continue
		}
		if raw, ok := b.d.output(b.scope, r.path[1]); ok {
			value, err := parseJSON(raw)
			if err != nil {
				return nil, err
			}
			there[r.path[1]] = toCEL(value, nil)
		}
	}
	return types.DefaultTypeAdapter.NativeToValue(there), nil
}

// loopItems are the items of the loops around the step, by their variables. A loop in a loop carries the outer items in
// its own, since a step sees the innermost only.
func (b *bindings) loopItems() (map[string]any, error) {
	if b.items != nil || b.loop == nil {
		return b.items, nil
	}
	value, err := parseJSON(b.scope.Item())
	if err != nil {
		return nil, err
	}
	b.items = map[string]any{b.loop.Loop.ItemVariable: value}
	if b.loop.loop != nil {
		b.items, _ = value.(map[string]any)
	}
	return b.items, nil
}

// parseJSON reads JSON with its numbers as they are written. Nothing at all is null.
func parseJSON(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // null is a value
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var v any
	err := decoder.Decode(&v)
	return v, err
}
