package tasks_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestStatusesAreJudged(t *testing.T) {
	for _, test := range []struct {
		name     string
		status   int
		attempts int
		state    saga.State
	}{
		{"no content is success", 204, 1, saga.Completed},
		{"a refusal is final", 400, 1, saga.Failed},
		{"a conflict is final", 409, 1, saga.Failed},
		{"not found is final", 404, 1, saga.Failed},
		{"a request that took too long is tried again", 408, 3, saga.Failed},
		{"too early is tried again", 425, 3, saga.Failed},
		{"too many are tried again", 429, 3, saga.Failed},
		{"a server's error is tried again", 500, 3, saga.Failed},
		{"a gateway's error is tried again", 502, 3, saga.Failed},
		{"a redirect to nowhere is final", 304, 1, saga.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{"/a": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) }})
			r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", "/a")))
			wantState(t, r, test.state, "")
			if got := len(e.calls); got != test.attempts {
				t.Errorf("%d attempts, want %d", got, test.attempts)
			}
		})
	}
}

func TestAnswersAreKeptAsTheyAre(t *testing.T) {
	for _, test := range []struct{ name, kind, body, want string }{
		{"JSON", "application/json; charset=utf-8", `{"a":1.10}`, `{"a":1.10}`},
		{"JSON by another name", "application/problem+json", `[null]`, `[null]`},
		{"text", "text/plain", `{"a":1}`, `"{\"a\":1}"`},
		{"nothing", "application/json", ``, `null`},
		{"what claims to be JSON", "application/json", `{"a":`, `"{\"a\":"`},
		{"two values", "application/json", `1 2`, `"1 2"`},
		{"bytes", "application/octet-stream", "a\xffb", `"a�b"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{"/a": reply(200, test.body, "Content-Type", test.kind)})
			r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", "/a")))
			if want := `"body":` + test.want + `}`; !strings.HasSuffix(string(r.Output), want) {
				t.Errorf("output %s, want %s", r.Output, want)
			}
		})
	}
}

func TestAnAnswerMayNotBeTooLarge(t *testing.T) {
	large := strings.Repeat("x", saga.MaxOutput)
	quotes := strings.Repeat(`"`, saga.MaxOutput*3/4) // twice as long as JSON
	e := newEndpoint(t, map[string]http.HandlerFunc{
		"/large": reply(200, large, "Content-Type", "text/plain"), "/quotes": reply(200, quotes, "Content-Type", "text/plain"),
		"/refusal": reply(400, large, "Content-Type", "text/plain"), "/fits": reply(200, `"`+large[:1<<20-20<<10]+`"`),
	})
	for path, want := range map[string]string{"/large": "body is over", "/quotes": "body is over", "/refusal": "400 Bad Request: xxx", "/fits": ""} {
		r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", path)))
		state := saga.Failed
		if want == "" {
			state = saga.Completed
		}
		wantState(t, r, state, want)
		if len(r.Reason) > 700 {
			t.Errorf("%s: the reason has %d bytes", path, len(r.Reason))
		}
	}
}

func TestBodiesAreSentWithTheirType(t *testing.T) {
	e := newEndpoint(t, nil)
	steps := post("a", "/a", `{"x":1}`, "", "") + "," + post("b", "/b", `"text"`, "", "") + "," +
		`{"name":"c","do":{"method":"PUT","url":"URL/c","headers":{"content-type":"application/x-www-form-urlencoded","User-Agent":"me"},"body":"w=${input.data.who}"}},` +
		`{"name":"d","do":{"method":"DELETE","url":"URL/d"}}`
	wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps)), saga.Completed, "")
	wantTold(t, e, `POST /a {"x":1}`, `POST /b text`, `PUT /c w=Zo%C3%AB`, `DELETE /d`)
	for i, want := range []string{"application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded", ""} {
		if got := e.calls[i].header.Get("Content-Type"); got != want {
			t.Errorf("call %d has the type %q, want %q", i, got, want)
		}
	}
	if a, c := e.calls[0].header.Get("User-Agent"), e.calls[2].header.Get("User-Agent"); a != "osp" || c != "me" {
		t.Errorf("user agents %q and %q", a, c)
	}
}

func TestAnEndpointThatIsAwayIsTriedAgain(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	r := newHTTPWorld(t, nil).run("one", httpRequest(gone.URL, get("a", "/a?token=x")))
	wantState(t, r, saga.Failed, "connection refused")
	if a := r.Step("a").Do; a.Failed != 3 || a.N != 3 {
		t.Errorf("%d attempts with %d keys, want 3 with 3: nothing was sent, each time for certain", a.Failed, a.N)
	}
	if strings.Contains(r.Reason, "token") {
		t.Errorf("the reason shows the query: %s", r.Reason)
	}
}

func TestOutcomesAreDefiniteOnlyWhereTheyAre(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		keys   int
	}{
		{"a refusal had no effect", reply(400, ``), 1},
		{"a conflict may be our own first attempt", reply(409, ``), 0},
		{"an error of the server may have come late", reply(500, ``), 0},
		{"so may the end of a connection", hangUp, 0},
		{"too many may mean that some were taken", reply(429, ``), 0},
		{"a refusal after a redirect proves nothing", inTurn(reply(303, ``, "Location", "/a"), reply(400, ``)), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{"/a": test.answer})
			r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, post("a", "/a", `1`, "", "")))
			if n := r.Step("a").Do.N; n != test.keys {
				t.Errorf("%d definite failures, want %d (%s)", n, test.keys, r.Reason)
			}
		})
	}
}

func TestTheTraceOfTheCallerGoesOn(t *testing.T) {
	const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	e := newEndpoint(t, nil)
	h := tasks.NewHTTP(tasks.HTTPOptions{AllowPrivate: true, Traceparent: func(context.Context) string { return given }})
	t.Cleanup(h.Close)
	newWorld(t, tasks.HTTPSaga(h)).run("one", httpRequest(e.URL, get("a", "/a")))
	if got := e.calls[0].header.Get("Traceparent"); got != given {
		t.Errorf("traceparent %q, want %q", got, given)
	}
}
