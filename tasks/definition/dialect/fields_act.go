package dialect

import (
	"fmt"
	"slices"
	"strings"
)

func (g *generated) validate(p *part, id, title string) map[string]any {
	var rules []any
	for _, source := range p.parts("validation_rules") {
		rule := map[string]any{}
		if field := source.text("field"); field != "" {
			rule["field"] = bare(field)
			g.input.take(bare(field))
		}
		for _, name := range []string{"type", "value", "message"} {
			keep(source, rule, name)
		}
		source.left()
		rules = append(rules, rule)
	}
	p.texts("uses_fields") // the rules name them
	p.take("target_entity")
	if len(rules) == 0 {
		p.refuse("validation_rules", "There is no rule: say what has to hold.")
	}
	return g.add(id, title, "validate_data", map[string]any{"data": template("input"), "rules": rules})
}

// notify sends a message. Whom to is a field with email or phone in its name.
func (g *generated) notify(p *part, id, title string) map[string]any {
	kind, uses := p.text("notification_type"), p.texts("uses_fields")
	p.take("target_entity")
	typeName, like := "send_email", "email"
	switch kind {
	case "email":
	case "sms":
		typeName, like = "send_sms", "phone"
	default:
		p.refuse("notification_type", fmt.Sprintf("There is no notification by %q: email and sms are sent.", kind))
		return nil
	}
	var to string
	var lines []string
	for _, field := range uses {
		value := g.value(p, "uses_fields", field)
		if to == "" && strings.Contains(strings.ToLower(field), like) {
			to = value
			continue
		}
		lines = append(lines, bare(field)+": "+template(value))
	}
	if to == "" {
		to = g.input.take(like)
		p.ambiguous("uses_fields", "Who gets the message is not said: %s.", to)
	}
	p.ambiguous("", "What the message says is not said: its name, and the fields.")
	if title == "" {
		title = id
	}
	params := map[string]any{"to": template(to), "text": strings.Join(append([]string{title}, lines...), "\n")}
	if typeName == "send_email" {
		params["subject"] = title
	}
	step := g.add(id, title, typeName, params)
	judge(p, step)
	return step
}

func (g *generated) calculate(p *part, id, title string) map[string]any {
	operator, known := map[string]string{"sum": " + ", "multiply": " * "}[p.text("calculation_type")]
	if !known {
		p.refuse("calculation_type", "It should be sum or multiply.")
		operator = " + "
	}
	var terms []string
	for _, field := range p.texts("calculation_fields") {
		terms = append(terms, "double("+g.value(p, "calculation_fields", field)+")")
	}
	if len(terms) == 0 {
		p.refuse("calculation_fields", "No field is named.")
		terms = []string{"0.0"}
	}
	p.texts("uses_fields") // calculation_fields say which of them
	p.take("target_entity")
	into := "result"
	if names := p.texts("updates_fields"); len(names) > 0 {
		into = names[0]
	} else {
		p.ambiguous("updates_fields", "What is calculated has no name: it is steps.%s.result.", id)
	}
	g.results[into] = id
	return g.add(id, title, "transform_data", map[string]any{bare(into): template(strings.Join(terms, operator))})
}

// available looks for rows that are in the way, and ends the task when there is one.
func (g *generated) available(p *part, id, title string) map[string]any {
	table := entity(p)
	filters := map[string]any{}
	switch v := p.take("availability_filters").(type) {
	case map[string]any:
		for field, want := range v {
			filters[bare(field)] = want
		}
	case []any:
		for i, item := range v {
			member := fmt.Sprintf("availability_filters/%d", i)
			switch item := item.(type) {
			case string:
				filters[bare(item)] = template(g.value(p, member, item))
			case map[string]any:
				g.filter(p.inner(member, item), filters)
			default:
				p.refuse(member, "It should be a field.")
			}
		}
	}
	if uses := p.texts("uses_fields"); len(filters) == 0 {
		for _, field := range uses {
			filters[bare(field)] = template(g.value(p, "uses_fields", field))
		}
	}
	p.ambiguous("availability_filters", "A row that matches all of it is taken to be in the way: then the task fails.")
	query := g.add(id, title, "query_entity", map[string]any{"entity": table, "filters": filters, "limit": 1})
	stop := name(id, longestStep-5) + "_stop"
	g.steps = append(g.steps,
		map[string]any{
			"id": name(id, longestStep-5) + "_free", "type": "condition",
			"condition": map[string]any{
				"expression": "size(steps." + id + ".rows) == 0", "true_steps": []any{}, "false_steps": []any{stop},
			},
		},
		map[string]any{
			"id": stop, "type": "terminate",
			"terminate": map[string]any{"outcome": "failed", "reason": "not available"},
		})
	return query
}

// filter is a field with a value, or with one of the input.
func (g *generated) filter(p *part, filters map[string]any) {
	field := p.text("field")
	if operator := p.text("operator"); operator != "" && !slices.Contains([]string{"eq", "=", "==", "equals"}, operator) {
		p.refuse("operator", "Rows are found by equal values only.")
	}
	filters[bare(field)] = template(g.value(p, "field", field))
	if v := p.take("value"); v != nil {
		filters[bare(field)] = v
	}
	p.left()
}

func (g *generated) activity(p *part, id, title string) map[string]any {
	activity := activityOf(p)
	if activity == nil {
		p.refuse("", "It does not say which activity: write one (docs/workflows.md lists them).")
		return nil
	}
	params, _ := activity["params"].(map[string]any)
	typeName, _ := activity["type"].(string)
	step := g.add(id, title, typeName, params)
	step["activity"] = activity
	for _, said := range []string{"compensate", "irreversible", "effect"} {
		keep(p, step, said)
	}
	judge(p, step)
	return step
}
