package reference

import (
	"regexp"
	"strings"
	"testing"
)

const small = `{"info":{"title":"t","version":"1","summary":"s","description":"<script>alert(1)</script>"},
"tags":[{"name":"tasks"}],
"paths":{"/v1/tasks/{id}":{"parameters":[{"$ref":"#/components/parameters/id"}],"get":{"operationId":"getTask","summary":"Get","tags":["tasks"],
  "x-osp-role":"reader","responses":{"200":{"description":"It","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Task"}}}},
  "404":{"$ref":"#/components/responses/NoTask"}}}}},
"components":{"parameters":{"id":{"name":"id","in":"path","required":true,"schema":{"type":"string","pattern":"^x$"}}},
"responses":{"NoTask":{"description":"not there"}},
"schemas":{"Task":{"type":"object","required":["z"],"properties":{"z":{"type":["string","null"],"format":"uuid"},
  "a":{"type":"array","items":{"type":"object","properties":{"deep":{"enum":["x","y"],"description":"how"}}}}}}}}}`

func TestThePage(t *testing.T) {
	raw, err := Page([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`\s+`).ReplaceAllString(string(raw), " ")
	for _, want := range []string{
		"&lt;script&gt;alert(1)", `id="getTask"`, `<span class="method GET">GET</span> <code>/v1/tasks/{id}</code> <span class="role">reader</span>`,
		`<td>path</td><td><code>string</code></td>`, "matches ^x$", `<a href="#schema-Task">Task</a>`, "not there",
		`<code>z</code> <span class="needed">required</span>`, "string or null (uuid)", "members of each", "<code>x | y</code>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "<script") || strings.Index(page, "<code>z</code>") > strings.Index(page, "<code>a</code>") {
		t.Error("a script, or members in another order than they were written")
	}
}

func TestADocumentThatIsNone(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{`[]`, "read the OpenAPI document"},
		{strings.Replace(small, `"tags":["tasks"]`, `"tags":[]`, 1), "has no tag"},
		{strings.Replace(small, `"tags":["tasks"]`, `"tags":["other"]`, 1), `has the tag "other"`},
	} {
		if _, err := Page([]byte(c.doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
