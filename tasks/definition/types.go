package definition

import (
	"slices"

	"cel.dev/cel-go/cel"
)

var object = cel.MapType(cel.StringType, cel.DynType)

// taskFields are what expressions can know of their task.
var taskFields = map[string]*cel.Type{
	"id": cel.StringType, "service": cel.StringType, "owner": cel.StringType, "created_at": cel.TimestampType,
}

// fieldsOf are the fields that a schema of an object names, and which of them are required.
func fieldsOf(schema any) (fields map[string]any, required map[string]bool) {
	object, _ := schema.(map[string]any)
	fields, _ = object["properties"].(map[string]any)
	list, _ := object["required"].([]any)
	required = make(map[string]bool, len(list))
	for _, name := range list {
		if s, ok := name.(string); ok {
			required[s] = true
		}
	}
	return fields, required
}

// closed tells whether a schema names all the fields that its object may have, as far as anybody would write an
// expression about.
func closed(schema map[string]any) bool {
	_, named := schema["properties"].(map[string]any)
	more, said := schema["additionalProperties"]
	open := said && more != false
	for _, word := range []string{"patternProperties", "allOf", "anyOf", "oneOf", "$ref", "if"} {
		if _, ok := schema[word]; ok {
			open = true
		}
	}
	return named && !open
}

// typeOf is the CEL type of the values that a schema takes, dyn where that is not one. What may be absent is null then.
func typeOf(schema any, sure bool) *cel.Type {
	said, _ := schema.(map[string]any)
	name, nullable := "", !sure
	switch t := said["type"].(type) {
	case string:
		name = t
	case []any: // ["string", "null"]
		if rest := slices.DeleteFunc(slices.Clone(t), func(v any) bool { return v == "null" }); len(rest) == 1 && len(t) == 2 {
			name, _ = rest[0].(string)
			nullable = true
		}
	}
	plain := map[string]*cel.Type{
		"string": cel.StringType, "integer": cel.IntType, "number": cel.DoubleType, "boolean": cel.BoolType,
	}[name]
	switch {
	case plain != nil && nullable:
		return cel.NullableType(plain)
	case plain != nil:
		return plain
	case name == "array" && !nullable:
		return cel.ListType(typeOf(said["items"], true))
	case name == "object" && !nullable:
		return object
	}
	return cel.DynType
}
