package dialect

import (
	"fmt"
	"slices"
	"strings"
)

// generated makes the steps of a workflow whose steps name entities and fields. They run one after the other.
type generated struct {
	steps   []any
	rows    map[string]string // by entity: the step whose output is its row
	results map[string]string // by field: the step that has calculated it
	input   inputs
}

// inputs are the fields that are taken of the input.
type inputs map[string]any

// take returns the expression for a field of the input. It is null when the field is absent, for the schema names it.
func (i inputs) take(field string) string {
	i[field] = map[string]any{}
	return "input." + field
}

// schema is that of an input of which nothing is known but the names.
func (i inputs) schema() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any(i)}
}

// fields takes over what a generator has stored in services.metadata.workflows.
func fields(p *part) map[string]any {
	made := begin(p)
	for _, name := range flatWorkflow {
		keep(p, made, name)
	}
	g := &generated{rows: map[string]string{}, results: map[string]string{}, input: inputs{}}
	for _, source := range p.parts("steps") {
		g.step(source)
	}
	p.left()
	made["steps"] = g.steps
	if made["input_schema"] == nil {
		made["input_schema"] = g.input.schema()
	}
	return made
}

// step adds what a step of the source becomes.
func (g *generated) step(p *part) {
	given, title := p.text("id"), p.text("name")
	if given == "" {
		given = title
	}
	id := name(given, longestStep)
	if id != given {
		p.mapped("id", "%q cannot be an id: it is %q now.", given, id)
	}
	typeName := p.text("type")
	add, known := map[string]func(p *part, id, title string) (activity map[string]any){
		"create_entity": g.create, "update_entity": g.update, "validate": g.validate, "notify": g.notify, "calculate": g.calculate,
		"check_availability": g.available, "activity": g.activity,
	}[typeName]
	if !known {
		p.refuse("type", fmt.Sprintf("There is no type %q: write a step that does the same.", typeName))
		return
	}
	if made := add(p, id, title); made != nil {
		keep(p, made, "on_error")
	}
	p.left()
}

// add appends an activity.
func (g *generated) add(id, title, typeName string, params map[string]any) map[string]any {
	step := map[string]any{"id": id, "type": "activity", "activity": map[string]any{"type": typeName, "params": params}}
	if title != "" && title != id {
		step["name"] = title
	}
	g.steps = append(g.steps, step)
	return step
}

// entity is the table that a step is about.
func entity(p *part) string {
	given := p.text("target_entity")
	if given == "" {
		p.refuse("target_entity", "This is missing: name the table.")
		return ""
	}
	table := strings.ToLower(given)
	if table != given {
		p.mapped("target_entity", "Tables are in lower case: %s is %s.", given, table)
	}
	return table
}

// value is the expression for a field: field or Entity.field.
func (g *generated) value(p *part, member, field string) string {
	if step := g.results[field]; step != "" {
		return "steps." + step + "." + bare(field)
	}
	of, plain, qualified := strings.Cut(field, ".")
	if !qualified {
		return g.input.take(field)
	}
	if step := g.rows[strings.ToLower(of)]; step != "" {
		return "steps." + step + "." + plain
	}
	p.ambiguous(member, "No step before has a row of %s: %s is taken of the input.", of, plain)
	return g.input.take(plain)
}

// bare is a field without its entity.
func bare(field string) string { return field[strings.LastIndexByte(field, '.')+1:] }

func template(expression string) string { return "${" + expression + "}" }

// data is what is written: values that are given, and fields that come from elsewhere.
func (g *generated) data(p *part, names []string, member string) map[string]any {
	data := map[string]any{}
	for _, field := range names {
		data[bare(field)] = template(g.value(p, member, field))
	}
	given, _ := p.take("field_values").(map[string]any)
	for field, v := range given {
		if s, ok := v.(string); ok && strings.Contains(s, "${") {
			p.ambiguous("field_values/"+escape(field), "It is taken for an expression.")
		}
		data[bare(field)] = v
	}
	if len(data) == 0 {
		p.refuse(member, "No field is named: say what is written.")
	}
	return data
}

func (g *generated) create(p *part, id, title string) map[string]any {
	table := entity(p)
	step := g.add(id, title, "create_entity", map[string]any{"entity": table, "data": g.data(p, p.texts("uses_fields"), "uses_fields")})
	g.rows[table] = id
	return step
}

func (g *generated) update(p *part, id, title string) map[string]any {
	table := entity(p)
	names := p.texts("updates_fields")
	key := g.key(p, table, p.texts("uses_fields"))
	return g.add(id, title, "update_entity", map[string]any{"entity": table, "id": template(key), "data": g.data(p, names, "updates_fields")})
}

// key says which row is meant.
func (g *generated) key(p *part, table string, uses []string) string {
	if step := g.rows[table]; step != "" {
		return "steps." + step + ".id"
	}
	singular := strings.TrimSuffix(table, "s")
	for _, field := range uses {
		if plain := snake(bare(field)); slices.Contains([]string{"id", table + "_id", singular + "_id"}, plain) {
			p.mapped("uses_fields", "%s says which row is meant.", field)
			return g.input.take(bare(field))
		}
	}
	p.ambiguous("uses_fields", "Which row is meant is not said: the input's id.")
	return g.input.take("id")
}
