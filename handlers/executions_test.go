package handlers

import (
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

const execute = `{"workflowId":"demo","serviceSchema":"shop_1","input":{"n":1}}`

func TestTheAppStartsATask(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "POST /v1/executions", execute)
	id := a.json("executionId")
	if a.json("success") != "true" || id == "" || a.json("temporalWorkflowId") != id || a.json("taskQueue") != "shop_1-tasks" ||
		a.json("mode") != "osp" || a.Header().Get("Location") != "/v1/tasks/"+id {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	if r := w.fake.requests[id]; r.Type != "demo" || r.Service != "shop_1" || string(r.Input) != `{"n":1}` {
		t.Errorf("it started %+v", r)
	}
	a = w.must(200, "POST /v1/executions", `{"workflowId":"demo","serviceSchema":"shop_1"}`)
	if r := w.fake.requests[a.json("executionId")]; string(r.Input) != `{}` || strings.Contains(a.json("message"), "ignored") {
		t.Errorf("without an input it started %+v: %s", r, a.Body)
	}
	a = w.must(200, "POST /v1/executions", `{"workflowId":"demo","serviceSchema":"shop_1","workflowDefinition":{"steps":[{"type":"execute_sql"}]}}`)
	if !strings.Contains(a.json("message"), "ignored") {
		t.Errorf("a definition in the request is not spoken of: %s", a.Body)
	}
}

func TestTheAppsKeyHoldsForItsStarts(t *testing.T) {
	w := newWorld(t)
	first := w.must(200, "POST /v1/executions", execute, "Idempotency-Key: one")
	again := w.must(200, "POST /v1/executions", execute, "Idempotency-Key: one")
	if first.json("executionId") != again.json("executionId") {
		t.Errorf("%s and %s", first.Body, again.Body)
	}
}

func TestTheAppsRequestsAreChecked(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		`{"serviceSchema":"shop_1"}`:                                             "/workflowId",
		`{"workflowId":"nosuch","serviceSchema":"shop_1"}`:                       "/workflowId",
		`{"workflowId":"demo"}`:                                                  "/serviceSchema",
		`{"workflowId":"demo","serviceSchema":"a b"}`:                            "/serviceSchema",
		`{"workflowId":"demo","serviceSchema":"shop_1","user_id":"` + bob + `"}`: "/user_id",
	} {
		if a := w.must(422, "POST /v1/executions", body); a.json("errors.0.pointer") != want {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	w.must(400, "POST /v1/executions", `{`)
	w.must(400, "GET /v1/executions?status=failed", "")
}

func TestTheAppSeesItsUsersTasks(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /v1/executions?service=shop_1", ""); a.json("executions") != "[]" {
		t.Errorf("none: %s", a.Body)
	}
	id := w.must(200, "POST /v1/executions", execute).json("executionId")
	w.fake.page = saga.Page{Tasks: []saga.Task{w.fake.task(id)}}
	a := w.must(200, "GET /v1/executions?service=shop_1&limit=10", "")
	if a.json("success") != "true" || a.json("executions.0.execution_id") != id || a.json("executions.0.workflow_id") != "demo" ||
		a.json("executions.0.service_schema") != "shop_1" || a.json("executions.0.status") != "pending" {
		t.Errorf("got %s", a.Body)
	}
	if w.fake.query.Limit != 10 || w.fake.query.Service != "shop_1" {
		t.Errorf("it asked for %+v", w.fake.query)
	}
	if w.must(http.StatusOK, "GET /v1/executions", ""); w.fake.query.Limit != defaultExecutions {
		t.Errorf("it asked for %+v", w.fake.query)
	}
}

func TestTheAppsUsersHaveTheirOwn(t *testing.T) {
	w, _ := street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	id := w.must(200, "POST /v1/executions", execute, bearing).json("executionId")
	if r := w.fake.requests[id]; r.Owner != alice {
		t.Errorf("it belongs to %q", r.Owner)
	}
	bobs := w.must(403, "POST /v1/executions", strings.Replace(execute, "shop_1", "shop_3", 1), bearing)
	if bobs.json("errors.0.pointer") != "/serviceSchema" {
		t.Errorf("got %s", bobs.Body)
	}
	w.must(200, "GET /v1/executions", "", bearing)
	if w.fake.query.Owner != alice {
		t.Errorf("she is shown the tasks of %q", w.fake.query.Owner)
	}
}
