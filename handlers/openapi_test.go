package handlers

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// openAPI is the document, as far as the tests look at it.
var document = sync.OnceValue(func() map[string]any {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openAPIDocument))
	if err != nil {
		panic(err)
	}
	return doc.(map[string]any)
})

var (
	compiler = sync.OnceValue(func() *jsonschema.Compiler {
		c := jsonschema.NewCompiler()
		if err := c.AddResource("file:///openapi.json", document()); err != nil {
			panic(err)
		}
		return c
	})
	compiling sync.Mutex
)

// at follows member names into the document; references are followed, too.
func at(v any, names ...string) any {
	for _, name := range names {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
		if m, ok := v.(map[string]any); ok && m["$ref"] != nil {
			v = at(document(), strings.Split(strings.TrimPrefix(m["$ref"].(string), "#/"), "/")...)
		}
	}
	return v
}

// templateOf finds the path of the document that a request's path belongs to.
func templateOf(path string) string {
	for _, template := range slices.Sorted(maps.Keys(at(document(), "paths").(map[string]any))) {
		pattern := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return template
		}
	}
	return ""
}

// documented checks that openapi.json has this answer, with this status, this type of content and this shape.
func documented(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	template := templateOf(r.URL.EscapedPath())
	if r.Method == http.MethodGet && r.URL.Path == "/v1/tasks/batch" {
		template = "/v1/tasks/{id}"
	}
	operation := at(document(), "paths", template, strings.ToLower(r.Method))
	if operation == nil {
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not in openapi.json, yet answered %d", r.Method, r.URL.Path, w.Code)
		}
		return
	}
	response := at(operation, "responses", fmt.Sprint(w.Code))
	if response == nil {
		t.Errorf("openapi.json has no %d for %s %s: %s", w.Code, r.Method, template, w.Body)
		return
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	content, _ := at(response, "content").(map[string]any)
	if media == "" && content == nil {
		return
	}
	schema, ok := at(content, media, "schema").(map[string]any)
	if !ok {
		t.Errorf("openapi.json has no %s for %d of %s %s", media, w.Code, r.Method, template)
		return
	}
	if media != "text/event-stream" {
		matches(t, fmt.Sprintf("%s %s %d", r.Method, template, w.Code), nameOf(schema), w.Body.Bytes())
	}
}

// nameOf returns the name under which a schema stands in the document, "" when it has none.
func nameOf(schema map[string]any) string {
	for name, s := range at(document(), "components", "schemas").(map[string]any) {
		if fmt.Sprint(s) == fmt.Sprint(schema) {
			return name
		}
	}
	return ""
}

// matches checks data against a named schema.
func matches(t *testing.T, what, name string, data []byte) {
	t.Helper()
	if name == "" {
		return
	}
	compiling.Lock()
	defer compiling.Unlock()
	schema, err := compiler().Compile("file:///openapi.json#/components/schemas/" + name)
	if err != nil {
		t.Fatalf("schema %s: %v", name, err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Errorf("%s is not JSON: %v: %s", what, err, data)
		return
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s is not the %s of openapi.json: %v\n%s", what, name, err, data)
	}
}

// schemes are the kinds of tokens that a route takes, by the role that it asks for.
var schemes = map[string]string{
	"": "[]", "reader": "[map[key:[]] map[user:[]]]", "starter": "[map[key:[]] map[user:[]]]", "operator": "[map[key:[]]]",
}

func TestEveryRouteIsDocumentedAndNoOther(t *testing.T) {
	w := newWorld(t)
	served, described := map[string]string{}, map[string]string{}
	for _, r := range w.api.routes() {
		path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.path, "{$1}")
		served[r.method+" "+path] = r.role.String()
	}
	for path, item := range at(document(), "paths").(map[string]any) {
		for method := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			role, _ := at(item, method, "x-osp-role").(string)
			described[strings.ToUpper(method)+" "+path] = role
			// Users are starters: what asks for more is for keys only.
			if got, want := fmt.Sprint(at(item, method, "security")), schemes[role]; got != want {
				t.Errorf("%s %s takes %s, want %s", method, path, got, want)
			}
		}
	}
	if !maps.Equal(served, described) {
		t.Errorf("served:    %v\ndescribed: %v", served, described)
	}
	if routes := w.api.Routes(); len(routes) != len(served) {
		t.Errorf("the engine has %d routes, the table %d", len(routes), len(served))
	}
}

func TestTheDocumentIsSound(t *testing.T) {
	ids := map[string]string{}
	var walk func(where string, v any)
	walk = func(where string, v any) {
		switch x := v.(type) {
		case map[string]any:
			if target, ok := x["$ref"].(string); ok {
				if at(document(), strings.Split(strings.TrimPrefix(target, "#/"), "/")...) == nil {
					t.Errorf("%s refers to %s, which is not there", where, target)
				}
			}
			if id, ok := x["operationId"].(string); ok {
				if ids[id] != "" {
					t.Errorf("operationId %s is used at %s and %s", id, ids[id], where)
				}
				ids[id] = where
			}
			for name, inner := range x {
				walk(where+"/"+name, inner)
			}
		case []any:
			for i, inner := range x {
				walk(fmt.Sprintf("%s/%d", where, i), inner)
			}
		}
	}
	walk("", document())
	for path, item := range at(document(), "paths").(map[string]any) {
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
			if !strings.Contains(fmt.Sprint(at(item, "parameters")), m[1]) {
				t.Errorf("%s does not describe its parameter %s", path, m[1])
			}
		}
	}
	for _, k := range kinds {
		if !strings.Contains(string(openAPIDocument), problemBase+k.slug) && k.slug != noMethod.slug {
			t.Errorf("no answer mentions %s%s", problemBase, k.slug)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /openapi.json", ""); a.json("openapi") != "3.1.0" {
		t.Errorf("got %s", a.Body)
	}
}

func TestTheReferenceTellsOfEveryOperation(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "GET /reference", "")
	page := a.Body.String()
	for path, item := range at(document(), "paths").(map[string]any) {
		for method := range item.(map[string]any) {
			if id, ok := at(item, method, "operationId").(string); ok && !strings.Contains(page, `<h3 id="`+id+`">`) {
				t.Errorf("the page lacks %s %s", method, path)
			}
		}
	}
	for name := range at(document(), "components", "schemas").(map[string]any) {
		if !strings.Contains(page, `id="schema-`+name+`"`) {
			t.Errorf("the page lacks the schema %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("a link leads to %s, which is not on the page", m[1])
		}
	}
	policy := a.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
}
