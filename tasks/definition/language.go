package definition

import (
	"regexp"
	"slices"

	"cel.dev/cel-go/cel"
)

// Limits of expressions. Cost is CEL's measure: about one for each operation, and more for what is long.
const (
	maxLength = 4_000 // characters, as in schema.json
	maxCost   = 200_000
	maxNodes  = 2_000
	maxDepth  = 50
	maxRegex  = 2_000
)

// language is what a definition's expressions are written in: CEL with the names of this definition.
type language struct {
	env   *cel.Env
	names map[string]source // by the name that CEL resolves
	// unclear are names of both a step and an input field: alone they would mean either.
	unclear  map[string]bool
	formulas map[string]*formula // by source
}

// source is where the value of a name comes from.
type source struct {
	root string // "input", "steps", "task" or "item"
	step string
	path []string // below the input
	typ  *cel.Type
}

// The names that every expression has.
const (
	rootInput   = "input"
	rootSteps   = "steps"
	rootTask    = "task"
	rootItem    = "item"
	rootSecrets = "secrets"
)

var (
	roots = []string{rootInput, rootSteps, rootTask, rootSecrets}
	// reserved are the words of CEL, and its types, which cannot be names.
	reserved = []string{
		"in", "true", "false", "null", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
		"loop", "package", "namespace", "return", "var", "void", "while", "bool", "bytes", "double", "dyn", "int", "list", "map",
		"null_type", "string", "type", "uint",
	}
	isName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString
)

// newLanguage declares the names of a definition: input.<field>, steps.<id>, and both without their roots where that is
// not unclear; task.<field>; and the loops' item variables.
func newLanguage(d *Definition) (*language, error) {
	l := &language{names: map[string]source{}, unclear: map[string]bool{}, formulas: map[string]*formula{}}
	l.names[rootInput] = source{root: rootInput, typ: object}
	l.names[rootSteps] = source{root: rootSteps, typ: object}
	for field, typ := range taskFields {
		l.names[rootTask+"."+field] = source{root: rootTask, step: field, typ: typ}
	}
	for i := range d.Steps {
		id := d.Steps[i].ID
		from := source{root: rootSteps, step: id, typ: cel.DynType}
		l.names[rootSteps+"."+id] = from
		l.alone(id, from)
	}
	fields, required := fieldsOf(d.InputSchema)
	for name, schema := range fields {
		if isName(name) {
			l.alone(name, source{root: rootInput, path: []string{name}, typ: typeOf(schema, required[name])})
		}
	}
	l.declareInput(nil, d.InputSchema, true, 0)
	for i := range d.Steps {
		if loop := d.Steps[i].Loop; loop != nil {
			l.names[loop.ItemVariable] = source{root: rootItem, step: loop.ItemVariable, typ: cel.DynType}
		}
	}
	return l, l.open()
}

// alone declares a name without its root, unless it is taken.
func (l *language) alone(name string, from source) {
	if slices.Contains(roots, name) || slices.Contains(reserved, name) {
		return
	}
	if _, taken := l.names[name]; taken {
		l.unclear[name] = true
		return
	}
	l.names[name] = from
}

// declareInput declares the fields of the input that the schema names, to some depth.
func (l *language) declareInput(above []string, schema any, sure bool, depth int) {
	fields, required := fieldsOf(schema)
	for name, schema := range fields {
		if !isName(name) || depth > 4 {
			continue
		}
		path := append(slices.Clone(above), name)
		sure := sure && required[name]
		from := source{root: rootInput, path: path, typ: typeOf(schema, sure)}
		l.names[dotted(rootInput, path)] = from
		if outer, ok := l.names[path[0]]; ok && outer.root == rootInput && len(outer.path) == 1 && !l.unclear[path[0]] {
			l.names[dotted(path[0], path[1:])] = from
		}
		l.declareInput(path, schema, sure, depth+1)
	}
}

func dotted(root string, path []string) string {
	for _, p := range path {
		root += "." + p
	}
	return root
}

// open makes the environment in which expressions are checked.
func (l *language) open() error {
	options := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true), cel.DefaultUTCTimeZone(true),
		cel.ExpressionNodeLimit(maxNodes), cel.ExpressionNestingDepthLimit(maxDepth), cel.ParserRecursionLimit(4 * maxDepth),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(2),
		),
	}
	for name, from := range l.names {
		if !l.unclear[name] {
			options = append(options, cel.Variable(name, from.typ))
		}
	}
	var err error
	l.env, err = cel.NewEnv(options...)
	return err
}
