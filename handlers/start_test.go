package handlers

import (
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

const demo = `{"type":"demo","input":{"n":1}}`

func with(members string) string { return `{"type":"demo","input":{},` + members + `}` }

func TestStart(t *testing.T) {
	w := newWorld(t)
	a := w.must(202, "POST /v1/tasks", `{"type":"demo","id":"t.1_a:b-c","input":{"big":12345678901234567890},"service":"svc_1",
		"user_id":"AAAAAAAA-0000-4000-8000-000000000001","process_at":"2026-11-23T14:00:00.5+02:00","queue":"bulk","priority":null}`)
	if a.Header().Get("Location") != "/v1/tasks/t.1_a:b-c" || a.json("id") != "t.1_a:b-c" || a.json("status") != "pending" {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	if !strings.Contains(a.Body.String(), `"steps":[]`) || !strings.Contains(a.Body.String(), "12345678901234567890") {
		t.Errorf("steps are a list and numbers stay exact: %s", a.Body)
	}
	r := w.fake.requests["t.1_a:b-c"]
	want := saga.Request{
		ID: "t.1_a:b-c", Type: "demo", Input: r.Input, Service: "svc_1", Owner: alice, By: "anonymous", ProcessAt: r.ProcessAt,
		Queue: "bulk",
	}
	if string(r.Input) != `{"big":12345678901234567890}` || !r.ProcessAt.Equal(noon.Add(500*time.Millisecond)) ||
		r.Service != want.Service || r.Owner != want.Owner || r.By != want.By || r.Queue != want.Queue || r.Priority != "" {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestStartWithoutAUserBelongsToTheNilUser(t *testing.T) {
	w := newWorld(t)
	if a := w.must(202, "POST /v1/tasks", demo); a.json("user_id") != saga.NilOwner {
		t.Errorf("got %s", a.Body)
	}
}

func TestStartTwice(t *testing.T) {
	w := newWorld(t)
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	if a := w.must(200, "POST /v1/tasks", with(`"id":"a"`)); a.Header().Get("Location") != "/v1/tasks/a" {
		t.Error("the same request again tells where the task is")
	}
	if a := w.must(409, "POST /v1/tasks", `{"type":"demo","input":[],"id":"a"}`); a.slug() != "conflict" {
		t.Errorf("another request with this id: %s", a.Body)
	}
}

func TestStartRefuses(t *testing.T) {
	long := strings.Repeat("x", 300)
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	cases := []struct {
		what   string
		body   string
		status int
		slug   string
		faults string
	}{
		{"no body", "", 400, "malformed", ""},
		{"white space only", " \n ", 400, "malformed", ""},
		{"not JSON", `{"type":`, 400, "malformed", ""},
		{"a comment", `{"type":"demo",/* */"input":{}}`, 400, "malformed", ""},
		{"a second document", demo + demo, 400, "malformed", ""},
		{"text after the document", demo + "x", 400, "malformed", ""},
		{"bytes that are not UTF-8", "{\"type\":\"demo\",\"input\":\"\xff\"}", 400, "malformed", ""},
		{"nesting without end", `{"type":"demo","input":` + deep + `}`, 400, "malformed", ""},
		{"a list", `[` + demo + `]`, 422, "invalid", "pointer "},
		{"null", `null`, 422, "invalid", "pointer "},
		{"a string", `"demo"`, 422, "invalid", "pointer "},
		{"a number", `5`, 422, "invalid", "pointer "},
		{"an unknown field", with(`"inputs":1`), 422, "invalid", "pointer /inputs"},
		{"a field in other letters", `{"Type":"demo","input":{}}`, 422, "invalid", "pointer /type, pointer /Type"},
		{"a field with a slash", with(`"a/b~c":1`), 422, "invalid", "pointer /a~1b~0c"},
		{"a field twice", with(`"type":"demo"`), 422, "invalid", "pointer /type"},
		{
			"a field twice, deep in the input", `{"type":"demo","input":{"a":[1,{"b/":{"c":1,"c":2}}]}}`, 422, "invalid",
			"pointer /input/a/1/b~1/c",
		},
		{
			"a field twice, after a number that is too large to be one", `{"type":"demo","input":{"a":1e999,"b":1,"b":2}}`, 422, "invalid",
			"pointer /input/b",
		},
		{"no type", `{"input":{}}`, 422, "invalid", "pointer /type"},
		{"type null", `{"type":null,"input":{}}`, 422, "invalid", "pointer /type"},
		{"type empty", `{"type":"","input":{}}`, 422, "invalid", "pointer /type"},
		{"type a number", `{"type":5,"input":{}}`, 422, "invalid", "pointer /type"},
		{"no input", `{"type":"demo"}`, 422, "invalid", "pointer /input"},
		{"an unknown type", `{"type":"nope","input":{}}`, 422, "unknown-type", "pointer /type"},
		{"input that breaks its schema", `{"type":"demo","input":{"name":7}}`, 422, "invalid", "pointer /input/name"},
		{"an id of 300 characters", with(`"id":"` + long + `"`), 422, "invalid", "pointer /id"},
		{"an id with a slash", with(`"id":"a/b"`), 422, "invalid", "pointer /id"},
		{"an id with a space", with(`"id":"a b"`), 422, "invalid", "pointer /id"},
		{"an id with a line end", with(`"id":"a\n"`), 422, "invalid", "pointer /id"},
		{"an id that paths swallow", with(`"id":".."`), 422, "invalid", "pointer /id"},
		{"an empty id", with(`"id":""`), 422, "invalid", "pointer /id"},
		{"an id that is a number", with(`"id":7`), 422, "invalid", "pointer /id"},
		{"a user that is no UUID", with(`"user_id":"bob"`), 422, "invalid", "pointer /user_id"},
		{"a UUID in braces", with(`"user_id":"{` + alice + `}"`), 422, "invalid", "pointer /user_id"},
		{"a time without a zone", with(`"process_at":"2026-11-23T14:00:00"`), 422, "invalid", "pointer /process_at"},
		{"a time that is a number", with(`"process_at":1700000000`), 422, "invalid", "pointer /process_at"},
		{"a day that is not", with(`"process_at":"2026-02-30T14:00:00Z"`), 422, "invalid", "pointer /process_at"},
		{"an unknown priority", with(`"priority":"urgent"`), 422, "invalid", "pointer /priority"},
		{"a queue with a brace", with(`"queue":"{a}"`), 422, "invalid", "pointer /queue"},
		{"a service with a quote", with(`"service":"a\"b"`), 422, "invalid", "pointer /service"},
		{
			"several things at once", `{"id":"/","type":1,"service":{},"x":1}`, 422, "invalid",
			"pointer /id, pointer /type, pointer /service, pointer /input, pointer /x",
		},
		{"an input over 1 MiB", with(`"service":"` + strings.Repeat("s", saga.MaxInput+maxStart) + `"`), 413, "too-large", ""},
		{
			"an input just over 1 MiB", `{"type":"demo","input":"` + strings.Repeat("s", saga.MaxInput) + `"}`, 413, "too-large",
			"pointer /input",
		},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			w := newWorld(t)
			a := w.must(tc.status, "POST /v1/tasks", tc.body)
			if a.slug() != tc.slug || a.faults() != tc.faults {
				t.Errorf("got %s at %q, want %s at %q: %s", a.slug(), a.faults(), tc.slug, tc.faults, a.Body)
			}
			if len(w.fake.journals) != 0 {
				t.Error("something was started")
			}
		})
	}
}

func TestStartSaysWhereTheSyntaxIsWrong(t *testing.T) {
	w := newWorld(t)
	a := w.must(400, "POST /v1/tasks", "{\"type\":\"demo\",\n \"input\":tru}")
	if want := "Line 2, column 13: invalid character '}' in literal true (expecting 'e')."; a.json("detail") != want {
		t.Errorf("got %q, want %q", a.json("detail"), want)
	}
}

// As the schemas of inputs say it, too.
func TestStartSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	a := w.must(422, "POST /v1/tasks", `{}`)
	if got := a.json("errors.0.detail") + ", " + a.json("errors.1.detail"); got != "is missing: add it, is missing: add it" {
		t.Errorf("got %q", got)
	}
}

func TestStartListsTheTypesThereAre(t *testing.T) {
	w := newWorld(t)
	a := w.must(422, "POST /v1/tasks", `{"type":"nope","input":{}}`)
	if got := a.json("errors.0.detail"); got != "must be one of demo, found, root, or the id of a workflow with an active version" {
		t.Errorf("got %q", got)
	}
}

func TestStartTakesAnInputOfExactly1MiB(t *testing.T) {
	w := newWorld(t)
	w.must(202, "POST /v1/tasks", `{"type":"demo","input":"`+strings.Repeat("s", saga.MaxInput-2)+`"}`)
}

func TestAProblemListsTwentyFaultsAtMost(t *testing.T) {
	w := newWorld(t)
	members := []string{}
	for i := range 1000 {
		members = append(members, `"`+strings.Repeat("ü", 300)+index(i)+`":1`)
	}
	a := w.must(422, "POST /v1/tasks", with(strings.Join(members, ",")))
	if a.Body.Len() > 20_000 || !strings.Contains(a.json("detail"), "980 more") {
		t.Errorf("%d bytes: %s", a.Body.Len(), a.json("detail"))
	}
}

func TestStartTakesOnlyJSON(t *testing.T) {
	cases := []struct {
		header string
		status int
	}{
		{"Content-Type: application/json; charset=utf-8", 202},
		{"Content-Type: application/vnd.osp+json", 202},
		{"Content-Type: application/x-www-form-urlencoded", 415},
		{"Content-Type: text/plain", 415},
		{"Content-Type: ;;", 415},
		{"Content-Encoding: gzip", 415},
	}
	for _, tc := range cases {
		t.Run(tc.header, func(t *testing.T) {
			newWorld(t).must(tc.status, "POST /v1/tasks", demo, tc.header)
		})
	}
	r := request(t, "POST /v1/tasks", demo)
	r.Header.Del("Content-Type")
	if w := serve(newWorld(t), r); w.Code != 202 {
		t.Errorf("without a Content-Type: %d %s", w.Code, w.Body)
	}
}
