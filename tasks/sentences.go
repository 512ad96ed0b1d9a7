package tasks

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// explainsItself tells whether an error is better told by itself than by its causes: a value that fits none of several
// forms would be told off once for each of them.
func explainsItself(k jsonschema.ErrorKind) bool {
	switch k.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not, *kind.Contains, *kind.PropertyNames:
		return true
	}
	return false
}

// tell says what is wrong and how to mend it, for one error of the schema.
func (c *complaint) tell(e, above *jsonschema.ValidationError) {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		c.each(e, k.Missing, "This is missing: add it.")
	case *kind.DependentRequired:
		c.each(e, k.Missing, fmt.Sprintf("This is missing: %q needs it.", k.Prop))
	case *kind.AdditionalProperties:
		if pattern := c.namePattern(e.SchemaURL); pattern != "" {
			c.each(e, k.Properties, "This name is not allowed here: it must match "+pattern+".")
			return
		}
		c.each(e, k.Properties, "This is not known here: remove it, or mend its spelling.")
	case *kind.PropertyNames:
		// The validator may overwrite the place of these with a sibling's (jsonschema, pull request 269). What is
		// above is right in any case.
		if object, ok := At(c.instance, e.InstanceLocation).(map[string]any); !ok || !has(object, k.Property) {
			c.problems.add(place(above.InstanceLocation), "The name %q is not allowed in it%s.", k.Property, because(e))
			return
		}
		c.each(e, []string{k.Property}, "This name is not allowed here"+because(e)+".")
	default:
		c.problems.add(place(e.InstanceLocation), "%s", sentence(k))
	}
}

func (c *complaint) each(e *jsonschema.ValidationError, names []string, detail string) {
	for _, name := range names {
		c.problems.add(place(e.InstanceLocation)+"/"+pointerEscapes.Replace(name), "%s", detail)
	}
}

func place(tokens []string) string {
	list := make([]any, len(tokens))
	for i, t := range tokens {
		list[i] = t
	}
	return pointer(list...)
}

// namePattern is the pattern that an object's members must have, where its schema says no more about their names.
func (c *contract) namePattern(schemaURL string) string {
	u, err := url.Parse(schemaURL)
	if err != nil {
		return ""
	}
	tokens := strings.Split(strings.TrimPrefix(u.Fragment, "/"), "/")
	for i := range tokens {
		tokens[i] = pointerUnescapes.Replace(tokens[i])
	}
	schema, _ := At(c.doc, tokens).(map[string]any)
	patterns, _ := schema["patternProperties"].(map[string]any)
	if len(patterns) != 1 || schema["properties"] != nil {
		return ""
	}
	for pattern := range patterns {
		return pattern
	}
	return ""
}

// At follows a path into a plain value, through members and indexes; nil when there is nothing.
func At(v any, tokens []string) any {
	for _, token := range tokens {
		switch in := v.(type) {
		case map[string]any:
			v = in[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

func has(object map[string]any, name string) bool { _, ok := object[name]; return ok }

// because gives the first rule that a name breaks.
func because(e *jsonschema.ValidationError) string {
	for _, cause := range e.Causes {
		switch k := cause.ErrorKind.(type) {
		case *kind.Pattern:
			return ": it must match " + k.Want
		case *kind.MaxLength:
			return fmt.Sprintf(": it may have at most %d characters", k.Want)
		case *kind.Enum:
			return ": it must be one of " + listed(k.Want)
		}
		if reason := because(cause); reason != "" {
			return reason
		}
	}
	return ""
}

// sentence covers the kinds that concern the value itself.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("This is %s: give %s.", article(k.Got), article(k.Want...))
	case *kind.Enum:
		return fmt.Sprintf("%s is not one of %s.", value(k.Got), listed(k.Want))
	case *kind.Const:
		return fmt.Sprintf("This must be %s.", value(k.Want))
	case *kind.Pattern:
		return fmt.Sprintf("%q must match %s.", k.Got, k.Want)
	case *kind.Format:
		return fmt.Sprintf("%s is not a valid %s.", value(k.Got), k.Want)
	case *kind.FalseSchema:
		return "This is not allowed here: remove it."
	case *kind.AnyOf, *kind.OneOf:
		return "This fits none of the forms that are allowed here."
	case *kind.UniqueItems:
		return fmt.Sprintf("Items %d and %d are the same: keep one.", k.Duplicates[0], k.Duplicates[1])
	}
	if s := sizeSentence(k); s != "" {
		return s
	}
	return "This breaks the schema: " + unlocalized(k) + "."
}

// sizeSentence covers the kinds that count.
func sizeSentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MinLength:
		return fmt.Sprintf("This has %d characters: give at least %d.", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("This has %d characters: at most %d are allowed.", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("This has %d items: give at least %d.", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("This has %d items: at most %d are allowed.", k.Got, k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("This has %d members: give at least %d.", k.Got, k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("This has %d members: at most %d are allowed.", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%s is too small: give at least %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s is too large: give at most %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is too small: give more than %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("%s is too large: give less than %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.MultipleOf:
		return fmt.Sprintf("%s is not a multiple of %s.", k.Got.RatString(), k.Want.RatString())
	}
	return ""
}

var articles = map[string]string{
	"object": "an object", "array": "a list", "string": "a string", "number": "a number", "integer": "a whole number",
	"boolean": "true or false", "null": "null",
}

func article(types ...string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = articles[t]
	}
	return strings.Join(names, " or ")
}

func listed(list []any) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = value(v)
	}
	return strings.Join(parts, ", ")
}

// value shows a value as JSON, cut to a readable length.
func value(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shorten(string(raw), 80)
}

// shorten cuts s to at most limit bytes, at a whole character.
func shorten(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func unlocalized(k jsonschema.ErrorKind) string {
	path := k.KeywordPath()
	if len(path) == 0 {
		return "it does not validate"
	}
	return fmt.Sprintf("the rule is %q", path[len(path)-1])
}
