package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// as authenticates everybody as one principal.
type as struct{ p Principal }

func (a as) Authenticate(context.Context, string) (Principal, error) { return a.p, nil }

const bearing = "Authorization: Bearer x"

// people are all kinds of principals, and which of the tasks of [street] they may know of.
var people = []struct {
	p    Principal
	sees string
}{
	{Principal{Name: "reader", Role: RoleReader}, "mine other crossed theirs"},
	{Principal{Name: "starter", Role: RoleStarter}, "mine other crossed theirs"},
	{Principal{Name: "operator", Role: RoleOperator}, "mine other crossed theirs"},
	{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, "mine other"},
	{Principal{Name: "bob", Role: RoleStarter, Owner: bob}, "crossed theirs"},
	{Principal{Name: "till of shop_1", Role: RoleStarter, Service: "shop_1"}, "mine crossed"},
	{Principal{Name: "screen of shop_1", Role: RoleReader, Service: "shop_1"}, "mine crossed"},
	{Principal{Name: "a user who would be operator", Role: RoleOperator, Owner: alice}, "mine other"},
	{Principal{Name: "a till that would be operator", Role: RoleOperator, Service: "shop_1"}, "mine crossed"},
}

// owners are the services of the street, and whose they are.
type owners struct {
	mu    sync.Mutex
	of    map[string]string
	err   error
	asked int
}

func (o *owners) ServiceOwner(_ context.Context, schema string) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.err != nil {
		return "", o.err
	}
	if owner, ok := o.of[schema]; ok {
		return owner, nil
	}
	return "", saga.ErrNotFound
}

// street is a world with services of two users, and an ended task of each user in each that may be.
func street(t *testing.T, p Principal) (*world, *owners) {
	t.Helper()
	services := &owners{of: map[string]string{"shop_1": alice, "shop_2": alice, "shop_3": bob}}
	w := newWorld(t, func(c *Config) { c.Auth, c.Services = as{p}, services })
	for id, of := range map[string][2]string{
		"mine": {alice, "shop_1"}, "other": {alice, "shop_2"}, "crossed": {bob, "shop_1"}, "theirs": {bob, "shop_3"},
	} {
		r := saga.Request{ID: id, Type: "demo", Input: []byte(`{}`), Owner: of[0], Service: of[1]}
		if _, _, err := w.fake.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		w.fake.happen(id, saga.Event{Kind: saga.KindCompleted})
		if _, _, err := w.fake.Deploy(t.Context(), "", []byte("id: "+id), "ann", ""); err != nil { // of the same name: everybody may know of it
			t.Fatal(err)
		}
	}
	return w, services
}

var bodies = map[string]string{
	"/v1/tasks/:id/resolve": `{"step":"a","action":"skip","reason":"r"}`, "/v1/tasks/:id/signals/:name": `1`,
	"/v1/tasks/:id/human/:step": `{"outcome":"completed"}`, "/v1/workflows/:id/state": `{"version":1,"state":"locked","reason":"r"}`,
	"/v1/signals/:name": `{"service":"shop_1"}`, "/v1/pauses/:kind/:name": `{"reason":"r"}`,
	"/v1/webhooks":          `{"url":"https://a.example/","secret_name":"KEY"}`,
	"/v1/webhooks/:id":      `{"enabled":false}`,
	"/v1/tasks/bulk/cancel": `{"filter":{"type":"demo"}}`, "/v1/tasks/bulk/retry": `{"filter":{"type":"demo"}}`,
}

// everybodys are routes that tell of everybody's tasks at once.
var everybodys = []string{"/v1/overview", "/v1/queues", "/v1/pauses", "/v1/scale"}

func TestEveryRouteForEveryPrincipal(t *testing.T) {
	for _, r := range newWorld(t).api.routes() {
		for _, who := range people {
			for _, id := range []string{"mine", "other", "crossed", "theirs"} {
				w, _ := street(t, who.p)
				if r.path == "/v1/tasks/:id/retry" && who.p.Owner == bob && id == "crossed" {
					continue // in a service that is not his: see the test of retries
				}
				path := strings.NewReplacer(":id", id, ":name", "demo", ":slug", "conflict", ":version", "1", ":step", "ask", ":kind", "type").Replace(r.path)
				a := w.call(r.method+" "+path, bodies[r.path], bearing)
				want := "let in"
				switch limited := who.p.Owner != "" || who.p.Service != ""; {
				case strings.HasPrefix(r.path, "/v1/tasks/bulk/") && who.p.Role < RoleOperator && !limited:
					want = "forbidden"
				case r.role > who.p.Role, r.role == RoleOperator && limited, limited && slices.Contains(everybodys, r.path), r.path == "/v1/signals/:name" && who.p.Owner == bob:
					want = "forbidden"
				case strings.HasPrefix(r.path, "/v1/tasks/:id") && !strings.Contains(who.sees, id):
					want = "no-such-task"
				}
				got := "let in"
				if a.Code == 401 || a.Code == 403 || a.Code == 404 {
					got = a.slug()
				}
				if got != want {
					t.Errorf("%s %s as %s: %s, want %s: %s", r.method, path, who.p.Name, got, want, a.Body)
				}
				if grown := len(w.fake.journals[id]) != 2 || len(w.fake.journals) != 4 || len(w.fake.answers) != 0 || len(w.fake.pauses) != 0 || w.fake.flows.change.Version != 0 || w.fake.hooks.touched(); want != "let in" && grown {
					t.Errorf("%s %s as %s: refused, yet done", r.method, path, who.p.Name)
				}
				if want == "no-such-task" && a.Body.String() != w.call(strings.Replace(r.method+" "+path, id, "nowhere", 1), bodies[r.path], bearing).Body.String() {
					t.Errorf("%s %s as %s tells that the task exists: %s", r.method, path, who.p.Name, a.Body)
				}
			}
		}
	}
}

func TestListsAreNarrowedToWhatOneMaySee(t *testing.T) {
	for _, who := range people {
		for query, limits := range map[string]struct{ owner, service, wrong string }{
			"":                  {"", "", ""},
			"?user_id=" + alice: {alice, "", "user_id"},
			"?user_id=" + bob:   {bob, "", "user_id"},
			"?service=shop_1":   {"", "shop_1", "service"},
			"?service=shop_3":   {"", "shop_3", "service"},
		} {
			w, _ := street(t, who.p)
			a := w.call("GET /v1/tasks"+query, "", bearing)
			if who.p.Owner != "" && limits.owner != "" && limits.owner != who.p.Owner ||
				who.p.Service != "" && limits.service != "" && limits.service != who.p.Service {
				if a.Code != 403 || a.faults() != "parameter "+limits.wrong || w.fake.query.Limit != 0 {
					t.Errorf("%s as %s: %d %s", query, who.p.Name, a.Code, a.Body)
				}
				continue
			}
			owner, service := max(limits.owner, who.p.Owner), max(limits.service, who.p.Service)
			if got := w.fake.query; a.Code != 200 || got.Owner != owner || got.Service != service {
				t.Errorf("%s as %s: %d, asks for %+v", query, who.p.Name, a.Code, got)
			}
		}
	}
}

// The same for a start alone, for one in a batch, and for a retry of a task that was started before the limits were.
func TestWhatMayBeStarted(t *testing.T) {
	for _, c := range []struct {
		who, members string
		want         string // what is started, or where it is refused
	}{
		{"alice", `"type":"demo"`, alice + " "},
		{"alice", `"type":"demo","user_id":"` + strings.ToUpper(alice) + `"`, alice + " "},
		{"alice", `"type":"demo","user_id":"` + bob + `"`, "/user_id"},
		{"alice", `"type":"demo","user_id":"` + saga.NilOwner + `"`, "/user_id"},
		{"alice", `"type":"demo","service":"shop_1"`, alice + " shop_1"},
		{"alice", `"type":"demo","service":"shop_3"`, "/service"},
		{"alice", `"type":"demo","service":"nowhere"`, "/service"},
		{"alice", `"type":"demo","service":"SHOP_1"`, "/service"},
		{"alice", `"type":"found"`, alice + " "},
		{"alice", `"type":"found","service":"shop_3"`, "/service"},
		{"alice", `"type":"root"`, "/type"},
		{"alice", `"type":"root","service":"shop_1"`, "/type"},
		{"till of shop_1", `"type":"demo"`, saga.NilOwner + " shop_1"},
		{"till of shop_1", `"type":"demo","service":"shop_1","user_id":"` + bob + `"`, bob + " shop_1"},
		{"till of shop_1", `"type":"demo","service":"shop_2"`, "/service"},
		{"till of shop_1", `"type":"found"`, "/type"},
		{"till of shop_1", `"type":"root"`, "/type"},
		{"a user who would be operator", `"type":"root"`, "/type"},
		{"starter", `"type":"root"`, saga.NilOwner + " "},
		{"starter", `"type":"found","user_id":"` + bob + `"`, bob + " "},
		{"starter", `"type":"demo","service":"nowhere","user_id":"` + bob + `"`, bob + " nowhere"},
	} {
		var p Principal
		for _, someone := range people {
			if someone.p.Name == c.who {
				p = someone.p
			}
		}
		w, _ := street(t, p)
		body := `{"input":{},` + c.members + `}`
		if got := w.started(w.call("POST /v1/tasks", body, bearing), ""); got != c.want {
			t.Errorf("%s as %s: %s, want %s", body, c.who, got, c.want)
		}
		w, _ = street(t, p)
		if got := w.started(w.must(207, "POST /v1/tasks/batch", batchOf(body), bearing), "items.0.problem."); got != "/tasks/0"+c.want && got != c.want {
			t.Errorf("%s in a batch as %s: %s, want %s", body, c.who, got, c.want)
		}
	}
}

// started tells whose task was started and where, or which member was refused with 403.
func (w *world) started(a answer, problem string) string {
	w.t.Helper()
	for id, r := range w.fake.requests {
		if strings.HasPrefix(id, "made") {
			return r.Owner + " " + r.Service
		}
	}
	if a.json(problem+"status") != "403" || a.json(problem+"type") != "/problems/forbidden" {
		w.t.Errorf("not started, and not forbidden: %s", a.Body)
	}
	return a.json(problem + "errors.0.pointer")
}

func TestARetryIsHeldToTheSameRules(t *testing.T) {
	for _, c := range []struct {
		who     Principal
		of      saga.Request
		want    int
		pointer string
	}{
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, saga.Request{Type: "demo", Owner: alice, Service: "shop_1"}, 202, ""},
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, saga.Request{Type: "demo", Owner: alice, Service: "shop_3"}, 403, "/service"},
		{Principal{Name: "alice", Role: RoleStarter, Owner: alice}, saga.Request{Type: "root", Owner: alice}, 403, "/type"},
		{Principal{Name: "till", Role: RoleStarter, Service: "shop_1"}, saga.Request{Type: "demo", Owner: bob, Service: "shop_1"}, 202, ""},
		{Principal{Name: "till", Role: RoleStarter, Service: "shop_1"}, saga.Request{Type: "found", Owner: bob, Service: "shop_1"}, 403, "/type"},
		{Principal{Name: "key", Role: RoleStarter}, saga.Request{Type: "root", Owner: bob, Service: "nowhere"}, 202, ""},
	} {
		w, _ := street(t, c.who)
		c.of.ID, c.of.Input = "old", []byte(`{}`)
		if _, _, err := w.fake.Start(t.Context(), c.of); err != nil {
			t.Fatal(err)
		}
		w.fake.happen("old", saga.Event{Kind: saga.KindCompleted})
		a := w.call("POST /v1/tasks/old/retry", "", bearing)
		if a.Code != c.want || a.json("errors.0.pointer") != c.pointer || (len(w.fake.journals) == 6) != (c.want == 202) {
			t.Errorf("%s of %+v: %d %s", c.who.Name, c.of, a.Code, a.Body)
		}
	}
}

func TestAServiceOfAnotherLooksLikeOneThatIsNot(t *testing.T) {
	w, _ := street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	theirs := w.must(403, "POST /v1/tasks", with(`"service":"shop_3"`), bearing)
	none := w.must(403, "POST /v1/tasks", with(`"service":"nowhere"`), bearing)
	if theirs.Body.String() != none.Body.String() || strings.Contains(theirs.Body.String(), bob) {
		t.Errorf("got %s\nand %s", theirs.Body, none.Body)
	}
}

func TestAnIDOfAnotherIsTakenAndNothingMoreIsTold(t *testing.T) {
	w, _ := street(t, Principal{Name: "bob", Role: RoleStarter, Owner: bob})
	a := w.must(409, "POST /v1/tasks", `{"type":"demo","input":{},"id":"mine"}`, bearing)
	if a.slug() != "conflict" || strings.Contains(a.Body.String(), alice) || a.Header().Get("Location") != "" {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	key := "Idempotency-Key: order-7"
	his := w.must(202, "POST /v1/tasks", demo, bearing, key)
	w.api.auth = as{Principal{Name: "alice", Role: RoleStarter, Owner: alice}}
	if hers := w.must(202, "POST /v1/tasks", demo, bearing, key); hers.json("id") == his.json("id") {
		t.Errorf("two users meet at %s", hers.json("id"))
	}
}

func TestWhileTheStoreIsAwayNobodysServiceCanBeTold(t *testing.T) {
	w, services := street(t, Principal{Name: "alice", Role: RoleStarter, Owner: alice})
	services.err = errors.New("secret-of-the-store")
	for line, body := range map[string]string{
		"POST /v1/tasks": with(`"service":"shop_1"`), "POST /v1/tasks/batch": batchOf(with(`"service":"shop_1"`)),
		"POST /v1/tasks/mine/retry": "",
	} {
		a := w.must(503, line, body, bearing)
		if a.slug() != "unavailable" || a.Header().Get("Retry-After") == "" || strings.Contains(a.Body.String(), "secret") {
			t.Errorf("%s: %v %s", line, a.Header(), a.Body)
		}
	}
	if len(w.fake.journals) != 4 || !strings.Contains(w.log.String(), "secret-of-the-store") {
		t.Errorf("%d tasks; log: %s", len(w.fake.journals), w.log)
	}
	w.must(202, "POST /v1/tasks", demo, bearing) // without a service nobody is asked
	w.api.owners.services = nil
	w.must(403, "POST /v1/tasks", with(`"service":"shop_1"`), bearing)
}
