package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// edition is a definition of a workflow whose tasks say a word, wait for a signal and say the word again.
func edition(id, word string) dict {
	says := func(step string) dict {
		return dict{"id": step, "type": "activity", "activity": dict{"type": "transform_data", "params": dict{"message": word + " ${who}"}}}
	}
	return dict{
		"id":           id,
		"input_schema": dict{"type": "object", "required": []string{"who"}, "properties": dict{"who": dict{"type": "string"}}},
		"steps":        []dict{says("greet"), {"id": "pause", "type": "wait_signal", "wait": dict{"signal_name": "go_on"}}, says("part")},
	}
}

// deploy deploys a definition and activates its version.
func (o *osp) deploy(definition dict) saga.WorkflowVersion {
	o.t.Helper()
	v := o.version("POST", "/v1/workflows", definition)
	return o.version("POST", "/v1/workflows/"+v.Workflow+"/state", dict{"version": v.Version, "state": "active", "reason": "it is wanted"})
}

// version sends a request whose answer is a version.
func (o *osp) version(method, path string, body any) (v saga.WorkflowVersion) {
	o.t.Helper()
	status, raw, _ := o.call(method, path, body)
	if err := json.Unmarshal(raw, &v); err != nil || status/100 != 2 {
		o.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	return v
}

// said is what the steps of a task said.
func said(t saga.Task) string {
	var words []string
	for _, s := range t.Steps {
		var out struct{ Message string }
		if json.Unmarshal(s.Output, &out) == nil && out.Message != "" {
			words = append(words, out.Message)
		}
	}
	return strings.Join(words, ", ")
}

// stores are environments for the same test on both result stores.
func stores(t *testing.T, f func(t *testing.T, env []string)) {
	t.Run("SQLite", func(t *testing.T) { f(t, here(t)) })
	t.Run("Supabase", func(t *testing.T) {
		env, _, _ := inSupabase(t)
		f(t, env)
	})
}

// unique is the id of a workflow that no earlier test has used: the database is shared.
func unique(name string) string { return fmt.Sprintf("%s_%x", name, time.Now().UnixNano()) }

func TestATaskStaysOnItsVersion(t *testing.T) {
	stores(t, func(t *testing.T, env []string) {
		api, first := start(t, "api", env...), start(t, "worker", env...)
		id := unique("greet")
		one := api.deploy(edition(id, "hello"))
		begun := api.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Ada"}})
		api.wait(begun.ID, enough, saga.Waiting)
		first.kill()

		two := api.deploy(edition(id, "good day"))
		if one.Version != 1 || two.Version != 2 || one.Hash == two.Hash {
			t.Fatalf("versions %+v and %+v", one, two)
		}
		start(t, "worker", env...) // which has never seen the first version
		later := api.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Grace"}})
		for task, want := range map[string]string{begun.ID: "hello Ada, hello Ada", later.ID: "good day Grace, good day Grace"} {
			api.call("POST", "/v1/tasks/"+task+"/signals/go_on", nil)
			if done := api.wait(task, enough, saga.Completed); said(done) != want {
				t.Errorf("%s said %q, want %q", task, said(done), want)
			}
		}
	})
}

// Redis has lost the copies, too: the result store has the definition.
func TestATaskOfADefinitionIsRecovered(t *testing.T) {
	env, redisURL, _ := inSupabase(t)
	api := start(t, "api", env...)
	worker := start(t, "worker", env...)
	id := unique("lost")
	api.deploy(edition(id, "hello"))
	begun := api.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Ada"}})
	api.wait(begun.ID, enough, saga.Waiting)
	eventually(t, enough, func() bool { // the flusher has written that it waits
		_, raw, _ := api.call("GET", "/v1/tasks?state=waiting&type="+id, nil)
		return strings.Contains(string(raw), begun.ID)
	}, func() any { return nil })
	worker.kill()
	flushAll(t, redisURL)
	if code, out := command(t, env, "recover"); code != exitOK || !strings.Contains(out, "restored ") {
		t.Fatalf("recover: %d %s", code, out)
	}
	start(t, "worker", env...)
	api.call("POST", "/v1/tasks/"+begun.ID+"/signals/go_on", nil)
	if done := api.wait(begun.ID, enough, saga.Completed); !strings.HasSuffix(said(done), "hello Ada") {
		t.Errorf("it said %q", said(done))
	}
}

// With the result store away tasks of definitions begin, on what is known to be active, and go on.
func TestDefinitionsRunWhileTheStoreIsAway(t *testing.T) {
	supabase := testenv.Supabase(t)
	env := []string{"REDIS_URL=" + testenv.Redis(t), "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey}
	api := start(t, "api", env...)
	worker := start(t, "worker", env...)
	id := unique("away")
	api.deploy(edition(id, "hello"))
	first := api.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Ada"}})
	api.wait(first.ID, enough, saga.Waiting)
	worker.kill()
	supabase.StopREST()
	back := sync.OnceFunc(func() { supabase.StartREST(t) })
	defer back()
	start(t, "worker", env...)
	second := api.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Grace"}})
	for _, task := range []string{first.ID, second.ID} {
		api.call("POST", "/v1/tasks/"+task+"/signals/go_on", nil)
		api.wait(task, enough, saga.Completed)
	}
	other := start(t, "api", env...) // which has never asked the store
	third := other.task(202, "POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Edsger"}})
	other.call("POST", "/v1/tasks/"+third.ID+"/signals/go_on", nil)
	other.wait(third.ID, enough, saga.Completed)
	if status, raw, _ := other.call("POST", "/v1/tasks", dict{"type": unique("never"), "input": nil}); status != 503 {
		t.Errorf("what may have been deployed by others: %d %s", status, raw)
	}
}

func TestWhatIsNotActiveDoesNotBegin(t *testing.T) {
	stores(t, func(t *testing.T, env []string) {
		api := start(t, "all", env...)
		id := unique("draft")
		begin := func() (int, string) {
			status, raw, _ := api.call("POST", "/v1/tasks", dict{"type": id, "input": dict{"who": "Ada"}})
			return status, string(raw)
		}
		if status, raw := begin(); status != 422 || !strings.Contains(raw, "/problems/unknown-type") {
			t.Errorf("nothing deployed: %d %s", status, raw)
		}
		api.version("POST", "/v1/workflows?reason="+url.QueryEscape("the first"), edition(id, "hello"))
		for _, s := range []struct{ state, says string }{
			{"", "the newest, 1, is a draft. Activate one: POST /v1/workflows/" + id + "/state"},
			{"deprecated", "the newest, 1, is deprecated"},
			{"active", ""},
			{"locked", "the newest, 1, is locked"},
		} {
			if s.state != "" {
				api.version("POST", "/v1/workflows/"+id+"/state", dict{"version": 1, "state": s.state, "reason": "to see"})
			}
			status, raw := begin()
			if s.says == "" && status != 202 || s.says != "" && (status != 422 || !strings.Contains(raw, s.says)) {
				t.Errorf("%s: %d %s", s.state, status, raw)
			}
		}
		status, raw, _ := api.call("POST", "/v1/workflows/"+id+"/state", dict{"version": 1, "state": "active", "reason": "again"})
		if status != 422 || !strings.Contains(string(raw), "Version 1 is locked: that is for ever; deploy another version.") {
			t.Errorf("what is locked: %d %s", status, raw)
		}
		_, raw, _ = api.call("GET", "/v1/workflows/"+id+"/audit", nil)
		var audit struct{ Notes []saga.VersionNote }
		if err := json.Unmarshal(raw, &audit); err != nil || len(audit.Notes) != 4 || audit.Notes[3].Reason != "the first" || audit.Notes[0].Action != saga.ActionLock {
			t.Errorf("the audit has %s", raw)
		}
	})
}

func TestAnInputIsHeldToTheSchemaOfTheDefinition(t *testing.T) {
	api := start(t, "all", here(t)...)
	id := unique("strict")
	api.deploy(edition(id, "hello"))
	status, raw, _ := api.call("POST", "/v1/tasks", dict{"type": id, "input": dict{"who": 7}})
	if status != 422 || !strings.Contains(string(raw), `"pointer":"/input/who"`) {
		t.Errorf("%d %s", status, raw)
	}
}

func TestActivationsAtOnceLeaveOneActive(t *testing.T) {
	stores(t, func(t *testing.T, env []string) {
		apis := []*osp{start(t, "api", env...), start(t, "api", env...)}
		id := unique("race")
		const versions = 4
		for n := range versions {
			apis[0].version("POST", "/v1/workflows", edition(id, fmt.Sprint(n)))
		}
		var all sync.WaitGroup
		for n := range 4 * versions {
			all.Go(func() {
				apis[n%2].version("POST", "/v1/workflows/"+id+"/state", dict{"version": 1 + n%versions, "state": "active", "reason": "a race"})
			})
		}
		all.Wait()
		_, raw, _ := apis[0].call("GET", "/v1/workflows/"+id, nil)
		if strings.Count(string(raw), `"state":"active"`) != 1 || strings.Count(string(raw), `"state":"deprecated"`) != versions-1 {
			t.Errorf("after the race: %s", raw)
		}
	})
}

func TestADefinitionCallsAnother(t *testing.T) {
	api := start(t, "all", here(t)...)
	child, parent := unique("child"), unique("parent")
	api.deploy(edition(child, "hello"))
	api.deploy(dict{"id": parent, "steps": []dict{
		{"id": "kid", "type": "child_workflow", "child_workflow": dict{"workflow_id": child, "input": dict{"who": "Ada"}}},
	}})
	task := api.task(202, "POST", "/v1/tasks", dict{"type": parent, "input": dict{}})
	var kid string
	eventually(t, enough, func() bool {
		for _, s := range api.task(200, "GET", "/v1/tasks/"+task.ID, nil).Steps {
			kid = s.Child
		}
		return kid != ""
	}, func() any { return task })
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	for ctx.Err() == nil {
		if status, _, _ := api.call("POST", "/v1/tasks/"+kid+"/signals/go_on", nil); status == 202 {
			break
		}
	}
	api.wait(task.ID, enough, saga.Completed)
	if got := said(api.task(200, "GET", "/v1/tasks/"+kid, nil)); got != "hello Ada, hello Ada" {
		t.Errorf("the child said %q", got)
	}
}
