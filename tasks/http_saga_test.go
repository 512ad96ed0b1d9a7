package tasks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestHTTPSagaPassesAnswersOn(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{
		"/reserve": reply(201, `{"id":"r/7","seats":[{"n":12345678901234567890}]}`, "ETag", `"v1"`),
		"/final":   reply(200, `{"a":"<b>"}`, "X-Ignored", "yes"),
	})
	steps := post("reserve", "/reserve", `{"amount":"${input.data.amount}","who":"for ${input.data.who}"}`, "", "") + "," +
		post("pay", "/pay/${steps.reserve.body.id}?e=${steps.reserve.headers.etag}",
			`{"seat":"${steps.reserve.body.seats.0}","status":"${steps.reserve.status}"}`, "", "") + "," + get("final", "/final")
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps))
	wantState(t, r, saga.Completed, "")
	wantTold(t, e,
		`POST /reserve {"amount":12.50,"who":"for Zoë"}`,
		`POST /pay/r%2F7?e=%22v1%22 {"seat":{"n":12345678901234567890},"status":201}`,
		`GET /final`)
	same(t, "output", r.Output, `{"status":200,"headers":{"content-type":"application/json"},"body":{"a":"<b>"}}`)
}

func TestHTTPSagaUndoesInReverseWithWhatTheDosAnswered(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{
		"/reserve": reply(200, `{"id":"r1"}`), "/charge": reply(200, `{"id":"c1"}`), "/ship": reply(422, `{"error":"no such address"}`),
	})
	steps := post("reserve", "/reserve", `1`, "/release", `{"id":"${do.body.id}"}`) + "," +
		post("charge", "/charge", `2`, "/refund/${do.body.id}", `{"reservation":"${steps.reserve.body.id}"}`) + "," +
		post("log", "/log", `3`, "", "") + "," + get("look", "/look") + "," +
		post("ship", "/ship", `4`, "/recall", `{"id":"${do.body.id}","who":"${input.data.who}"}`)
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps))
	wantState(t, r, saga.Failed, `POST `+e.URL+`/ship: 422 Unprocessable Entity: {"error":"no such address"}`)
	undone := e.told()[strings.Index(e.told(), "POST /refund"):]
	if want := "POST /refund/c1 {\"reservation\":\"r1\"}\nPOST /release {\"id\":\"r1\"}"; undone != want {
		t.Errorf("undone\n%s\nwant\n%s", undone, want)
	}
	if got := strings.Join(r.NotUndone, " "); got != "log" {
		t.Errorf("not undone: %s, want log: a POST without an undo; a GET changes nothing", got)
	}
}

func TestAnUndoOfWhatIsNotKnownSeesNull(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/charge": reply(500, `oops`)})
	steps := post("charge", "/charge", `1`, "/refund", `{"id":"${do.body.id}","status":"${do.status}","note":"was ${do.body.id}"}`)
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps))
	wantState(t, r, saga.Failed, "500 Internal Server Error: oops")
	wantTold(t, e, "POST /charge 1", "POST /charge 1", "POST /charge 1", `POST /refund {"id":null,"note":"was ","status":null}`)
}

func TestAnUndoThatCannotBeAddressedIsForAPerson(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/charge": reply(500, `oops`)})
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, post("charge", "/charge", `1`, "/refund/${do.body.id}", `2`)))
	wantState(t, r, saga.Stuck, "the answer to this step's do was never seen")
}

func TestAnUndoThatFindsNothingIsDone(t *testing.T) {
	for _, test := range []struct {
		name, method string
		do, undo     int
		want         saga.State
	}{
		{"the do may never have happened", "POST", 500, 404, saga.Failed},
		{"deleted is deleted", "DELETE", 200, 404, saga.Failed},
		{"gone is gone", "DELETE", 200, 410, saga.Failed},
		{"but a do that did happen is not undone by a wrong path", "POST", 200, 404, saga.Stuck},
		{"nor by a refusal", "DELETE", 500, 403, saga.Stuck},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{
				"/do": reply(test.do, `{}`), "/undo": reply(test.undo, ``), "/fail": reply(400, ``),
			})
			steps := `{"name":"a","do":{"method":"POST","url":"URL/do"},"undo":{"method":"` + test.method + `","url":"URL/undo"}},` + get("b", "/fail")
			wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps)), test.want, "")
		})
	}
}

func TestAGetWithAnUndoIsUndone(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/b": reply(400, ``)})
	steps := `{"name":"a","do":{"method":"GET","url":"URL/lock"},"undo":{"method":"GET","url":"URL/unlock"}},` + get("b", "/b")
	wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps)), saga.Failed, "400")
	wantTold(t, e, "GET /lock", "GET /b", "GET /unlock")
}

func TestAStepThatMayFailLeavesNullBehind(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": reply(400, ``)})
	steps := `{"name":"a","on_error":"continue","do":{"method":"POST","url":"URL/a"}},` + post("b", "/b", `["${steps.a.body.id}"]`, "", "")
	wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, steps)), saga.Completed, "")
	wantTold(t, e, "POST /a", "POST /b [null]")
}

func TestAMissingMemberFailsTheStepBeforeAnythingIsSent(t *testing.T) {
	e := newEndpoint(t, nil)
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", "/a")+","+post("b", "/b", `"${steps.a.body.nope}"`, "", "")))
	wantState(t, r, saga.Failed, `${steps.a.body.nope}: there is no "nope"`)
	wantTold(t, e, "GET /a")
}

func TestEveryCallCarriesItsKeyAndTrace(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": inTurn(reply(503, ``), reply(429, ``), reply(200, `{}`)), "/b": reply(400, ``)})
	newHTTPWorld(t, nil).run("one", httpRequest(e.URL, post("a", "/a", `1`, "/undo", `2`)+","+get("b", "/b")))
	keys := map[string][]string{}
	for _, c := range e.calls {
		keys[c.path] = append(keys[c.path], c.key())
		trace := strings.Split(c.header.Get("Traceparent"), "-")
		if len(trace) != 4 || trace[0] != "00" || len(trace[1]) != 32 || len(trace[2]) != 16 || trace[3] != "01" {
			t.Errorf("traceparent %q", c.header.Get("Traceparent"))
		}
		if first := strings.Split(e.calls[0].header.Get("Traceparent"), "-"); trace[1] != first[1] {
			t.Errorf("calls of one task have the traces %s and %s", first[1], trace[1])
		}
	}
	for path, want := range map[string]string{"/a": "one/a/do/0 one/a/do/0 one/a/do/0", "/undo": "one/a/undo/0", "/b": "one/b/do/0"} {
		if got := strings.Join(keys[path], " "); got != want {
			t.Errorf("keys of %s: %s, want %s", path, got, want)
		}
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, test := range []struct {
		name, header string
		least, most  time.Duration
	}{
		{"seconds", "120", 120 * time.Second, 130 * time.Second},
		{"a date", "Sun, 06 Nov 1994 08:51:37 GMT", 2 * time.Minute, 3 * time.Minute},
		{"an hour at most", "999999", time.Hour, time.Hour + time.Minute},
		{"a date that is over", "Sun, 06 Nov 1994 08:00:00 GMT", 0, 10 * time.Second},
		{"nonsense", "soon", 0, 10 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{"/a": inTurn(
				reply(503, ``, "Retry-After", test.header, "Date", "Sun, 06 Nov 1994 08:49:37 GMT"), reply(200, `{}`),
			)})
			w := newHTTPWorld(t, nil)
			r := w.run("one", httpRequest(e.URL, get("a", "/a")))
			wantState(t, r, saga.Completed, "")
			// What it takes until the wait begins is no part of what is skipped.
			if waited := time.Duration(w.skipped.Load()).Round(time.Second); waited < test.least-time.Minute/2 || waited > test.most {
				t.Errorf("waited %v, want %v to %v", waited, test.least, test.most)
			}
		})
	}
}

func TestThePolicyOfAStepIsKept(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": reply(500, ``)})
	w := newHTTPWorld(t, nil)
	r := w.run("one", httpRequest(e.URL, `{"name":"a","do":{"method":"GET","url":"URL/a"},
		"retry":{"attempts":4,"first_seconds":100,"factor":3,"max_seconds":500}}`))
	wantState(t, r, saga.Failed, "500")
	if got := strings.Count(e.told(), "GET /a"); got != 4 {
		t.Errorf("%d attempts, want 4", got)
	}
	if waited := time.Duration(w.skipped.Load()).Round(time.Minute); waited != 15*time.Minute {
		t.Errorf("waited %v, want 100 + 300 + 500 s", waited)
	}
}

func TestAStepHasItsTime(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }})
	r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL,
		`{"name":"a","do":{"method":"GET","url":"URL/slow"},"timeout":0.1,"retry":{"attempts":1}}`))
	wantState(t, r, saga.Failed, "timed out after 100ms")
}
