package handlers

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// rulesOnly are the keywords that say nothing about a value's type, or nothing that TypeScript can.
var rulesOnly = []string{
	"description", "title", "default", "example", "examples", "deprecated", "format", "pattern", "minLength", "maxLength", "minimum",
	"maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties",
	"maxProperties", "propertyNames",
}

// typesByName are those of values that have no parts.
var typesByName = map[string]string{
	"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null",
}

// typeOf writes a schema as a type. It knows what openapi.json uses, and refuses the rest rather than leave it out.
func typeOf(schema map[string]any, indent string) (string, error) {
	for keyword := range schema {
		if !slices.Contains(rulesOnly, keyword) && !slices.Contains(typed, keyword) {
			return "", fmt.Errorf("nobody has told typeOf what %q means", keyword)
		}
	}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		if list, ok := schema[keyword].([]any); ok {
			return together(list, map[string]string{"allOf": " & "}[keyword], indent)
		}
	}
	switch {
	case schema["$ref"] != nil:
		name, ok := strings.CutPrefix(fmt.Sprint(schema["$ref"]), "#/components/schemas/")
		if !ok {
			return "", fmt.Errorf("%v is not among the document's schemas", schema["$ref"])
		}
		return name, nil
	case schema["const"] != nil:
		return literals([]any{schema["const"]})
	case schema["enum"] != nil:
		return literals(schema["enum"].([]any))
	case schema["type"] == nil:
		return "unknown", nil
	}
	names, ok := schema["type"].([]any)
	if !ok {
		names = []any{schema["type"]}
	}
	var types []string
	for _, name := range names {
		text, err := typeNamed(fmt.Sprint(name), schema, indent)
		if err != nil {
			return "", err
		}
		types = append(types, text)
	}
	return strings.Join(types, " | "), nil
}

// typed are the keywords that make the type.
var typed = []string{"type", "enum", "const", "$ref", "oneOf", "anyOf", "allOf", "items", "properties", "required", "additionalProperties"}

func typeNamed(name string, schema map[string]any, indent string) (string, error) {
	switch name {
	case "array":
		items, _ := schema["items"].(map[string]any)
		text, err := typeOf(items, indent)
		if strings.ContainsAny(text, "|&") && !strings.HasPrefix(text, "{") {
			text = "(" + text + ")"
		}
		return text + "[]", err
	case "object":
		return objectType(schema, indent)
	}
	if text := typesByName[name]; text != "" {
		return text, nil
	}
	return "", fmt.Errorf("there is no type %q", name)
}

// objectType writes the members that an object has, in the order of their names; one without any is a map.
func objectType(schema map[string]any, indent string) (string, error) {
	properties, _ := schema["properties"].(map[string]any)
	if len(properties) == 0 {
		others := "unknown"
		switch more := schema["additionalProperties"].(type) {
		case bool:
			others = map[bool]string{true: "unknown", false: "never"}[more]
		case map[string]any:
			var err error
			if others, err = typeOf(more, indent); err != nil {
				return "", err
			}
		}
		return "{ [member: string]: " + others + " }", nil
	}
	required, _ := schema["required"].([]any)
	inner := indent + "  "
	out := "{\n"
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		text, err := typeOf(property, inner)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		mark := "?"
		if slices.Contains(required, any(name)) {
			mark = ""
		}
		out += remark(property, inner) + inner + member(name) + mark + ": " + text + ";\n"
	}
	return out + indent + "}", nil
}

var plainName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

func member(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return fmt.Sprintf("%q", name)
}

// remark writes a schema's description.
func remark(schema map[string]any, indent string) string {
	text, _ := schema["description"].(string)
	if text == "" {
		return ""
	}
	return indent + "/** " + strings.ReplaceAll(text, "*/", "*\u200b/") + " */\n"
}

func literals(values []any) (string, error) {
	texts := make([]string, len(values))
	for i, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		texts[i] = string(raw)
	}
	return strings.Join(texts, " | "), nil
}

func together(schemas []any, with, indent string) (string, error) {
	if with == "" {
		with = " | "
	}
	texts := make([]string, len(schemas))
	for i, s := range schemas {
		schema, _ := s.(map[string]any)
		text, err := typeOf(schema, indent)
		if err != nil {
			return "", err
		}
		texts[i] = text
	}
	return strings.Join(texts, with), nil
}
