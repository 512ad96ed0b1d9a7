package handlers

import (
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestGet(t *testing.T) {
	w := newWorld(t)
	w.must(202, "POST /v1/tasks", with(`"id":"a:1"`))
	w.fake.happen("a:1", saga.Event{Kind: saga.KindStepStarted, Path: "charge", StepKind: saga.KindActivity})
	for _, path := range []string{"/v1/tasks/a:1", "/v1/tasks/a%3A1"} {
		if a := w.must(200, "GET "+path, ""); a.json("state") != "running" || a.json("steps.0.path") != "charge" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
}

func TestTasksThatCannotBe(t *testing.T) {
	w := newWorld(t)
	for _, action := range []string{"GET ", "GET /events", "POST /cancel", "POST /retry", "POST /resolve", "POST /signals/s"} {
		method, suffix, _ := strings.Cut(action, " ")
		body := ""
		if suffix == "/resolve" {
			body = `{"step":"a","action":"skip","reason":"r"}`
		}
		if a := w.must(404, method+" /v1/tasks/unknown"+suffix, body); a.slug() != "no-such-task" {
			t.Errorf("%s: %s", action, a.Body)
		}
		for _, id := range []string{strings.Repeat("x", 300), "a%2Fb", "a%20b", "%00", "ü", ".."} {
			a := w.must(422, method+" /v1/tasks/"+id+suffix, body)
			if a.slug() != "invalid" || a.faults() != "parameter id" {
				t.Errorf("%s %s: %s", action, id, a.Body)
			}
		}
	}
}

func TestList(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /v1/tasks", ""); a.Body.String() != "{\"tasks\":[]}\n" {
		t.Errorf("an empty list: %s", a.Body)
	}
	if want := (saga.Query{Limit: 50}); w.fake.query != want {
		t.Errorf("got %+v, want %+v", w.fake.query, want)
	}
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	w.fake.page = saga.Page{Tasks: []saga.Task{w.fake.task("a")}, Next: "c2"}
	a := w.must(200, "GET /v1/tasks?status=running&type=demo&service=svc&user_id="+strings.ToUpper(alice)+"&cursor=c1&limit=200"+
		"&state=waiting&search=%25_%2A%2C%28%29.%22%27%5C&from=2026-11-24T08:00:00.123456789Z&until=2026-11-24T09:30:00%2B01:00", "")
	want := saga.Query{
		Status: saga.StatusRunning, State: saga.Waiting, Type: "demo", Service: "svc", Owner: alice,
		Search: "%_*,().\"'\\",
		From:   time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC),
		Until:  time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC), Cursor: "c1", Limit: 200,
	}
	if w.fake.query != want {
		t.Errorf("got %+v, want %+v", w.fake.query, want)
	}
	if a.json("tasks.0.id") != "a" || a.json("next") != "c2" {
		t.Errorf("got %s", a.Body)
	}
	w.fake.page.Tasks[0].Steps = nil // a row whose column is empty
	if a := w.must(200, "GET /v1/tasks", ""); !strings.Contains(a.Body.String(), `"steps":[]`) {
		t.Errorf("got %s", a.Body)
	}
	w.must(200, "GET /v1/tasks?created_after=2026-11-24T08:00:00.123456789Z&created_before=2026-11-24T09:30:00%2B01:00", "")
	if got := w.fake.query; got.From != want.From || got.Until != want.Until {
		t.Errorf("by their other names: %+v", got)
	}
	w.must(200, "GET /v1/tasks?status=&limit=&cursor=", "") // as an empty form sends it
}

func TestListRefuses(t *testing.T) {
	cases := []struct{ what, query, faults string }{
		{"an unknown parameter", "stat=running", "parameter stat"},
		{"several", "b=1&limit=x&a=2", "parameter limit, parameter a, parameter b"},
		{"a parameter twice", "limit=1&limit=2", "parameter limit"},
		{"a state for a status", "status=waiting", "parameter status"},
		{"a state that is none", "state=lost", "parameter state"},
		{"a day for a time", "from=2026-11-24", "parameter from"},
		{"a time whose + is a space", "until=2026-11-24T09:30:00+01:00", "parameter until"},
		{"a time before there were tasks", "from=0000-01-01T00:00:00Z", "parameter from"},
		{"a period of no length", "from=2026-11-24T09:00:00Z&until=2026-11-24T10:00:00%2B01:00", "parameter until"},
		{"a period that ends before it begins", "from=2026-11-24T09:00:00Z&until=2025-11-24T09:00:00Z", "parameter until"},
		{"a bound by both its names", "from=2026-11-24T09:00:00Z&created_after=2026-11-24T09:00:00Z", "parameter created_after"},
		{"a period of no length, by other names", "created_after=2026-11-24T09:00:00Z&created_before=2026-11-24T09:00:00Z", "parameter created_before"},
		{"a search with a NUL", "search=a%00", "parameter search"},
		{"a search that is not UTF-8", "search=%ff", "parameter search"},
		{"a search that is too long", "search=" + strings.Repeat("s", 201), "parameter search"},
		{"limit 0", "limit=0", "parameter limit"},
		{"limit 201", "limit=201", "parameter limit"},
		{"a negative limit", "limit=-1", "parameter limit"},
		{"a limit with a sign", "limit=%2B5", "parameter limit"},
		{"a limit that overflows", "limit=99999999999999999999", "parameter limit"},
		{"a user that is no UUID", "user_id=1", "parameter user_id"},
		{"a type with a space", "type=a%20b", "parameter type"},
		{"a service with a quote", "service=a%27b", "parameter service"},
		{"a cursor that is too long", "cursor=" + strings.Repeat("c", 2000), "parameter cursor"},
		{"a cursor that nobody made", "cursor=forged", "parameter cursor"},
		{"a query that is not one", "a=%zz", ""},
		{"a name that is not UTF-8", "%ff=1", "parameter ?"},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			a := newWorld(t).must(400, "GET /v1/tasks?"+tc.query, "")
			if a.slug() != "bad-parameter" || a.faults() != tc.faults {
				t.Errorf("got %q, want %q: %s", a.faults(), tc.faults, a.Body)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "GET /v1/tasks/counts?status=running&search=card&created_after=2026-11-24T08:00:00Z", "")
	want := saga.Query{Status: saga.StatusRunning, Search: "card", From: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	if w.fake.query != want {
		t.Errorf("got %+v, want %+v", w.fake.query, want)
	}
	if a.json("status.running") != "3" || a.json("state.stuck") != "1" || a.json("state.completed") != "0" || a.json("capped") != "true" {
		t.Errorf("got %s", a.Body)
	}
	if a := w.must(400, "GET /v1/tasks/counts?limit=5", ""); a.faults() != "parameter limit" {
		t.Errorf("got %s", a.Body)
	}
	w, _ = street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	w.must(200, "GET /v1/tasks/counts", "", bearing)
	if w.fake.query.Owner != alice {
		t.Errorf("alice counts %+v", w.fake.query)
	}
	w.must(403, "GET /v1/tasks/counts?user_id="+bob, "", bearing)
	for _, id := range []string{"counts", "bulk", "batch"} { // paths have them
		if a := w.must(422, "POST /v1/tasks", with(`"id":"`+id+`"`), bearing); a.faults() != "pointer /id" {
			t.Errorf("got %s", a.Body)
		}
	}
}

func TestTypes(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /v1/types", ""); a.json("types.1.name") != "found" {
		t.Errorf("got %s", a.Body)
	}
	if a := w.must(200, "GET /v1/types/demo", ""); a.json("input_schema.type") != "object" {
		t.Errorf("got %s", a.Body)
	}
	if a := w.must(404, "GET /v1/types/nope", ""); a.slug() != "no-such-type" {
		t.Errorf("got %s", a.Body)
	}
}
