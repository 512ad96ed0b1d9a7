package main

import (
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// deployIn deploys a definition in a service and activates its version.
func (o *osp) deployIn(service string, definition dict) saga.WorkflowVersion {
	o.t.Helper()
	v := o.version("POST", "/v1/workflows?service="+service, definition)
	return o.version("POST", "/v1/workflows/"+v.Workflow+"/state?service="+service,
		dict{"version": v.Version, "state": "active", "reason": "it is wanted"})
}

// says starts a task of a workflow in a service, has it go on, and tells what it said.
func (o *osp) says(id, service string) string {
	o.t.Helper()
	task := o.task(202, "POST", "/v1/tasks", dict{"type": id, "service": service, "input": dict{"who": "Ada"}})
	o.wait(task.ID, enough, saga.Waiting)
	o.call("POST", "/v1/tasks/"+task.ID+"/signals/go_on", nil)
	return said(o.wait(task.ID, enough, saga.Completed))
}

func TestServicesHaveWorkflowsOfOneID(t *testing.T) {
	stores(t, func(t *testing.T, env []string) {
		api := start(t, "all", env...)
		id := unique("reserve")
		shop, bar, inn := unique("shop"), unique("bar"), unique("inn")
		api.deploy(edition(id, "hello"))
		one := api.deployIn(shop, edition(id, "welcome"))
		two := api.deployIn(bar, edition(id, "cheers"))
		if one.Version != 1 || two.Version != 1 || one.Service != shop || two.Service != bar {
			t.Fatalf("versions %+v and %+v", one, two)
		}
		for service, word := range map[string]string{shop: "welcome", bar: "cheers", inn: "hello"} {
			if got := api.says(id, service); got != word+" Ada, "+word+" Ada" {
				t.Errorf("in %s it said %q", service, got)
			}
		}
		api.version("POST", "/v1/workflows?service="+inn, edition(id, "good day"))
		if got := api.says(id, inn); !strings.HasPrefix(got, "hello") {
			t.Errorf("with a draft beside the platform's it said %q", got)
		}
		api.version("POST", "/v1/workflows/"+id+"/state?service="+shop, dict{"version": 1, "state": "locked", "reason": "a fault"})
		status, raw, _ := api.call("POST", "/v1/tasks", dict{"type": id, "service": shop, "input": dict{"who": "Ada"}})
		if status != 422 || !strings.Contains(string(raw), "state?service="+shop) {
			t.Errorf("what is locked in the shop: %d %s", status, raw)
		}
	})
}

// A process that is started while the result store is away begins each service's own, and the platform's.
func TestServicesBeginTheirWorkflowsWhileTheStoreIsAway(t *testing.T) {
	supabase := testenv.Supabase(t)
	env := []string{"REDIS_URL=" + testenv.Redis(t), "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey}
	first := start(t, "all", env...)
	id := unique("reserve")
	shop, inn := unique("shop"), unique("inn")
	first.deploy(edition(id, "hello"))
	first.deployIn(shop, edition(id, "welcome"))
	want := map[string]string{shop: "welcome Ada, welcome Ada", inn: "hello Ada, hello Ada"}
	for service := range want {
		first.says(id, service)
	}
	first.kill()
	supabase.StopREST()
	back := sync.OnceFunc(func() { supabase.StartREST(t) })
	defer back()
	second := start(t, "all", env...)
	for service, words := range want {
		if got := second.says(id, service); got != words {
			t.Errorf("in %s it said %q, want %q", service, got, words)
		}
	}
	back()
}
