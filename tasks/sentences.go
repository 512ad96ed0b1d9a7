package tasks

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/osp-platform/osp/saga"
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

// sentences says what is wrong and how to mend it, for one error of the schema.
func sentences(e *jsonschema.ValidationError) []saga.Problem {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return each(e, k.Missing, "This is missing: add it.")
	case *kind.DependentRequired:
		return each(e, k.Missing, fmt.Sprintf("This is missing: %q needs it.", k.Prop))
	case *kind.AdditionalProperties:
		return each(e, k.Properties, "This is not known here: remove it, or mend its spelling.")
	case *kind.PropertyNames:
		return each(e, []string{k.Property}, fmt.Sprintf("The name %q is not allowed here%s.", k.Property, because(e)))
	}
	return []saga.Problem{{Pointer: place(e), Detail: sentence(e.ErrorKind)}}
}

func each(e *jsonschema.ValidationError, names []string, detail string) []saga.Problem {
	problems := make([]saga.Problem, len(names))
	for i, name := range names {
		problems[i] = saga.Problem{Pointer: place(e, name), Detail: detail}
	}
	return problems
}

func place(e *jsonschema.ValidationError, more ...string) string {
	tokens := make([]any, 0, len(e.InstanceLocation)+len(more))
	for _, t := range e.InstanceLocation {
		tokens = append(tokens, t)
	}
	for _, t := range more {
		tokens = append(tokens, t)
	}
	return pointer(tokens...)
}

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
		return fmt.Sprintf("This is %s: give %s.", k.Got, strings.Join(k.Want, " or "))
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
