package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// greet is a type whose tree has as many steps as its input says.
func greet(built *int) tasks.Type {
	return tasks.Type{
		Name: "greet", Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer","minimum":1}}}`),
		Build: func(in json.RawMessage) (*saga.Workflow, error) {
			*built++
			var v struct{ N int }
			if err := json.Unmarshal(in, &v); err != nil {
				return nil, err
			}
			return &saga.Workflow{Name: "greet", Version: 1, Root: saga.Sequence(hellos(v.N)...)}, nil
		},
	}
}

func hellos(n int) []saga.Step {
	steps := make([]saga.Step, n)
	for i := range steps {
		steps[i] = saga.Step{
			Kind: saga.KindActivity, Name: "hello" + strings.Repeat("_", i),
			Do: func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, nil },
		}
	}
	return steps
}

func fixed(name string, built *int) tasks.Type {
	return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
		*built++
		return &saga.Workflow{Name: name, Version: 1, Root: saga.Sequence(hellos(1)...)}, nil
	}}
}

func TestCatalogueRefusesTypesThatCannotWork(t *testing.T) {
	n := 0
	broken := func(change func(*tasks.Type)) []tasks.Type {
		typ := fixed("a", &n)
		change(&typ)
		return []tasks.Type{typ}
	}
	for _, test := range []struct {
		name, want string
		types      []tasks.Type
	}{
		{"two of one name", "task type a: there are two of that name", []tasks.Type{fixed("a", &n), fixed("a", &n)}},
		{"no name", "it has no name", broken(func(t *tasks.Type) { t.Name = "" })},
		{"no Build", "it has no Build", broken(func(t *tasks.Type) { t.Build = nil })},
		{"a schema that is no JSON", "task type a: schema:", broken(func(t *tasks.Type) { t.Schema = json.RawMessage(`{`) })},
		{"a schema that is no schema", "task type a: schema:", broken(func(t *tasks.Type) { t.Schema = json.RawMessage(`{"type":"thing"}`) })},
		{"a schema from elsewhere", "task type a: schema:", broken(func(t *tasks.Type) {
			t.Schema = json.RawMessage(`{"$ref":"file:///etc/passwd"}`)
		})},
		{"a workflow that does not check", "task type a: workflow", broken(func(t *tasks.Type) {
			t.Build = func(json.RawMessage) (*saga.Workflow, error) {
				return &saga.Workflow{Name: "w", Root: saga.Step{Kind: saga.KindActivity, Name: "no do"}}, nil
			}
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := tasks.NewCatalogue(test.types...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCatalogueBuildsStaticTypesOnce(t *testing.T) {
	static, dynamic := 0, 0
	c, err := tasks.NewCatalogue(fixed("fixed", &static), greet(&dynamic))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		for _, name := range []string{"fixed", "greet"} {
			p, err := c.Plan(name, json.RawMessage(`{"n":2}`))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Workflow(t.Context(), saga.Created{Type: name, Input: json.RawMessage(`{"n":2}`), TreeHash: p.TreeHash}); err != nil {
				t.Error(err)
			}
		}
	}
	if static != 1 || dynamic != 10 {
		t.Errorf("built %d and %d times, want 1 and 10", static, dynamic)
	}
}

func TestCatalogueLeavesATaskOnItsTree(t *testing.T) {
	n := 0
	c, err := tasks.NewCatalogue(greet(&n))
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Plan("greet", json.RawMessage(`{"n":2}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		task saga.Created
	}{
		{"another tree", saga.Created{Type: "greet", Input: json.RawMessage(`{"n":3}`), TreeHash: p.TreeHash}},
		{"a type that is gone", saga.Created{Type: "gone", TreeHash: p.TreeHash}},
		{"an input that no longer builds", saga.Created{Type: "greet", Input: json.RawMessage(`[]`), TreeHash: p.TreeHash}},
	} {
		if _, err := c.Workflow(t.Context(), test.task); !errors.Is(err, saga.ErrUnknownWorkflow) {
			t.Errorf("%s: got %v, want ErrUnknownWorkflow", test.name, err)
		}
	}
}

func TestCatalogueKnowsItsTypes(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, typ := range c.Types() {
		names = append(names, typ.Name)
		if typ.Description == "" || !json.Valid(typ.Input) {
			t.Errorf("%s: description %q, schema %s", typ.Name, typ.Description, typ.Input)
		}
	}
	if got := strings.Join(names, " "); got != "entity.create entity.delete entity.update http.saga service.create" {
		t.Errorf("types: %s", got)
	}
	if _, ok := c.Type("http.saga"); !ok {
		t.Error("http.saga is not known")
	}
	if _, ok := c.Type("nope"); ok {
		t.Error("nope is known")
	}
	if err := c.Validate(saga.Request{Type: "nope"}); !errors.Is(err, saga.ErrUnknownType) {
		t.Errorf("got %v, want ErrUnknownType", err)
	}
}

func TestProblemsAreSentencesThatNameTheMend(t *testing.T) {
	for _, test := range []struct{ name, schema, input, want string }{
		{"not JSON", `true`, `{"a":`, `/input: This is not JSON: unexpected EOF.`},
		{"two values", `true`, `{} {}`, `/input: This is not JSON: invalid character after top-level value.`},
		{"no schema takes anything", ``, `[1]`, ``},
		{"a wrong type", `{"type":["string","null"]}`, `1`, `/input: This is a number: give null or a string.`},
		{"a constant", `{"const":1}`, `2`, `/input: This must be 1.`},
		{"a format", `{"format":"date"}`, `"x"`, `/input: "x" is not a valid date.`},
		{"too short", `{"minLength":3}`, `"x"`, `/input: This has 1 characters: give at least 3.`},
		{"too long", `{"maxLength":0}`, `"x"`, `/input: This has 1 characters: at most 0 are allowed.`},
		{"too few", `{"minItems":1}`, `[]`, `/input: This has 0 items: give at least 1.`},
		{"too small", `{"minimum":1}`, `0.5`, `/input: 1/2 is too small: give at least 1.`},
		{"too large", `{"exclusiveMaximum":1}`, `1`, `/input: 1 is too large: give less than 1.`},
		{"no multiple", `{"multipleOf":2}`, `3`, `/input: 3 is not a multiple of 2.`},
		{"few members", `{"minProperties":1}`, `{}`, `/input: This has 0 members: give at least 1.`},
		{"not here", `{"properties":{"a":false}}`, `{"a":1}`, `/input/a: This is not allowed here: remove it.`},
		{"none of several forms", `{"oneOf":[{"type":"string"},{"type":"null"}]}`, `1`, `/input: This fits none of the forms that are allowed here.`},
		{"twice", `{"uniqueItems":true}`, `[1,2,1]`, `/input: Items 0 and 2 are the same: keep one.`},
		{"one needs another", `{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, `/input/b: This is missing: "a" needs it.`},
		{"names are escaped", `{"additionalProperties":false}`, `{"a/b~c":1}`, `/input/a~1b~0c: This is not known here: remove it, or mend its spelling.`},
		{
			"a name by its own schema", `{"properties":{"a":{"propertyNames":{"pattern":"^x"}}}}`, `{"a":{"b/c":1},"d":{}}`,
			`/input/a/b~1c: This name is not allowed here: it must match ^x.`,
		},
		{"a name of another length", `{"propertyNames":{"maxLength":1}}`, `{"abc":1}`, `/input/abc: This name is not allowed here: it may have at most 1 characters.`},
		{"one of few names", `{"propertyNames":{"enum":["a"]}}`, `{"abc":1}`, `/input/abc: This name is not allowed here: it must be one of "a".`},
		{"an unusual rule", `{"contains":{"type":"string"}}`, `[1]`, `/input: This breaks the schema: the rule is "contains".`},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := 0
			typ := fixed("a", &n)
			typ.Schema = json.RawMessage(test.schema)
			c, err := tasks.NewCatalogue(typ)
			if err != nil {
				t.Fatal(err)
			}
			got := complaints(t, c.Validate(saga.Request{Type: "a", Input: json.RawMessage(test.input)}))
			if got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// The validator goes through an object in any order, and gives an error about names the place of whatever came last.
func TestProblemsWithNamesAreNotMisplaced(t *testing.T) {
	n := 0
	typ := fixed("a", &n)
	typ.Schema = json.RawMessage(`{"properties":{"x":{"properties":{"one":{"propertyNames":{"pattern":"^a"}},"two":{"type":"object"}}}}}`)
	c, err := tasks.NewCatalogue(typ)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		got := complaints(t, c.Validate(saga.Request{Type: "a", Input: json.RawMessage(`{"x":{"one":{"b":1},"two":{}}}`)}))
		if got != "/input/x/one/b: This name is not allowed here: it must match ^a." &&
			got != `/input: The name "b" is not allowed in it: it must match ^a.` {
			t.Fatalf("got %s", got)
		}
	}
}

// A type that is forgotten here would be open to users.
func TestWhoMayStartWhatIsBuiltIn(t *testing.T) {
	h := tasks.NewHTTP(tasks.HTTPOptions{})
	t.Cleanup(h.Close)
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, h)...)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]saga.Access{
		"entity.create": saga.AccessOpen, "entity.update": saga.AccessOpen, "entity.delete": saga.AccessOpen,
		"service.create": saga.AccessUnbound, "http.saga": saga.AccessPrivileged,
	}
	got := map[string]saga.Access{}
	for _, typ := range c.Types() {
		got[typ.Name] = typ.Access
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
