package definition

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"github.com/osp-platform/osp/internal/sentence"
)

// expression is a CEL expression that was checked, in one of its places.
type expression struct {
	*formula
	at string // its JSON pointer
}

// formula is what an expression is in whatever place: definitions say the same in many.
type formula struct {
	source  string
	refs    []reference
	parsed  *cel.Ast
	checked *cel.Ast
	program func() (cel.Program, error)
}

// newExpression reads an expression, and holds it to the types of the names that it uses. resolve tells what is wrong
// with a name where the expression stands.
func (l *language) newExpression(at, source string, resolve func(refs []reference, r reference) error) (*expression, *cel.Type, error) {
	f, err := l.parse(source)
	if err != nil {
		return nil, nil, err
	}
	var wrong []error
	for _, r := range f.refs {
		if err := resolve(f.refs, r); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return nil, nil, errors.Join(wrong...)
	}
	if f.checked == nil {
		checked, issues := l.env.Check(f.parsed)
		if issues.Err() != nil {
			return nil, nil, complaint(issues)
		}
		f.checked = checked
	}
	return &expression{f, at}, f.checked.OutputType(), nil
}

// parse reads an expression, once for all its places.
func (l *language) parse(source string) (*formula, error) {
	if f := l.formulas[source]; f != nil {
		return f, nil
	}
	if len(source) > maxLength {
		return nil, fmt.Errorf("it has %d characters, at most %d are allowed", len(source), maxLength)
	}
	parsed, issues := l.env.Parse(source)
	if issues.Err() != nil {
		return nil, complaint(issues)
	}
	f := &formula{source: source, parsed: parsed, refs: references(parsed.NativeRep().Expr())}
	f.program = sync.OnceValues(func() (cel.Program, error) { return l.env.Program(f.checked, cel.CostLimit(maxCost)) })
	l.formulas[source] = f
	return f, nil
}

// complaint makes one line of what CEL finds wrong.
func complaint(issues *cel.Issues) error {
	list := issues.Errors()
	if len(list) == 0 {
		return issues.Err()
	}
	first := list[0]
	text := strings.ReplaceAll(strings.TrimSpace(first.Message), " (in container '')", "")
	return fmt.Errorf("character %d: %s", first.Location.Column()+1, sentence.Shorten(text, 300))
}

// eval gives the expression's value, or what went wrong: a missing field, a value of the wrong type, too much cost.
func (x *expression) eval(b *bindings) (ref.Val, error) {
	program, err := x.program()
	if err != nil {
		return nil, fmt.Errorf("expression %s (%s): %w", sentence.Shorten(x.source, 80), x.at, err)
	}
	b.tested, b.err = x.refs, nil
	value, _, err := program.Eval(b)
	switch {
	case err != nil && b.err != nil:
		err = b.err
	case err != nil && strings.Contains(err.Error(), "cost limit exceeded"):
		err = fmt.Errorf("it costs more than %d operations", maxCost)
	}
	if err != nil {
		return nil, fmt.Errorf("expression %s (%s): %w", sentence.Shorten(x.source, 80), x.at, err)
	}
	return value, nil
}
