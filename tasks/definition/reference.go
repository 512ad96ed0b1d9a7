package definition

import (
	"slices"

	celast "cel.dev/cel-go/common/ast"
)

// reference is a name in an expression with the fields that are taken of it: input.amount, or has(steps.pay).
type reference struct {
	path []string
	test bool // in has(…)
}

// references collects the names that an expression uses, but for those that its own macros bring in.
func references(e celast.Expr) []reference {
	v := &visitor{}
	v.visit(e)
	return v.found
}

type visitor struct {
	found []reference
	local []string
}

func (v *visitor) visit(e celast.Expr) {
	switch e.Kind() {
	case celast.IdentKind, celast.SelectKind:
		v.name(e)
	case celast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			v.visit(call.Target())
		}
		v.all(call.Args())
	case celast.ListKind:
		v.all(e.AsList().Elements())
	case celast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			v.all([]celast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()})
		}
	case celast.StructKind:
		for _, field := range e.AsStruct().Fields() {
			v.visit(field.AsStructField().Value())
		}
	case celast.ComprehensionKind:
		v.comprehension(e.AsComprehension())
	case celast.LiteralKind, celast.UnspecifiedExprKind:
	}
}

func (v *visitor) all(list []celast.Expr) {
	for _, e := range list {
		v.visit(e)
	}
}

// name notes a name, or goes on into what fields are taken of.
func (v *visitor) name(e celast.Expr) {
	r := reference{}
	for ; e.Kind() == celast.SelectKind; e = e.AsSelect().Operand() {
		r.path = append(r.path, e.AsSelect().FieldName())
		r.test = r.test || e.AsSelect().IsTestOnly()
	}
	if e.Kind() != celast.IdentKind {
		v.visit(e)
		return
	}
	r.path = append(r.path, e.AsIdent())
	slices.Reverse(r.path)
	if !slices.Contains(v.local, r.path[0]) {
		v.found = append(v.found, r)
	}
}

func (v *visitor) comprehension(c celast.ComprehensionExpr) {
	v.visit(c.IterRange())
	outside := v.local
	v.local = append(slices.Clone(v.local), c.IterVar(), c.AccuVar())
	if c.HasIterVar2() {
		v.local = append(v.local, c.IterVar2())
	}
	v.all([]celast.Expr{c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()})
	v.local = outside
}
