package tasks

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/osp-platform/osp/internal/sentence"
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
		c.problems.add(place(e.InstanceLocation), "%s", sentence.Of(k))
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
			return ": it must be one of " + sentence.Listed(k.Want)
		}
		if reason := because(cause); reason != "" {
			return reason
		}
	}
	return ""
}
