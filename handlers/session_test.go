package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestSigningIn(t *testing.T) {
	for _, c := range []struct{ what, password, name, role, service string }{
		{"the operator", operatorPassword, "password:operator", "operator", ""},
		{"a reader's key", readerKey, "dash", "reader", ""},
		{"the key of a service", tillKey, "till", "starter", "shop_1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := newDesk(t)
			a := d.must(200, "POST /ui/session", `{"password":"`+c.password+`"}`)
			for _, a := range []answer{a, d.must(200, "GET /ui/session", "", cookieOf(a))} {
				if a.json("signed_in") != "true" || a.json("open") != "false" || a.json("name") != c.name || a.json("role") != c.role ||
					a.json("service") != c.service || a.json("logins") != "[password]" {
					t.Errorf("got %s", a.Body)
				}
			}
			ends, err := time.Parse(time.RFC3339, a.json("expires_at"))
			if err != nil || ends.Sub(d.clock()).Round(time.Minute) != 12*time.Hour {
				t.Errorf("ends at %s", a.json("expires_at"))
			}
			cookie := a.Result().Cookies()[0]
			if cookie.Name != "__Host-osp_session" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode ||
				cookie.Path != "/" || cookie.Domain != "" || len(cookie.Value) != 43 {
				t.Errorf("got %+v", cookie)
			}
			d.must(200, "GET /v1/types", "", cookieOf(a))
			for id, sealed := range d.shelf.kept {
				for _, hidden := range []string{c.password, c.name, cookie.Value, hashOf(c.password)} {
					if strings.Contains(id+string(sealed), hidden) {
						t.Errorf("the store has %q", hidden)
					}
				}
			}
			if strings.Contains(d.log.String(), c.password) || strings.Contains(d.log.String(), cookie.Value) {
				t.Errorf("a secret is in the log: %s", d.log)
			}
		})
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("x", 1025)
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"password":"wrong wrong wrong"}`, 401},
		{`{"password":"osp_wrong"}`, 401},
		{`{"password":"` + hashOf(readerKey) + `"}`, 401},
		{`{"email":"alice@example.com","password":"hunter2 hunter2"}`, 401}, // there is no Supabase here
		{`{"email":"alice@example.com","password":"` + operatorPassword + `"}`, 401},
		{`{"password":""}`, 422},
		{`{"password":"` + long + `"}`, 422},
		{`{}`, 422},
		{``, 422},
		{`{"password":7}`, 422},
		{`{"password":"x","role":"operator"}`, 422},
		{`{"password":"x"`, 400},
		{`[]`, 422},
		{`{"password":"` + strings.Repeat("x", 9000) + `"}`, 413},
	} {
		a := d.must(c.status, "POST /ui/session", c.body)
		if cookieOf(a) != "" || d.shelf.size() != 0 {
			t.Errorf("%s: a session: %v", c.body, a.Header())
		}
		if strings.Contains(d.log.String()+a.Body.String(), "wrong wrong") {
			t.Errorf("what was typed is told: %s %s", a.Body, d.log)
		}
	}
	d.must(415, "POST /ui/session", "password=x", "Content-Type: application/x-www-form-urlencoded")
	d.operator.Replace("")
	if a := d.must(200, "GET /ui/session", ""); a.json("logins") != "[password]" { // keys are there
		t.Errorf("got %s", a.Body)
	}
	d.keys.Replace(nil)
	if a := d.must(200, "GET /ui/session", ""); a.json("logins") != "[]" {
		t.Errorf("got %s", a.Body)
	}
	d.must(401, "POST /ui/session", `{"password":"`+operatorPassword+`"}`)
	if a := d.must(200, "GET /ui/session", ""); a.json("signed_in") != "false" || a.json("role") != "" {
		t.Errorf("got %s", a.Body)
	}
}

func TestWhereEverybodyMayCallNobodySignsIn(t *testing.T) {
	w := newWorld(t)
	for _, line := range []string{"GET /ui/session", "POST /ui/session"} {
		a := w.must(200, line, "")
		if a.json("open") != "true" || a.json("signed_in") != "false" || a.json("role") != "operator" || a.json("logins") != "[]" || cookieOf(a) != "" {
			t.Errorf("%s: %s %v", line, a.Body, a.Header())
		}
	}
	w.must(204, "DELETE /ui/session", "")
	w = newWorld(t, guarded) // without a store
	w.must(401, "POST /ui/session", `{"password":"`+operatorKey+`"}`)
}

func TestAnIdThatABrowserBringsIsNeverTakenUp(t *testing.T) {
	d := newDesk(t)
	planted := "Cookie: " + newSecret().cookie(d.clock()).String()
	planted, _, _ = strings.Cut(planted, ";")
	mine := d.enter(operatorPassword, planted)
	if mine == planted {
		t.Fatal("the planted id is the session's")
	}
	d.must(401, "GET /v1/types", "", planted)

	other := d.enter(readerKey, mine)
	if other == mine {
		t.Fatal("the same id again")
	}
	d.must(401, "GET /v1/types", "", mine) // the old one has ended
	d.must(200, "GET /v1/types", "", other)
	if d.shelf.size() != 1 {
		t.Errorf("%d sessions", d.shelf.size())
	}
	for _, bad := range []string{"", "x", strings.Repeat("A", 42), strings.Repeat("A", 44), strings.Repeat("A", 43), strings.Repeat("%", 43), "../" + strings.Repeat("A", 40)} {
		reads := d.shelf.reads
		d.must(401, "GET /v1/types", "", "Cookie: "+sessionCookie+"="+bad)
		if asked := d.shelf.reads - reads; bad != strings.Repeat("A", 43) && asked != 0 {
			t.Errorf("%q is looked up", bad)
		}
	}
}

func TestSigningOut(t *testing.T) {
	d := newDesk(t)
	cookie := d.enter(operatorPassword)
	a := d.must(204, "DELETE /ui/session", "", cookie)
	if got := a.Header().Get("Set-Cookie"); !strings.HasPrefix(got, sessionCookie+"=; Path=/; Max-Age=0; HttpOnly; Secure") {
		t.Errorf("Set-Cookie: %s", got)
	}
	d.must(401, "GET /v1/types", "", cookie) // a copy is of no use
	d.must(204, "DELETE /ui/session", "", cookie)
	if a := d.must(200, "GET /ui/session", "", cookie); a.json("signed_in") != "false" || !strings.Contains(a.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("got %s %v", a.Body, a.Header())
	}
}

func TestASessionEnds(t *testing.T) {
	d := newDesk(t)
	used, idle := d.enter(operatorPassword), d.enter(operatorPassword)
	for range 7 { // every 100 minutes: 11 h 40 min
		d.later(100 * time.Minute)
		d.must(200, "GET /v1/types", "", used)
	}
	d.must(401, "GET /v1/types", "", idle)
	d.later(21 * time.Minute)
	if a := d.must(401, "GET /v1/types", "", used); a.json("detail") != "The session has ended. Sign in again." {
		t.Errorf("got %s", a.Body)
	}

	// What the store has forgotten to forget has ended all the same.
	cookie := d.enter(operatorPassword)
	for id := range d.shelf.until {
		d.shelf.until[id] = d.clock().Add(1000 * time.Hour)
	}
	d.later(12*time.Hour + time.Second)
	d.must(401, "GET /v1/types", "", cookie)
}

func TestASessionDoesNotOutliveWhatItCameFrom(t *testing.T) {
	d := newDesk(t)
	key, password := d.enter(starterKey), d.enter(operatorPassword)
	d.giveKeys("shop:reader:" + hashOf(starterKey))
	if a := d.must(200, "GET /ui/session", "", key); a.json("role") != "reader" {
		t.Errorf("the key is a reader's by now: %s", a.Body)
	}
	d.giveKeys("shop:starter:" + hashOf("osp_another"))
	d.must(401, "GET /v1/types", "", key)
	d.giveKeys("shop:starter:" + hashOf(starterKey))
	d.must(401, "GET /v1/types", "", key) // what has ended does not begin again

	d.operator.Replace("another password of the operator")
	d.must(401, "GET /v1/types", "", password)
	d.must(401, "POST /ui/session", `{"password":"`+operatorPassword+`"}`)
	d.must(200, "POST /ui/session", `{"password":"another password of the operator"}`)
}

func TestPagesOfOtherSitesDoNothingWithASession(t *testing.T) {
	for _, evil := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null"} {
		d := newDesk(t)
		cookie := d.enter(operatorPassword)
		for _, r := range d.api.routes() {
			if r.method == http.MethodGet {
				continue
			}
			path := strings.NewReplacer(":id", "a", ":name", "demo", ":step", "ask").Replace(r.path)
			if r.role == 0 && path != "/ui/session" {
				continue // has a secret of its own
			}
			if a := d.must(403, r.method+" "+path, bodies[r.path], cookie, evil); a.slug() != "cross-site" {
				t.Errorf("%s %s, %s: %s", r.method, path, evil, a.Body)
			}
		}
		if len(d.fake.journals) != 0 || d.shelf.size() != 1 {
			t.Errorf("%s: refused, yet done", evil)
		}
		if rec := d.get("POST /monitor/api/queues/default:pause", cookie, evil); rec.Code != 403 {
			t.Errorf("%s: the monitor answers %d", evil, rec.Code)
		}
		d.must(200, "GET /v1/types", "", cookie, evil)
		d.must(202, "POST /v1/tasks", demo, cookie, "Sec-Fetch-Site: same-origin")
		d.must(202, "POST /v1/tasks", with(`"id":"b"`), cookie, "Origin: http://example.com") // as the request's Host
		d.must(202, "POST /v1/tasks", with(`"id":"c"`), cookie, evil, "Authorization: Bearer "+starterKey)
		if d.fake.requests["b"].By != "password:operator" || d.fake.requests["c"].By != "shop" {
			t.Errorf("by %q, %q: a token counts before a cookie", d.fake.requests["b"].By, d.fake.requests["c"].By)
		}
		d.must(401, "GET /v1/types", "", cookie, "Authorization: Bearer osp_wrong")
		d.must(401, "POST /ui/session", `{"password":"wrong"}`, evil[:0]+"Sec-Fetch-Site: same-origin")
	}
}

func TestTooManySignIns(t *testing.T) {
	d := newDesk(t)
	try := func(password, from string) answer {
		r := request(t, "POST /ui/session", `{"password":"`+password+`"}`)
		r.RemoteAddr = from
		rec := answer{serve(d.world, r), t}
		documented(t, r, rec.ResponseRecorder)
		return rec
	}
	for range 20 { // who knows the password is not counted
		if a := try(operatorPassword, "192.0.2.1:1"); a.Code != 200 {
			t.Fatalf("got %d", a.Code)
		}
	}
	for i := range 10 {
		if a := try("wrong", fmt.Sprintf("192.0.2.1:%d", 1000+i)); a.Code != 401 {
			t.Fatalf("attempt %d: %d", i, a.Code)
		}
	}
	a := try(operatorPassword, "192.0.2.1:1") // the right one tells nothing, either
	if a.Code != 429 || a.slug() != "too-many-sign-ins" || a.Header().Get("Retry-After") != "6" {
		t.Errorf("got %d %v %s", a.Code, a.Header(), a.Body)
	}
	if a := try(operatorPassword, "192.0.2.2:1"); a.Code != 200 {
		t.Errorf("another address gets %d", a.Code)
	}
	d.later(7 * time.Second)
	if a := try(operatorPassword, "192.0.2.1:1"); a.Code != 200 {
		t.Errorf("later: %d", a.Code)
	}
	refused := 0
	for i := range 200 { // from everywhere
		if try("wrong", fmt.Sprintf("198.51.100.%d:1", i)).Code == 429 {
			refused++
		}
	}
	if refused < 90 || refused > 120 {
		t.Errorf("%d of 200 are refused", refused)
	}
}

func TestWhoseAddressItIs(t *testing.T) {
	for _, c := range []struct {
		remote, forwarded string
		proxies           int
		want              string
	}{
		{"192.0.2.1:80", "", 0, "192.0.2.1"},
		{"192.0.2.1:80", "203.0.113.9", 0, "192.0.2.1"},
		{"10.0.0.1:80", "203.0.113.9", 1, "203.0.113.9"},
		{"10.0.0.1:80", "1.1.1.1, 203.0.113.9", 1, "203.0.113.9"},
		{"10.0.0.1:80", "1.1.1.1, 203.0.113.9, 10.0.0.2", 2, "203.0.113.9"},
		{"10.0.0.1:80", "", 1, "10.0.0.1"},
		{"10.0.0.1:80", "nonsense", 1, "unknown"},
		{"[2001:db8:1:2:3:4:5:6]:80", "", 0, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:80", "", 0, "192.0.2.1"},
		{"[fe80::1%eth0]:80", "", 0, "fe80::/64"},
		{"@", "", 0, "unknown"},
	} {
		r := request(t, "POST /ui/session", "")
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := addressOf(r, c.proxies); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAStoreThatIsAwayEndsNoSession(t *testing.T) {
	d := newDesk(t)
	cookie := d.enter(operatorPassword)
	d.shelf.fail = fmt.Errorf("%w: no connection", saga.ErrUnavailable)
	d.must(503, "GET /v1/types", "", cookie)
	d.must(503, "GET /ui/session", "", cookie)
	d.must(503, "POST /ui/session", `{"password":"`+operatorPassword+`"}`)
	d.must(200, "GET /v1/types", "", cookie, "Authorization: Bearer "+readerKey)
	d.shelf.fail = errors.New("broken")
	d.must(500, "GET /v1/types", "", cookie)
	d.shelf.fail = nil
	d.must(200, "GET /v1/types", "", cookie)
}

func TestABrowserIsSentToSignIn(t *testing.T) {
	d := newDesk(t)
	const page = "Accept: text/html,application/xhtml+xml"
	for path, next := range map[string]string{
		"/monitor/":                          "/monitor/",
		"/monitor/queues/default?page=2":     "/monitor/queues/default?page=2",
		"/monitor//evil.example":             "/monitor//evil.example",
		"/monitor/%5c%5cevil.example/%0d%0a": "/monitor/%5c%5cevil.example/%0d%0a",
	} {
		rec := d.get("GET "+path, page)
		to, err := url.Parse(rec.Header().Get("Location"))
		if err != nil || rec.Code != 303 || to.Scheme+to.Host != "" || to.Path != "/ui/login" || to.Query().Get("next") != next {
			t.Errorf("%s: %d %v", path, rec.Code, rec.Header())
		}
	}
	for _, line := range []string{"GET /monitor/api/queues", "POST /monitor/api/queues/x:pause"} {
		rec := d.get(line)
		if rec.Code != 401 || rec.Header().Get("Content-Type") != "application/problem+json" || rec.Header().Get("WWW-Authenticate") != `Bearer realm="osp"` {
			t.Errorf("%s: %d %v", line, rec.Code, rec.Header())
		}
	}
	if rec := d.get("POST /monitor/", page); rec.Code != 401 {
		t.Errorf("a form: %d", rec.Code)
	}
	rec := d.get("GET /monitor/", page, d.enter(operatorPassword))
	if rec.Code != 200 || rec.Body.String() != "password:operator" {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	r := request(t, "GET /monitor/", "")
	r.SetBasicAuth("x", operatorKey)
	if rec := serve(d.world, r); rec.Code != 401 {
		t.Errorf("HTTP Basic: %d", rec.Code)
	}
}

func TestOnlyPathsOfThisOriginAreGoneOnTo(t *testing.T) {
	for _, next := range []string{"/", "/ui/tasks?status=running#x", "/monitor/%5c"} {
		if got := LocalPath(next, "/ui/"); got != next {
			t.Errorf("%q becomes %q", next, got)
		}
	}
	for _, next := range []string{
		"", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example", "javascript:alert(1)",
		"/\t/evil.example", "/\n/evil.example", "\t//evil.example", "ui/", "/a\x00", "/a\x7f",
	} {
		if got := LocalPath(next, "/ui/"); got != "/ui/" {
			t.Errorf("%q becomes %q", next, got)
		}
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	d := newDesk(t)
	cookie := d.enter(operatorPassword)
	r := request(t, "GET /v1/tasks/a/events", "", cookie)
	if !d.api.stillSees(r, saga.Task{}) {
		t.Fatal("it is not let in")
	}
	reads := d.shelf.reads
	for range 1000 {
		if !d.api.stillSees(r, saga.Task{}) {
			t.Fatal("it is not let in")
		}
	}
	if d.shelf.reads != reads {
		t.Errorf("a thousand streams of one browser ask %d times", d.shelf.reads-reads)
	}
	d.must(204, "DELETE /ui/session", "", cookie)
	if d.api.stillSees(r, saga.Task{}) {
		t.Error("it is seen after its session has ended")
	}
}
