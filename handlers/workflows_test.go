package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

const asYAML = "Content-Type: application/yaml"

func TestADefinitionIsDeployed(t *testing.T) {
	w := newWorld(t)
	a := w.must(201, "POST /v1/workflows?reason=new", "id: pay", asYAML)
	if a.Header().Get("Location") != "/v1/workflows/pay/versions/1" || a.json("created") != "true" || a.json("state") != "draft" ||
		a.json("by") != "anonymous" || a.json("warnings.0.line") != "1" || a.json("warnings.0.pointer") != "/trigger" {
		t.Errorf("deployed: %v %s", a.Header(), a.Body)
	}
	if a := w.must(200, "POST /v1/workflows", "id: pay", asYAML); a.json("created") != "false" || a.json("version") != "1" {
		t.Errorf("once more: %s", a.Body)
	}
	w.must(201, "POST /v1/workflows", "id: pay ", "Content-Type: application/json; charset=utf-8")
	if len(w.fake.flows.list) != 2 || w.fake.flows.notes[0].Reason != "new" {
		t.Errorf("there are %+v, noted %+v", w.fake.flows.list, w.fake.flows.notes)
	}
}

func TestADefinitionIsOnlyLookedAt(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "POST /v1/workflows?validate=only", "id: pay", asYAML)
	if a.json("workflow") != "pay" || a.json("hash") != "7" || a.json("warnings.0.detail") != "Mind this." || len(w.fake.flows.list) != 0 {
		t.Errorf("%s, and there are %v", a.Body, w.fake.flows.list)
	}
}

func TestADefinitionIsRefused(t *testing.T) {
	w := newWorld(t)
	a := w.call("POST /v1/workflows", "name: pay", asYAML)
	if a.Code != 422 || a.json("errors.0.pointer") != "/id" || a.json("errors.0.line") != "3" || a.json("errors.0.column") != "7" {
		t.Errorf("a definition that is wrong: %d %s", a.Code, a.Body)
	}
	for _, c := range []struct {
		line, body, header string
		code               int
		says               string
	}{
		{"POST /v1/workflows", "id: pay", "Content-Type: text/plain", 415, "application/yaml"},
		{"POST /v1/workflows", "id: pay", "Content-Type: application/x-www-form-urlencoded", 415, "application/yaml"},
		{"POST /v1/workflows", "id: pay", "Content-Type: ", 415, "application/yaml"},
		{"POST /v1/workflows", "id: " + strings.Repeat("x", maxDefinition), asYAML, 413, "over the limit of 1048576"},
		{"POST /v1/workflows?validate=yes", "id: pay", asYAML, 400, "only"},
		{"POST /v1/workflows?activate=true", "id: pay", asYAML, 400, "known are validate, reason"},
	} {
		if a := w.call(c.line, c.body, c.header); a.Code != c.code || !strings.Contains(a.Body.String(), c.says) {
			t.Errorf("%s of %.20q as %q: %d %s", c.line, c.body, c.header, a.Code, a.Body)
		}
	}
	if len(w.fake.flows.list) != 0 {
		t.Errorf("there are %v", w.fake.flows.list)
	}
}

func TestAVersionIsGoverned(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST /v1/workflows", "id: pay", asYAML)
	a := w.must(200, "POST /v1/workflows/pay/state", `{"version":1,"state":"active","reason":"it is good"}`)
	want := saga.VersionChange{Workflow: "pay", Version: 1, State: saga.VersionActive, By: "anonymous", Reason: "it is good"}
	if a.json("state") != "active" || w.fake.flows.change != want {
		t.Errorf("%s, asked for %+v", a.Body, w.fake.flows.change)
	}
	for body, where := range map[string]string{
		`{"version":1,"state":"active"}`:                                 "/reason",
		`{"version":1,"reason":"r"}`:                                     "/state",
		`{"version":1,"state":"draft","reason":"r"}`:                     "/state",
		`{"state":"active","reason":"r"}`:                                "/version",
		`{"version":0,"state":"active","reason":"r"}`:                    "/version",
		`{"version":-1,"state":"active","reason":"r"}`:                   "/version",
		`{"version":1.5,"state":"active","reason":"r"}`:                  "/version",
		`{"version":99999999999999999999,"state":"active","reason":"r"}`: "/version",
	} {
		if a := w.call("POST /v1/workflows/pay/state", body); a.Code != 422 || a.json("errors.0.pointer") != where {
			t.Errorf("%s: %d %s", body, a.Code, a.Body)
		}
	}
}

func TestVersionsAreRead(t *testing.T) {
	w := newWorld(t)
	for n := range 3 {
		w.must(201, "POST /v1/workflows", "id: pay"+strings.Repeat(" ", n), asYAML)
	}
	w.must(201, "POST /v1/workflows", "id: ship", asYAML)
	if a := w.must(200, "GET /v1/workflows?limit=1", ""); a.json("versions.0.workflow") != "pay" || a.json("next") != "L3BheQ" {
		t.Errorf("the first page: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows?limit=1&cursor=L3BheQ", ""); a.json("versions.0.workflow") != "ship" || strings.Contains(a.Body.String(), "next") {
		t.Errorf("the last page: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows/pay?limit=2", ""); a.json("versions.0.version") != "3" || a.json("next") != "2" {
		t.Errorf("the newest versions: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows/pay?cursor=2", ""); a.json("versions.0.version") != "1" {
		t.Errorf("the oldest version: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows/pay/audit?limit=1", ""); a.json("notes.0.version") != "3" || a.json("next") != "3" {
		t.Errorf("the newest note: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows/pay/versions/2", ""); a.json("version") != "2" || !strings.Contains(a.Body.String(), `"definition":{}`) {
		t.Errorf("a version: %s", a.Body)
	}
	if a := w.must(200, "GET /v1/workflows/pay/diff?from=1&to=2", ""); !strings.Contains(a.Body.String(),
		`[{"pointer":"/name","old":"a","new":null},{"pointer":"/x","new":1}]`) {
		t.Errorf("a comparison: %s", a.Body)
	}
	if a := w.must(200, "GET /schemas/workflow-1.json", ""); !strings.Contains(a.Body.String(), "2020-12") {
		t.Errorf("the schema: %s", a.Body)
	}
}

func TestWorkflowsAreAskedForWrongly(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST /v1/workflows", "id: pay", asYAML)
	for line, want := range map[string]string{
		"GET /v1/workflows/ship":                 "404 no-such-workflow",
		"GET /v1/workflows/ship/audit":           "404 no-such-workflow",
		"GET /v1/workflows/pay/versions/2":       "404 no-such-workflow",
		"GET /v1/workflows/pay/diff?from=1&to=2": "404 no-such-workflow",
		"GET /v1/workflows/pay/versions/first":   "400 bad-parameter",
		"GET /v1/workflows/pay/diff":             "400 bad-parameter",
		"GET /v1/workflows/pay/diff?from=x&to=1": "400 bad-parameter",
		"GET /v1/workflows?cursor=%00":           "400 bad-parameter",
		"GET /v1/workflows/pay?cursor=a":         "400 bad-parameter",
		"GET /v1/workflows/p%00y":                "400 bad-parameter",
		"GET /v1/workflows/p%00y/versions/1":     "400 bad-parameter",
		"GET /v1/human-tasks?role=a%00":          "400 bad-parameter",
		"GET /v1/workflows/pay/audit?limit=1000": "400 bad-parameter",
	} {
		if a := w.call(line, ""); fmt.Sprint(a.Code, " ", a.slug()) != want {
			t.Errorf("%s: %d %s, want %s", line, a.Code, a.Body, want)
		}
	}
	if a := w.call("POST /v1/workflows/ship/state", `{"version":1,"state":"active","reason":"r"}`); a.slug() != "no-such-workflow" {
		t.Errorf("a state for none: %d %s", a.Code, a.Body)
	}
	if a := w.call("POST /v1/workflows/pay/state", `{"version":1,"state":"active","reason":"\u0000"}`); a.slug() != "invalid" {
		t.Errorf("a reason that cannot be stored: %d %s", a.Code, a.Body)
	}
}
