package tasks_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestSecretsAreSentAndNowhereElse(t *testing.T) {
	const secret = `p"a/ss<1>`
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			given := r.Header.Get("X-Given")
			body, _ := json.Marshal(map[string]any{"header": given, given: []string{"is " + given}, "pin": json.Number("4711")})
			reply(status, string(body), "Location", "/?k="+given)(w, r)
		}
	}
	e := newEndpoint(t, map[string]http.HandlerFunc{"/ok": echo(200), "/no": echo(400)})
	headers := `"headers":{"X-Given":"${secrets.KEY}","X-Api-Key":"${secrets.PIN}"}`
	w := newHTTPWorld(t, secrets{"KEY": secret, "PIN": "4711"})
	r := w.run("one", httpRequest(e.URL, `{"name":"ok","do":{"method":"GET","url":"URL/ok",`+headers+`}},
		{"name":"again","do":{"method":"POST","url":"URL/again","body":"${steps.ok.body}"}},
		{"name":"no","do":{"method":"GET","url":"URL/no",`+headers+`}}`))
	wantState(t, r, saga.Failed, `"header":"[secret KEY]"`)
	if got := e.calls[0].header; got.Get("X-Given") != secret || got.Get("X-Api-Key") != "4711" {
		t.Errorf("the endpoint was given %v", got)
	}
	same(t, "output", r.Step("ok").Output, `{"status":200,"headers":{"content-type":"application/json","location":"/?k=[secret KEY]"},
		"body":{"header":"[secret KEY]","[secret KEY]":["is [secret KEY]"],"pin":"[secret PIN]"}}`)

	snapshot, err := w.journal.Read(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	journal, err := json.Marshal(snapshot.Events)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{secret, `\u003c1`, `p\"a/ss`, `p\\\"a/ss`, "a/ss", "4711"} {
		if strings.Contains(string(journal), form) {
			t.Errorf("the journal holds %q:\n%s", form, journal)
		}
	}
}

func TestSecretsInTextAreFoundInEverySpelling(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": reply(400,
		`p"a/s<1> p\"a/s<1> p\"a\/s<1> p\"a/s\u003c1\u003e p%22a%2Fs%3C1%3E p%22a%2Fs%3C1%3E p&#34;a/s&lt;1&gt;`, "Content-Type", "text/plain")})
	r := newHTTPWorld(t, secrets{"KEY": `p"a/s<1>`}).run("one", httpRequest(e.URL, post("a", "/a", `"${secrets.KEY}"`, "", "")))
	wantState(t, r, saga.Failed, "Bad Request"+": "+strings.TrimSpace(strings.Repeat("[secret KEY] ", 7)))
}

func TestAnUnknownSecretFailsTheStepBeforeAnythingIsSent(t *testing.T) {
	for name, known := range map[string]secrets{"of others": {"OTHER": "x"}, "that is empty": {"KEY": ""}, "without any": nil} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t, nil)
			r := newHTTPWorld(t, known).run("one", httpRequest(e.URL, post("a", "/a", `"${secrets.KEY}"`, "", "")))
			wantState(t, r, saga.Failed, "the secret KEY is not known to this worker")
			wantTold(t, e, "")
		})
	}
}

func TestASecretMayChangeWhileATaskWaits(t *testing.T) {
	known := secrets{"KEY": "old"}
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": inTurn(func(w http.ResponseWriter, r *http.Request) {
		known["KEY"] = "new"
		reply(503, ``)(w, r)
	}, reply(200, ``))})
	r := newHTTPWorld(t, known).run("one", httpRequest(e.URL, post("a", "/a", `"${secrets.KEY}"`, "", "")))
	wantState(t, r, saga.Completed, "")
	wantTold(t, e, "POST /a old", "POST /a new")
}

func TestWhatAnEndpointAnswersIsNeverATemplate(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": reply(200, `{"x":"${secrets.KEY}","y":"${steps.a.status}"}`)})
	steps := get("a", "/a") + "," + post("b", "/b", `["${steps.a.body.x}","- ${steps.a.body.y}"]`, "", "")
	wantState(t, newHTTPWorld(t, secrets{"KEY": "k3y"}).run("one", httpRequest(e.URL, steps)), saga.Completed, "")
	wantTold(t, e, "GET /a", `POST /b ["${secrets.KEY}","- ${steps.a.status}"]`)
}
