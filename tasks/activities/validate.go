package activities

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// validateParams say what data has to be like. Fields are paths, such as lines.0.sku.
type validateParams struct {
	Data     json.RawMessage   `json:"data"`
	Required []string          `json:"required"`
	Types    map[string]string `json:"types"`
	Rules    []rule            `json:"rules"`
	Schema   json.RawMessage   `json:"schema"`
}

type rule struct {
	Field   string `json:"field"`
	Type    string `json:"type"`
	Value   any    `json:"value"`
	Message string `json:"message"`
}

// maxTold is how many problems a failure tells.
const maxTold = 20

// validateData fails for good when data is not as it has to be, and tells all that is wrong. Its output is {"valid": true}.
func validateData(_ context.Context, _ saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[validateParams](params)
	switch {
	case err != nil:
		return nil, err
	case given.Data == nil:
		return nil, refuse("/data", "this is missing: say what to look at")
	}
	told, err := given.check()
	switch {
	case err != nil:
		return nil, err
	case len(told) > maxTold:
		told = append(told[:maxTold], fmt.Sprintf("and %d more", len(told)-maxTold))
	}
	if len(told) > 0 {
		return nil, refuse("", "the data is not valid: %s", strings.Join(told, "; "))
	}
	return json.RawMessage(`{"valid":true}`), nil
}

// check returns a sentence for each thing that is wrong. The error is about the params.
func (p *validateParams) check() (told []string, err error) {
	data, err := plain(p.Data)
	if err != nil {
		return nil, err
	}
	for _, field := range p.Required {
		if empty(at(data, field)) {
			told = append(told, field+": it is missing")
		}
	}
	for _, field := range slices.Sorted(maps.Keys(p.Types)) {
		is, known := typeTests[p.Types[field]]
		if !known {
			return nil, refuse("/types/"+field, "%q is no type: write one of %s", p.Types[field], names(typeTests))
		}
		if v := at(data, field); v != nil && !is(v) {
			told = append(told, fmt.Sprintf("%s: it must be of type %s", field, p.Types[field]))
		}
	}
	for i, r := range p.Rules {
		reason, err := r.check(at(data, r.Field), fmt.Sprintf("/rules/%d", i))
		if err != nil {
			return nil, err
		}
		if reason != "" {
			told = append(told, r.Field+": "+cmp.Or(r.Message, reason))
		}
	}
	if p.Schema == nil {
		return told, nil
	}
	problems, err := tasks.CheckSchema(p.Schema, p.Data)
	if err != nil {
		return nil, refuse("/schema", "this is not a JSON Schema: %s", sentence.Shorten(strings.Join(strings.Fields(err.Error()), " "), 300))
	}
	for _, one := range problems {
		told = append(told, strings.TrimSuffix(one.Pointer+": "+one.Detail, "."))
	}
	return told, nil
}

func plain(raw json.RawMessage) (v any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return nil, refuse("/data", "%v", err)
	}
	return v, nil
}

// at is what stands at a path, such as lines.0.sku; nil when there is nothing.
func at(v any, path string) any { return tasks.At(v, strings.Split(path, ".")) }

// empty tells whether nothing has been given: null, or a text without a character that is seen.
func empty(v any) bool {
	s, isText := v.(string)
	return v == nil || isText && strings.TrimSpace(s) == ""
}

var typeTests = map[string]func(any) bool{
	"string": func(v any) bool { _, ok := v.(string); return ok },
	"number": func(v any) bool { _, ok := v.(json.Number); return ok },
	"integer": func(v any) bool {
		n, ok := v.(json.Number)
		f, err := n.Float64()
		return ok && err == nil && f == float64(int64(f))
	},
	"boolean": func(v any) bool { _, ok := v.(bool); return ok },
	"object":  func(v any) bool { _, ok := v.(map[string]any); return ok },
	"array":   func(v any) bool { _, ok := v.([]any); return ok },
}

func names[V any](of map[string]V) string { return strings.Join(slices.Sorted(maps.Keys(of)), ", ") }

// ruleTests tell why a value breaks a rule; nothing when it does not. The error is about the rule's own value.
var ruleTests = map[string]func(v, want any) (reason string, err error){
	"required":  func(v, _ any) (string, error) { return unless(!empty(v), "it is missing"), nil },
	"min_value": func(v, want any) (string, error) { return compare(v, want, 1, "it is less than %s") },
	"max_value": func(v, want any) (string, error) { return compare(v, want, -1, "it is more than %s") },
	"pattern":   match,
}

// check holds a value to the rule. Only required looks at what is not there.
func (r *rule) check(v any, at string) (string, error) {
	test, known := ruleTests[r.Type]
	switch {
	case !known:
		return "", refuse(at+"/type", "%q is no rule: write one of %s", r.Type, names(ruleTests))
	case r.Field == "":
		return "", refuse(at+"/field", "this is missing: name the field")
	case v == nil && r.Type != "required":
		return "", nil
	}
	reason, err := test(v, r.Value)
	if err != nil {
		return "", refuse(at+"/value", "%v", err)
	}
	return reason, nil
}

func unless(holds bool, reason string) string {
	if holds {
		return ""
	}
	return reason
}

// compare tells whether a number is on the right side of another: bad is how they must not compare.
func compare(v, want any, bad int, reason string) (string, error) {
	bound, ok := number(want)
	if !ok {
		return "", errors.New("this must be a number")
	}
	given, ok := number(v)
	if !ok {
		return "it is not a number", nil
	}
	return unless(cmp.Compare(bound, given) != bad, fmt.Sprintf(reason, want)), nil
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	f, err := n.Float64()
	return f, ok && err == nil
}

// maxPattern bounds what is compiled for each call.
const maxPattern = 1000

// match holds a text to a regular expression. RE2 does not backtrack.
func match(v, want any) (string, error) {
	written, ok := want.(string)
	if !ok || len(written) > maxPattern {
		return "", fmt.Errorf("this must be a regular expression of at most %d characters", maxPattern)
	}
	expression, err := regexp.Compile(written)
	if err != nil {
		return "", fmt.Errorf("this is not a regular expression: %w", err)
	}
	text, ok := v.(string)
	if !ok {
		return "it is not a text", nil
	}
	return unless(expression.MatchString(text), "it does not match "+written), nil
}
