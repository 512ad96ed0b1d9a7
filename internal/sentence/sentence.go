// Package sentence says what is wrong with a value by a JSON Schema, to requests and to definitions in the same words.
package sentence

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Of says what is wrong with a value, and how to mend it.
func Of(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("This is %s: give %s.", article(k.Got), article(k.Want...))
	case *kind.Enum:
		return fmt.Sprintf("%s is not one of %s.", Value(k.Got), Listed(k.Want))
	case *kind.Const:
		return fmt.Sprintf("This must be %s.", Value(k.Want))
	case *kind.Pattern:
		return fmt.Sprintf("%q must match %s.", k.Got, k.Want)
	case *kind.Format:
		return fmt.Sprintf("%s is not a valid %s.", Value(k.Got), k.Want)
	case *kind.FalseSchema:
		return "This is not allowed here: remove it."
	case *kind.AnyOf, *kind.OneOf:
		return "This fits none of the forms that are allowed here."
	case *kind.UniqueItems:
		return fmt.Sprintf("Items %d and %d are the same: keep one.", k.Duplicates[0], k.Duplicates[1])
	}
	if s := ofSize(k); s != "" {
		return s
	}
	return "This breaks the schema: " + unlocalized(k) + "."
}

// ofSize covers the kinds that count.
func ofSize(k jsonschema.ErrorKind) string {
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

// Listed gives values as JSON, one after the other.
func Listed(list []any) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = Value(v)
	}
	return strings.Join(parts, ", ")
}

// Value shows a value as JSON, cut to a readable length.
func Value(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return Shorten(string(raw), 80)
}

// Shorten cuts s to at most limit bytes, at a whole character.
func Shorten(s string, limit int) string {
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
