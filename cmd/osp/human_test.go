package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// booking is a workflow that keeps a table, and has a manager approve of it; a director may too, after some seconds.
func booking(id string, after float64) dict {
	note := func(step string, message string) dict {
		return dict{"id": step, "type": "activity", "activity": dict{"type": "transform_data", "params": dict{"message": message}}}
	}
	return dict{
		"id": id,
		"steps": []dict{
			{"id": "keep", "type": "activity", "activity": dict{
				"type": "create_entity", "params": dict{"entity": "reservations", "data": dict{"customer_name": "Ada", "party_size": 4}},
			}},
			{"id": "approve", "type": "human_task", "description": "A party of four.", "human_task": dict{
				"assignee_role": "manager", "title": "Approve a table", "timeout_seconds": 3600,
				"escalation": dict{"after_seconds": after, "assignee_role": "director", "steps": []string{"hurry"}},
			}},
			note("tell", "${approve.by} says ${approve.output.note}"),
			note("hurry", "hurry"),
		},
	}
}

// person calls the program under a token.
type person struct {
	*osp
	name, token string
}

func (p person) does(want int, method, path string, body any) []byte {
	p.t.Helper()
	status, raw, _ := p.call(method, path, body, "Authorization", "Bearer "+p.token)
	if status != want {
		p.t.Errorf("%s: %s %s: %d, want %d: %s", p.name, method, path, status, want, raw)
	}
	return raw
}

// lists tells which human tasks a person may answer: "task step roles".
func (p person) lists(service string) string {
	p.t.Helper()
	var page struct {
		Tasks []struct {
			Task, Step, Title, Service string
			Roles                      []string
		} `json:"human_tasks"`
	}
	raw := p.does(200, "GET", "/v1/human-tasks?service="+url.QueryEscape(service), nil)
	if err := json.Unmarshal(raw, &page); err != nil {
		p.t.Fatal(err)
	}
	var list []string
	for _, h := range page.Tasks {
		list = append(list, fmt.Sprintf("%s %s %s", h.Task, h.Step, strings.Join(h.Roles, "+")))
	}
	return strings.Join(list, ", ")
}

// A workflow waits for a manager: others are refused, a rejection undoes what was kept, and after the escalation a
// director's word counts.
func TestPeopleAnswerAWorkflow(t *testing.T) {
	s := testenv.Supabase(t)
	operator, entry := newAPIKey(t, "ops", "operator")
	o := start(t, "all", "OSP_AUTH=on", "OSP_API_KEYS="+entry, "REDIS_URL="+testenv.Redis(t), "SUPABASE_URL="+s.URL,
		"SUPABASE_SERVICE_ROLE_KEY="+s.ServiceKey, "SUPABASE_JWT_SECRET="+s.JWTSecret)
	db := connect(t, s.AdminURL)
	n := time.Now().UnixNano() % 1e12
	alice := settle(o, s, fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	as := func(name string, first byte, roles, services []string) person {
		id := strings.Repeat(string(first), 8) + fmt.Sprintf("-0000-4000-8000-%012d", n)
		// What users write about themselves counts for nothing.
		return person{o, name, s.UserKey(id, dict{
			"app_metadata": dict{"roles": roles, "services": services}, "user_metadata": dict{"roles": []string{"manager", "director"}, "services": []string{alice.service}},
		})}
	}
	owner, ops := person{o, "the owner", alice.token}, person{o, "the operator", operator}
	manager := as("a manager", 'b', []string{"manager"}, []string{alice.service})
	elsewhere := as("a manager of another service", 'c', []string{"manager"}, []string{"other"})
	clerk := as("a clerk", 'd', []string{"clerk"}, []string{alice.service})
	director := as("a director", 'e', []string{"director"}, []string{alice.service})

	slow, quick := unique("slow"), unique("quick")
	for id, after := range map[string]float64{slow: 1800, quick: 0.1} {
		var v saga.WorkflowVersion
		if err := json.Unmarshal(ops.does(201, "POST", "/v1/workflows", booking(id, after)), &v); err != nil {
			t.Fatal(err)
		}
		ops.does(200, "POST", "/v1/workflows/"+id+"/state", dict{"version": v.Version, "state": "active", "reason": "it is wanted"})
	}
	kept := func() int { return db.number(`select count(*) from "` + alice.service + `".reservations`) }
	before := kept()
	begin := func(workflow, wait string) (id, answer string) {
		id = o.task(202, "POST", "/v1/tasks", dict{"type": workflow, "service": alice.service, "input": dict{}}, alice.header()...).ID
		eventually(t, enough, func() bool {
			for _, step := range o.task(200, "GET", "/v1/tasks/"+id, nil, alice.header()...).Steps {
				if step.Path == wait && step.State == saga.StepWaiting && step.DueAt != nil && strings.Contains(string(step.Human), "Approve a table") {
					return true
				}
			}
			return false
		}, func() any { return o.task(200, "GET", "/v1/tasks/"+id, nil, alice.header()...) })
		return id, "/v1/tasks/" + id + "/human/approve"
	}
	yes, no := dict{"outcome": "completed", "output": dict{"note": "fine"}}, dict{"outcome": "rejected", "reason": "we are full"}

	first, answer := begin(slow, "approve")
	owner.does(403, "POST", answer, yes)
	for _, p := range []person{elsewhere, clerk, director} {
		p.does(404, "POST", answer, yes)
		if got := p.lists(alice.service); got != "" {
			t.Errorf("%s lists %s", p.name, got)
		}
	}
	for _, p := range []person{owner, manager, ops} {
		p.does(422, "POST", "/v1/tasks/"+first+"/signals/human.approve", yes)
	}
	eventually(t, enough, func() bool { return manager.lists(alice.service) == first+" approve manager" }, func() any { return manager.lists("") })
	manager.does(404, "GET", "/v1/tasks/"+first, nil)
	if kept() != before+1 {
		t.Errorf("%d tables are kept, want one more than %d", kept(), before)
	}
	manager.does(202, "POST", answer, no)
	manager.does(200, "POST", answer, no)
	manager.does(409, "POST", answer, yes)
	ops.does(409, "POST", answer, no)
	ended := func(id string, state saga.State) (task saga.Task) {
		eventually(t, enough, func() bool {
			task = o.task(200, "GET", "/v1/tasks/"+id, nil, alice.header()...)
			return task.State == state
		}, func() any { return task })
		return task
	}
	if task := ended(first, saga.Failed); !strings.Contains(task.Error, "it was rejected: we are full") || kept() != before {
		t.Errorf("%s, and %d tables are kept, not %d", task.Error, kept(), before)
	}
	manager.does(200, "POST", answer, no)

	second, answer := begin(quick, "approve.escalated")
	eventually(t, enough, func() bool { return director.lists(alice.service) == second+" approve manager+director" }, func() any { return director.lists("") })
	clerk.does(404, "POST", answer, yes)
	director.does(202, "POST", answer, yes)
	task := ended(second, saga.Completed)
	if got := said(task); !strings.Contains(got, "hurry") || !strings.Contains(got, "user:eeeeeeee-") || !strings.Contains(got, " says fine") || kept() != before+1 {
		t.Errorf("it said %q, and %d tables are kept, want one more than %d", got, kept(), before)
	}
	eventually(t, enough, func() bool { return director.lists(alice.service) == "" }, func() any { return director.lists("") })
}
