package handlers

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

//go:generate go test -run TestTypesOfTheClient -update .

var update = flag.Bool("update", false, "write the types of the TypeScript client anew")

const typesOfTheClient = "../clients/typescript/src/schema.ts"

// TestTypesOfTheClient holds the types of the TypeScript client to the document: see docs/adr/0028.
func TestTypesOfTheClient(t *testing.T) {
	want := typesOf(t, openAPIDocument)
	got, err := os.ReadFile(typesOfTheClient)
	if err == nil && string(got) == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what openapi.json says: run make docs (%v)", typesOfTheClient, err)
	}
	if err := os.WriteFile(typesOfTheClient, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTypesOfSchemas(t *testing.T) {
	for schema, want := range map[string]string{
		`{}`:                                          `unknown`,
		`{"type":"integer","minimum":1}`:              `number`,
		`{"type":["string","null"]}`:                  `string | null`,
		`{"enum":["high",null]}`:                      `"high" | null`,
		`{"const":true}`:                              `true`,
		`{"$ref":"#/components/schemas/Task"}`:        `Task`,
		`{"type":"array","items":{}}`:                 `unknown[]`,
		`{"type":"array","items":{"enum":[1]}}`:       `1[]`,
		`{"type":"array","items":{"enum":["a","b"]}}`: `("a" | "b")[]`,
		`{"type":"object"}`:                           `{ [member: string]: unknown }`,
		`{"type":"object","additionalProperties":{"type":"boolean"}}`:     `{ [member: string]: boolean }`,
		`{"type":"object","additionalProperties":false,"properties":{}}`:  `{ [member: string]: never }`,
		`{"oneOf":[{"type":"string"},{"$ref":"#/components/schemas/T"}]}`: `string | T`,
		`{"type":"object","required":["a"],"properties":{"a":{"type":"string","description":"first"},"b-c":{}}}`: "{\n" +
			"  /** first */\n  a: string;\n  \"b-c\"?: unknown;\n}",
	} {
		var s map[string]any
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		got, err := typeOf(s, "")
		if err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", schema, got, err, want)
		}
	}
	for _, schema := range []map[string]any{{"if": true}, {"type": "file"}, {"$ref": "other.json"}} {
		if got, err := typeOf(schema, ""); err == nil {
			t.Errorf("%v passes for %s", schema, got)
		}
	}
}

// typesOf writes a document's schemas, the queries of its operations and the types of its problems.
func typesOf(t *testing.T, raw []byte) string {
	t.Helper()
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	named := doc.Components.Schemas
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			if method == "parameters" {
				continue
			}
			name, query, err := queryOf(operation)
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			if query != nil {
				named[name] = query
			}
		}
	}
	var out strings.Builder
	out.WriteString("// Made of handlers/openapi.json by make docs: do not edit.\n")
	for _, name := range slices.Sorted(maps.Keys(named)) {
		text, err := typeOf(named[name], "")
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		fmt.Fprintf(&out, "\n%sexport type %s = %s;\n", remark(named[name], ""), name, text)
	}
	problems := regexp.MustCompile(problemBase+`[a-z]+(-[a-z]+)*`).FindAllString(string(raw), -1)
	slices.Sort(problems)
	out.WriteString("\nexport type ProblemType =")
	for _, problem := range slices.Compact(problems) {
		fmt.Fprintf(&out, "\n  | %q", problem)
	}
	out.WriteString(";\n")
	return out.String()
}

// queryOf makes a schema of an operation's query; it is nil when there is none.
func queryOf(operation json.RawMessage) (name string, schema map[string]any, err error) {
	var o struct {
		OperationID string
		Parameters  []struct {
			Name, In, Description string
			Required              bool
			Schema                map[string]any
		}
	}
	if err := json.Unmarshal(operation, &o); err != nil {
		return "", nil, err
	}
	properties, required := map[string]any{}, []any{}
	for _, p := range o.Parameters {
		if p.In != "query" {
			continue
		}
		if p.Description != "" {
			p.Schema["description"] = p.Description
		}
		if properties[p.Name] = p.Schema; p.Required {
			required = append(required, p.Name)
		}
	}
	if len(properties) == 0 {
		return "", nil, nil
	}
	name = strings.ToUpper(o.OperationID[:1]) + o.OperationID[1:] + "Query"
	return name, map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}, nil
}
