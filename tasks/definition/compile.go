package definition

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/osp-platform/osp/internal/sentence"
)

// compiled are the expressions of a step, checked.
type compiled struct {
	params params // of an activity, or a child's input
	test   *expression
	items  value
	wait   value
	undo   []*undoing
}

// undoing is one activity of a compensation.
type undoing struct {
	name     string // in the idempotency key
	activity *Activity
	params   params
}

// compile checks every expression in its place, and keeps what it makes of them.
func (d *Definition) compile(r *report) {
	if d.InputSchema != nil {
		if _, err := compileDoc(d.InputSchema); err != nil {
			r.errorf("/input_schema", "This is not a JSON Schema: %s.", sentence.Shorten(oneLine(err), 300))
			return
		}
	}
	l, err := newLanguage(d)
	if err != nil {
		r.errorf("", "The names of this definition cannot be declared: %v.", err)
		return
	}
	d.language, d.asked = l, map[string][][]string{}
	c := &compiler{report: r, d: d, number: make(map[string]int, len(d.Steps))}
	for i := range d.Steps {
		c.number[d.Steps[i].ID] = i
	}
	c.itemVariables()
	nothing := known{sure: newSet(len(d.Steps)), maybe: newSet(len(d.Steps))}
	c.sequence(d.main, nothing.clone())
	d.cleanup = c.undoList(&node{Step: &Step{}}, d.CompensationSteps, c.anything(nothing))
}

// anything is what may have run when a task is undone as a whole.
func (c *compiler) anything(k known) known {
	for i := range c.d.Steps {
		if n := c.d.steps[c.d.Steps[i].ID]; n.speaks() && n.loop == nil && !n.compensates {
			k.maybe.add(i)
		}
	}
	return k
}

type compiler struct {
	*report
	d      *Definition
	number map[string]int // of steps, in sets
}

// spot is where an expression stands: at a step, which sees what has run before.
type spot struct {
	at    string
	step  *node
	known known
	own   bool // it belongs to the compensation of step, which may not have happened
}

// itemVariables holds the loops' variables to names of their own.
func (c *compiler) itemVariables() {
	fields, _ := fieldsOf(c.d.InputSchema)
	for i := range c.d.Steps {
		n := c.d.steps[c.d.Steps[i].ID]
		if n.Loop == nil {
			continue
		}
		name, at := n.Loop.ItemVariable, n.at+"/loop/item_variable"
		_, isField := fields[name]
		switch {
		case c.d.steps[name] != nil || isField:
			c.refusef(at, "%q is the name of a step or an input field too: take another one.", name)
		case slices.Contains(roots, name) || slices.Contains(reserved, name):
			c.refusef(at, "%q has a meaning of its own in expressions: take another name.", name)
		}
		for outer := n.loop; outer != nil; outer = outer.loop {
			if outer.Loop.ItemVariable == name {
				c.refusef(at, "The loop around this one, %q, has an item %q too: take another name.", outer.ID, name)
			}
		}
	}
}

// value reads what a definition gives for a parameter, and counts the secrets that it names.
func (c *compiler) value(v any, s spot) (value, int) {
	switch v := v.(type) {
	case string:
		return c.string(v, s)
	case []any:
		return c.list(v, s)
	case map[string]any:
		return c.fields(v, s)
	}
	return literal{v}, 0
}

func (c *compiler) list(given []any, s spot) (value, int) {
	made, plain, secrets := make(list, len(given)), make([]any, 0, len(given)), 0
	for i, item := range given {
		var n int
		made[i], n = c.value(item, s.below(strconv.Itoa(i)))
		if l, ok := made[i].(literal); ok {
			plain = append(plain, l.v)
		}
		secrets += n
	}
	if len(plain) == len(given) {
		return literal{plain}, secrets
	}
	return made, secrets
}

func (c *compiler) fields(given map[string]any, s spot) (value, int) {
	made, plain, secrets := make(fields, 0, len(given)), make(map[string]any, len(given)), 0
	for _, name := range slices.Sorted(maps.Keys(given)) {
		member, n := c.value(given[name], s.below(escape(name)))
		if l, ok := member.(literal); ok {
			plain[name] = l.v
		}
		made = append(made, field{name, member})
		secrets += n
	}
	if len(plain) == len(given) {
		return literal{plain}, secrets
	}
	return made, secrets
}

// below is the place of a part of what stands here.
func (s spot) below(token string) spot {
	s.at += "/" + token
	return s
}

// string reads a string with its templates.
func (c *compiler) string(s string, at spot) (value, int) {
	segments, err := split(s)
	if err != nil {
		c.errorf(at.at, "%v.", err)
		return unclear{}, 0
	}
	t, secrets, wrong := text{}, 0, false
	for _, part := range segments {
		switch {
		case !part.expr:
			t = append(t, part.text)
		case secret(part.text):
			t = append(t, "${"+part.text+"}")
			secrets++
		default:
			x, _ := c.expression(part.text, at)
			t = append(t, x)
			wrong = wrong || x == nil
		}
	}
	if wrong {
		return unclear{}, secrets
	}
	if len(t) == 1 {
		if x, ok := t[0].(*expression); ok {
			return whole{x}, 0
		}
	}
	if len(t) == 0 || !slices.ContainsFunc(t, func(p any) bool { _, ok := p.(*expression); return ok }) {
		var joined strings.Builder
		for _, p := range t {
			_, _ = fmt.Fprint(&joined, p)
		}
		return literal{joined.String()}, secrets
	}
	return t, secrets
}

// expression reads one expression; nil when it is wrong.
func (c *compiler) expression(source string, s spot) (*expression, *cel.Type) {
	plain, err := untemplated(source)
	if err == nil && strings.TrimSpace(plain) == "" {
		err = fmt.Errorf("${} is empty: write what is meant")
	}
	if err != nil {
		c.errorf(s.at, "%s.", oneLine(err))
		return nil, nil
	}
	x, typ, err := c.d.language.newExpression(s.at, plain, func(refs []reference, r reference) error {
		err := c.resolve(refs, r, s)
		if c.stored { // CEL still tells of names that there are not
			return nil
		}
		return err
	})
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			c.errorf(s.at, "The expression %s does not work: %s.", sentence.Shorten(source, 80), line)
		}
		return nil, nil
	}
	return x, typ
}

// typed reads an expression that must have a value of one of some kinds. It is held to that again when it runs.
func (c *compiler) typed(source string, s spot, want string, kinds ...cel.Kind) *expression {
	x, typ := c.expression(source, s)
	if x == nil {
		return nil
	}
	kind := typ.Kind()
	if kind != cel.DynKind && !slices.Contains(kinds, kind) {
		c.refusef(s.at, "The expression %s is of type %s: it must be %s.", sentence.Shorten(source, 80), typ, want)
	}
	return x
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
