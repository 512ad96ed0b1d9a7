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

func TestTypesOfQueries(t *testing.T) {
	got := typesOf(t, []byte(`{
		"paths": {"/things/{id}": {
			"parameters": [{"name": "service", "in": "query", "schema": {"type": "string"}}, {"name": "id", "in": "path"}],
			"get": {"operationId": "listThings", "parameters": [{"$ref": "#/components/parameters/limit"}]},
			"put": {"operationId": "putThing"}}},
		"components": {"parameters": {"limit": {"name": "limit", "in": "query", "required": true, "schema": {"type": "integer"}}}}}`))
	for _, want := range []string{
		"type ListThingsQuery = {\n  limit: number;\n  service?: string;\n};", "type PutThingQuery = {\n  service?: string;\n};",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
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

// openAPIParts are the parts of the document of which types are made.
type openAPIParts struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas    map[string]map[string]any
		Parameters map[string]parameterPart
	}
}

type parameterPart struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
	Required              bool
	Schema                map[string]any
}

// typesOf writes a document's schemas, the queries of its operations and the types of its problems.
func typesOf(t *testing.T, raw []byte) string {
	t.Helper()
	var doc openAPIParts
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	named := map[string]map[string]any{}
	maps.Copy(named, doc.Components.Schemas)
	if err := doc.queries(named); err != nil {
		t.Fatal(err)
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

// queries adds a schema for each operation that has a query, named after the operation.
func (d openAPIParts) queries(to map[string]map[string]any) error {
	for path, item := range d.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var o struct {
				OperationID string
				Parameters  []parameterPart
			}
			var shared []parameterPart // by the path's operations
			err := json.Unmarshal(raw, &o)
			if err == nil && item["parameters"] != nil {
				err = json.Unmarshal(item["parameters"], &shared)
			}
			if err != nil {
				return fmt.Errorf("%s %s: %w", method, path, err)
			}
			if schema := d.query(append(shared, o.Parameters...)); schema != nil {
				to[strings.ToUpper(o.OperationID[:1])+o.OperationID[1:]+"Query"] = schema
			}
		}
	}
	return nil
}

// query makes a schema of the parameters that are in the query; it is nil when there are none.
func (d openAPIParts) query(parameters []parameterPart) map[string]any {
	properties, required := map[string]any{}, []any{}
	for _, p := range parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
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
		return nil
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
}
