package handlers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestWorkflowsOfServicesAreGoverned(t *testing.T) {
	w := newWorld(t)
	w.must(201, "POST /v1/workflows", "id: pay", asYAML)
	a := w.must(201, "POST /v1/workflows?service=shop", "id: pay", asYAML)
	if a.Header().Get("Location") != "/v1/workflows/pay/versions/1?service=shop" || a.json("service") != "shop" || a.json("version") != "1" {
		t.Errorf("deployed: %v %s", a.Header(), a.Body)
	}
	if a := w.must(200, "GET "+a.Header().Get("Location"), ""); a.json("service") != "shop" {
		t.Errorf("where it is said to be: %s", a.Body)
	}
	if a := w.must(200, "POST /v1/workflows?service=bar&validate=only", "id: pay", asYAML); a.json("service") != "bar" {
		t.Errorf("looked at: %s", a.Body)
	}
	w.must(201, "POST /v1/workflows?service=shop", "id: pay ", asYAML)
	a = w.must(200, "POST /v1/workflows/pay/state?service=shop", `{"version":2,"state":"active","reason":"r"}`)
	want := saga.VersionChange{Service: "shop", Workflow: "pay", Version: 2, State: saga.VersionActive, By: "anonymous", Reason: "r"}
	if a.json("service") != "shop" || w.fake.flows.change != want {
		t.Errorf("%s, asked for %+v", a.Body, w.fake.flows.change)
	}
	for line, want := range map[string]string{
		"GET /v1/workflows/pay?service=shop":                  `"version":2`,
		"GET /v1/workflows/pay/audit?service=shop&limit=1":    `"service":"shop"`,
		"GET /v1/workflows/pay/versions/2?service=shop":       `"service":"shop"`,
		"GET /v1/workflows/pay/diff?service=shop&from=1&to=2": `"service":"shop"`,
	} {
		if a := w.must(200, line, ""); !strings.Contains(a.Body.String(), want) {
			t.Errorf("%s: %s", line, a.Body)
		}
		w.must(404, strings.ReplaceAll(line, "shop", "bar"), "")
		if a := w.call(strings.ReplaceAll(line, "shop", "no+service"), ""); a.slug() != "bad-parameter" {
			t.Errorf("%s of what cannot be a service: %s", line, a.Body)
		}
	}
	for line, slug := range map[string]string{
		"POST /v1/workflows/pay/state?service=bar":  "no-such-workflow",
		"POST /v1/workflows/pay/state":              "no-such-workflow",
		"POST /v1/workflows/pay/state?schema=shop":  "bad-parameter",
		"POST /v1/workflows/pay/state?service=a%2F": "bad-parameter",
	} {
		if a := w.call(line, `{"version":2,"state":"active","reason":"r"}`); a.slug() != slug {
			t.Errorf("%s: %d %s", line, a.Code, a.Body)
		}
	}
	if a := w.call("POST /v1/workflows/pay/state", `{"version":1,"state":"active","reason":"r","service":"shop"}`); a.json("errors.0.pointer") != "/service" {
		t.Errorf("a service in the body: %d %s", a.Code, a.Body)
	}
}

// list tells the workflows of a list, read one by one.
func (w *world) list(query string) string {
	w.t.Helper()
	var words []string
	for next := ""; ; {
		a := w.call("GET /v1/workflows?limit=1"+query+next, "", bearing)
		if a.Code != 200 {
			return a.slug() + " " + a.faults()
		}
		if a.json("versions.0.workflow") != "" {
			words = append(words, a.json("versions.0.service")+"/"+a.json("versions.0.workflow"))
		}
		if a.json("next") == "" {
			return strings.Join(words, " ")
		}
		next = "&cursor=" + a.json("next")
	}
}

func TestEverybodySeesTheWorkflowsThatMayBeTheirs(t *testing.T) {
	const foreign = "forbidden parameter service"
	operator, till := Principal{Name: "o", Role: RoleOperator}, Principal{Name: "t", Role: RoleReader, Service: "shop_1"}
	user := Principal{Name: "alice", Role: RoleStarter, Owner: alice}
	for _, c := range []struct {
		who         Principal
		query, want string
	}{
		{operator, "", "/pay shop_1/pay shop_1/ship shop_3/pay"},
		{operator, "&service=shop_1", "shop_1/pay shop_1/ship"},
		{operator, "&service=shop_9", ""},
		{till, "", "/pay shop_1/pay shop_1/ship"},
		{till, "&service=shop_1", "shop_1/pay shop_1/ship"},
		{till, "&service=shop_3", foreign},
		{user, "", "/pay"},
		{user, "&service=shop_1", "shop_1/pay shop_1/ship"},
		{user, "&service=shop_3", foreign},
		{user, "&service=shop_9", foreign},
	} {
		w, _ := street(t, c.who)
		w.fake.flows.list = nil
		for _, of := range []string{"/pay", "shop_3/pay", "shop_1/ship", "shop_1/pay"} {
			service, id, _ := strings.Cut(of, "/")
			if _, _, err := w.fake.Deploy(t.Context(), service, []byte("id: "+id), "ann", ""); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.list(c.query); got != c.want {
			t.Errorf("%s as %s: %q, want %q", c.query, c.who.Name, got, c.want)
		}
		if c.query == "" {
			continue
		}
		if a := w.call("GET /v1/workflows/pay?"+c.query[1:], "", bearing); (a.Code == 403) != (c.want == foreign) {
			t.Errorf("versions, %s as %s: %d %s", c.query, c.who.Name, a.Code, a.Body)
		}
	}
}

func TestTheTypeOfAWorkflowIsRead(t *testing.T) {
	user, till := Principal{Role: RoleStarter, Owner: alice}, Principal{Role: RoleReader, Service: "shop_1"}
	for _, c := range []struct {
		who         Principal
		query, want string
	}{
		{Principal{Role: RoleReader}, "pay", "of "},
		{Principal{Role: RoleReader}, "pay?service=shop_1", "of shop_1"},
		{Principal{Role: RoleReader}, "pay?service=shop_2", "no-such-type"},
		{Principal{Role: RoleReader}, "pay?schema=shop_1", "bad-parameter"},
		{Principal{Role: RoleReader}, "demo?service=shop_1", "For tests"},
		{till, "pay", "of shop_1"},
		{till, "pay?service=shop_3", "forbidden"},
		{user, "pay", "of "},
		{user, "pay?service=shop_1", "of shop_1"},
		{user, "pay?service=shop_3", "forbidden"},
	} {
		w, _ := street(t, c.who)
		for _, service := range []string{"", "shop_1", "shop_3"} {
			if _, _, err := w.fake.Deploy(t.Context(), service, []byte("id: pay"), "ann", ""); err != nil {
				t.Fatal(err)
			}
		}
		a := w.call("GET /v1/types/"+c.query, "", bearing)
		got := a.json("description")
		if a.Code != 200 {
			got = a.slug()
		}
		if got != c.want {
			t.Errorf("%s as %+v: %q, want %q", c.query, c.who, got, c.want)
		}
	}
}

func TestWhoseAServiceIsMayBeUnknown(t *testing.T) {
	w, services := street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	services.err = errors.New("away")
	for _, line := range []string{"GET /v1/workflows?service=shop_1", "GET /v1/workflows/mine?service=shop_1", "GET /v1/types/mine?service=shop_1"} {
		if a := w.call(line, "", bearing); a.Code != 503 {
			t.Errorf("%s: %d %s", line, a.Code, a.Body)
		}
	}
}

func TestCursorsOfWorkflowsAreChecked(t *testing.T) {
	for cursor, want := range map[string]saga.WorkflowKey{
		afterWorkflow(saga.WorkflowKey{Service: "a.b:c", ID: "pay"}): {Service: "a.b:c", ID: "pay"},
		afterWorkflow(saga.WorkflowKey{ID: "pay"}):                   {ID: "pay"},
		"cGF5": {}, "L3Bh/eQ": {}, "pay": {}, "YS8": {}, "Lw": {}, "YSBiL3BheQ": {}, "%00": {},
	} {
		got, ok := workflowAfter(cursor)
		if ok != (want.ID != "") || ok && got != want {
			t.Errorf("%s: %+v %v", cursor, got, ok)
		}
		if want.ID == "" {
			w := newWorld(t)
			if a := w.call("GET /v1/workflows?cursor="+cursor, ""); fmt.Sprint(a.Code, a.faults()) != "400parameter cursor" {
				t.Errorf("%s: %d %s", cursor, a.Code, a.Body)
			}
		}
	}
}

// A misspelt service gets its workflow, for it may be made later, and is told of.
func TestAServiceThatThereIsNotIsToldOf(t *testing.T) {
	services := &owners{of: map[string]string{"shop_1": alice}}
	w := newWorld(t, func(c *Config) { c.Services = services })
	for service, warned := range map[string]bool{"shop_1": false, "shop_one": true} {
		a := w.must(201, "POST /v1/workflows?service="+service, "id: pay", asYAML)
		if strings.Contains(a.Body.String(), "There is no service of this schema") != warned {
			t.Errorf("%s: %s", service, a.Body)
		}
	}
}
