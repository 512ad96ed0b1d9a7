package definition

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// sentence says what is wrong with a value, and how to mend it.
func sentence(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("This is of type %s: give %s.", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		return fmt.Sprintf("%s is not one of %s.", show(k.Got), listed(k.Want))
	case *kind.Const:
		return fmt.Sprintf("This must be %s.", show(k.Want))
	case *kind.Pattern:
		return fmt.Sprintf("%s must match %s.", show(k.Got), k.Want)
	case *kind.FalseSchema:
		return misplaced
	case *kind.AnyOf, *kind.OneOf:
		return "This fits none of the forms that are allowed here."
	case *kind.MinLength:
		return "This is empty: give a value."
	case *kind.MaxLength:
		return fmt.Sprintf("This has %d characters: at most %d are allowed.", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("This has %d items: give at least %d.", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("This has %d items: at most %d are allowed.", k.Got, k.Want)
	case *kind.Minimum:
		return fmt.Sprintf("%s is too small: give at least %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return fmt.Sprintf("%s is too large: give at most %s.", k.Got.RatString(), k.Want.RatString())
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("%s is too small: give more than %s.", k.Got.RatString(), k.Want.RatString())
	}
	return fmt.Sprintf("This breaks the schema's rule %q.", strings.Join(k.KeywordPath(), "/"))
}

func listed(list []any) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = show(v)
	}
	return strings.Join(parts, ", ")
}

// show gives a value as JSON, cut to a readable length.
func show(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return shorten(string(raw), 80)
}
