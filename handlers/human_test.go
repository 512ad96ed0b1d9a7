package handlers

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

const carol = "cccccccc-0000-4000-8000-000000000003"

// staff are kinds of principals that differ in what they may answer, besides [people].
func staff() map[string]Principal {
	all := map[string]Principal{}
	for _, who := range people {
		all[who.p.Name] = who.p
	}
	user := func(name, id string, roles, services []string) {
		all[name] = Principal{Name: "user:" + id, Role: RoleStarter, Owner: id, Duties: &Duties{Roles: roles, Services: services}}
	}
	user("alice, a manager", alice, []string{"manager", "auditor"}, nil)
	user("alice, a clerk", alice, []string{"clerk"}, []string{"shop_1"})
	user("carol, a manager of shop_1", carol, []string{"manager"}, []string{"shop_2", "shop_1"})
	user("carol, a manager of shop_2", carol, []string{"manager"}, []string{"shop_2"})
	user("carol, a manager of no service", carol, []string{"manager"}, nil)
	user("carol, a clerk of shop_1", carol, []string{"clerk"}, []string{"shop_1"})
	user("carol, who is called all things", carol, []string{"owner", "reader", "starter", "operator"}, []string{"shop_1"})
	user("dave, who owns shop_1 and manages", bob, []string{"manager"}, nil)
	key := func(name, keyName, service string, role Role) {
		all[name] = Principal{Name: keyName, Role: role, Service: service}
	}
	key("the key manager", "manager", "", RoleStarter)
	key("the key manager of shop_1", "manager", "shop_1", RoleStarter)
	key("the key manager of shop_2", "manager", "shop_2", RoleStarter)
	key("the key manager, a reader", "manager", "shop_1", RoleReader)
	key("the key owner of shop_1", "owner", "shop_1", RoleStarter)
	key("the key operator of shop_1", "operator", "shop_1", RoleStarter)
	return all
}

// TestWhoMayAnswer has everybody answer a task of alice's in shop_1, by what its human task asks for.
func TestWhoMayAnswer(t *testing.T) {
	const operators = "operator"
	alices := "alice; a user who would be operator; alice, a manager; alice, a clerk"
	keys := "starter; till of shop_1; a till that would be operator; the key manager; the key manager of shop_1; the key owner of shop_1; the key operator of shop_1"
	managers := "alice, a manager; carol, a manager of shop_1; dave, who owns shop_1 and manages; the key manager; the key manager of shop_1"
	for _, c := range []struct{ roles, may string }{
		{"owner", alices},
		{"operator", ""},
		{"reader", ""},
		{"starter", alices + "; " + keys},
		{"manager", managers},
		{"clerk", "alice, a clerk; carol, a clerk of shop_1"},
		{"Manager", ""},
		{"user:" + alice, ""},
		{"user:" + carol, ""},
		{"manager+clerk", managers + "; alice, a clerk; carol, a clerk of shop_1"},
		{"manager+owner", managers + "; " + alices},
	} {
		may := strings.Split(c.may+"; "+operators, "; ")
		for name, p := range staff() {
			w, services := street(t, p)
			services.of["shop_1"] = bob // alice's task stands in a service that is not hers
			w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Roles: strings.Split(c.roles, "+")}, State: saga.HumanOpen}
			a := w.call("POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`, bearing)
			want := "forbidden"
			switch sees := p.sees(saga.Task{UserID: alice, Service: "shop_1"}); {
			case slices.Contains(may, name):
				want = ""
			case !sees && p.Role >= RoleStarter:
				want = "no-such-task"
			}
			got := ""
			if a.Code != 202 {
				got = a.slug()
			}
			if got != want || (len(w.fake.answers) == 1) != (want == "") {
				t.Errorf("%s to %s: %q, want %q: %d %s", name, c.roles, got, want, a.Code, a.Body)
			}
			if want == "no-such-task" && a.Body.String() != w.call("POST /v1/tasks/nowhere/human/ask", `{"outcome":"completed"}`, bearing).Body.String() {
				t.Errorf("%s to %s: it is told that there is a task: %s", name, c.roles, a.Body)
			}
		}
		for _, name := range may {
			if _, ok := staff()[name]; !ok && name != "" {
				t.Errorf("nobody is called %q", name)
			}
		}
	}
}

// TestADutyShowsNothingElse has a manager, who may answer a task of alice's, try to see and steer it.
func TestADutyShowsNothingElse(t *testing.T) {
	w, _ := street(t, staff()["carol, a manager of shop_1"])
	w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Title: "secret", Roles: []string{"manager"}}, State: saga.HumanAhead}
	const line, yes = "POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`
	if a := w.must(404, line, yes, bearing); a.slug() != "no-such-task" {
		t.Errorf("before it has begun: %s", a.Body)
	}
	w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Title: "secret", Roles: []string{"manager"}}, State: saga.HumanOpen}
	if a := w.must(202, line, yes, bearing); strings.Contains(a.Body.String(), alice) || a.Header().Get("Location") != "" || strings.Contains(a.Body.String(), "secret") {
		t.Errorf("told %v %s", a.Header(), a.Body)
	}
	for _, other := range []string{
		"GET /v1/tasks/mine", "GET /v1/tasks/mine/events", "POST /v1/tasks/mine/cancel", "POST /v1/tasks/mine/signals/go", "POST /v1/tasks/mine/retry",
		"POST /v1/tasks/mine/human/other",
	} {
		w.must(404, other, "", bearing)
	}
	if w.must(200, "GET /v1/tasks", "", bearing); w.fake.query.Owner != carol {
		t.Errorf("she lists the tasks of %q", w.fake.query.Owner)
	}
}

func TestWhileTheStoreIsAwayAServicesOwnerCannotBeTold(t *testing.T) {
	w, services := street(t, staff()["dave, who owns shop_1 and manages"])
	services.err = errors.New("away")
	w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Roles: []string{"manager"}}, State: saga.HumanOpen}
	w.must(503, "POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`, bearing)
	w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Roles: []string{"clerk"}}, State: saga.HumanOpen}
	w.must(404, "POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`, bearing) // not hers: nobody is asked
	if len(w.fake.answers) != 0 {
		t.Errorf("taken: %+v", w.fake.answers)
	}
}

// TestWhatIsNotToBeHadIsNotToldToStrangers has everybody answer while it is not known who may.
func TestWhatIsNotToBeHadIsNotToldToStrangers(t *testing.T) {
	hidden := 0
	for name, p := range staff() {
		if p.Role < RoleStarter {
			continue
		}
		w, services := street(t, p)
		services.of["shop_1"] = bob
		w.fake.humanErr = saga.ErrUnavailable
		w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Roles: []string{"manager"}}, State: saga.HumanOpen}
		a := w.call("POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`, bearing)
		might := p.sees(saga.Task{UserID: alice, Service: "shop_1"}) || slices.Contains(p.services(), "shop_1") ||
			name == "dave, who owns shop_1 and manages"
		if might != (a.Code == 503) {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
		if might {
			continue
		}
		hidden++
		w.fake.humanErr = nil
		if b := w.call("POST /v1/tasks/nowhere/human/ask", `{"outcome":"completed"}`, bearing); a.Body.String() != b.Body.String() {
			t.Errorf("%s is told that there is a task: %s", name, a.Body)
		}
	}
	if hidden < 5 {
		t.Errorf("it was hidden from %d", hidden)
	}
}

func TestAnAnswer(t *testing.T) {
	w, _ := street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	line := "POST /v1/tasks/mine/human/"
	for state, c := range map[saga.HumanState][2]string{
		saga.HumanNone:  {"no-such-human-task", "has no step of this path"},
		saga.HumanAhead: {"not-waiting", `The step "l[3]/ask" has not begun`}, saga.HumanOver: {"not-waiting", `The step "l[3]/ask" waits no longer`},
	} {
		w.fake.humans["l[3]/ask"] = saga.HumanTask{Human: saga.Human{Roles: []string{"owner"}}, State: state}
		if a := w.call(line+"l%5B3%5D%2Fask", `{"outcome":"completed"}`, bearing); a.slug() != c[0] || !strings.Contains(a.json("detail"), c[1]) {
			t.Errorf("%s: %d %s", state, a.Code, a.Body)
		}
	}
	if a := w.must(404, line+"nothing", `{"outcome":"completed"}`, bearing); a.slug() != "no-such-human-task" {
		t.Errorf("no such step: %s", a.Body)
	}
	for body, want := range map[string]string{
		``: "pointer /outcome", `{}`: "pointer /outcome", `{"outcome":"perhaps"}`: "pointer /outcome", `{"outcome":"completed","by":"bob"}`: "pointer /by",
		`{"outcome":"completed","output":[1]}`: "pointer /output", `{"outcome":"completed","reason":7}`: "pointer /reason", `[]`: "pointer ",
	} {
		if a := w.must(422, line+"ask", body, bearing); a.faults() != want {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	w.must(422, line+strings.Repeat("x", 1025), `{"outcome":"completed"}`, bearing)
	w.must(413, line+"ask", `{"outcome":"completed","output":{"x":"`+strings.Repeat("x", maxSignal)+`"}}`, bearing)
	if len(w.fake.answers) != 0 {
		t.Fatalf("taken: %+v", w.fake.answers)
	}
	a := w.must(202, line+"ask", `{"outcome":"rejected", "reason":"no", "output": {"n": 1}}`, bearing)
	given := w.fake.answers[0]
	if got := strings.Join([]string{given.Outcome, given.Reason, string(given.Output), given.By}, " "); got != `rejected no {"n": 1} alice` || a.json("by") != "alice" || a.json("step") != "ask" {
		t.Errorf("taken %s, told %s", got, a.Body)
	}
	w.fake.humans["ask"] = saga.HumanTask{Human: saga.Human{Roles: []string{"owner"}}, State: saga.HumanAnswered}
	w.must(200, line+"ask", `{"outcome":"completed","output":null}`, bearing)
	if a := w.must(409, line+"ask", `{"outcome":"rejected"}`, bearing); a.slug() != "answered" {
		t.Errorf("another answer: %s", a.Body)
	}
}

// TestAnAnswerIsNoSignal has operators, too, try to go around the roles.
func TestAnAnswerIsNoSignal(t *testing.T) {
	for name, p := range staff() {
		w, _ := street(t, p)
		a := w.call("POST /v1/tasks/mine/signals/human.ask", `{"outcome":"completed"}`, bearing)
		if p.Role >= RoleStarter && (a.Code != 422 || a.faults() != "parameter name" || !strings.Contains(a.Body.String(), "/human/{step}")) || len(w.fake.signals) != 0 {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
}

// TestDutiesAreWhatTheProjectSays reads tokens: what users write themselves counts for nothing.
func TestDutiesAreWhatTheProjectSays(t *testing.T) {
	p := newProject(t)
	w, tokens := users(t, p, "", quick)
	w.must(200, "GET /v1/types", "", "Authorization: Bearer "+p.es256(nil)) // its keys are read
	for _, c := range []struct {
		claims dict
		want   string
	}{
		{dict{}, ""},
		{dict{"app_metadata": dict{"roles": []string{"a", "b"}, "role": "c", "services": []string{"shop_1"}}}, "[a b c] [shop_1]"},
		{dict{"app_metadata": dict{"role": "c", "services": "shop_1"}}, "[c] []"},
		{dict{"app_metadata": dict{"services": []string{"shop_1"}}}, ""},
		{dict{"app_metadata": dict{"roles": []any{1, nil, "", []string{"x"}, "a"}}}, "[a] []"},
		{dict{"app_metadata": dict{"roles": "a", "Role": "b", "ROLES": []string{"c"}}}, ""},
		{dict{"app_metadata": []string{"roles"}}, ""},
		{dict{"user_metadata": dict{"roles": []string{"a"}, "role": "c", "services": []string{"shop_1"}}, "roles": []string{"a"}, "user_role": "a"}, ""},
	} {
		who, err := tokens.Authenticate(t.Context(), p.es256(c.claims))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if who.Duties != nil {
			got = fmt.Sprint(who.Duties.Roles, who.Duties.Services)
		}
		if got != c.want || who.Role != RoleStarter {
			t.Errorf("%v: %q, want %q", c.claims, got, c.want)
		}
	}
}

// TestListsOfHumanTasks asks for what everybody may answer: what is listed is what is let in.
func TestListsOfHumanTasks(t *testing.T) {
	for name, p := range staff() {
		for _, role := range []string{"owner", "operator", "reader", "starter", "manager", "clerk", "user:" + alice} {
			w, services := street(t, p)
			services.of["shop_1"] = bob
			h := saga.HumanTask{Human: saga.Human{Title: "Approve", Roles: []string{role}}, State: saga.HumanOpen, Owner: alice, Service: "shop_1"}
			w.fake.humans["ask"] = h
			a := w.call("GET /v1/human-tasks?service=shop_1&role="+url.QueryEscape(role)+"&limit=7", "", bearing)
			switch {
			case p.Role < RoleStarter, p.Service != "" && p.Service != "shop_1":
				if a.Code != 403 {
					t.Errorf("%s: %d %s", name, a.Code, a.Body)
				}
				continue
			case a.Code != 200 || w.fake.asked.Service != "shop_1" || w.fake.asked.Role != role || w.fake.asked.Limit != 7:
				t.Errorf("%s: %d, asked for %+v", name, a.Code, w.fake.asked)
			}
			listed := a.json("human_tasks.0.step") == "ask" && a.json("human_tasks.0.title") == "Approve" && a.json("next") == "more"
			if may := w.call("POST /v1/tasks/mine/human/ask", `{"outcome":"completed"}`, bearing).Code == 202; listed != may || strings.Contains(a.Body.String(), alice) && role == "owner" {
				t.Errorf("%s, for %s: listed %t, answered %t: %s", name, role, listed, may, a.Body)
			}
		}
	}
	w, _ := street(t, staff()["operator"])
	if a := w.must(400, "GET /v1/human-tasks?cursor=forged", "", bearing); a.faults() != "parameter cursor" {
		t.Errorf("a forged cursor: %s", a.Body)
	}
	w.must(400, "GET /v1/human-tasks?limit=0", "", bearing)
	w.must(400, "GET /v1/human-tasks?user_id="+alice, "", bearing)
	w, services := street(t, staff()["carol, a manager of no service"])
	services.err = errors.New("away")
	w.must(503, "GET /v1/human-tasks?service=shop_1", "", bearing)
	w.must(200, "GET /v1/human-tasks", "", bearing)
}
