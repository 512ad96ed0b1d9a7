package tasks_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// to redirects with a status.
func to(status int, url string) http.HandlerFunc { return reply(status, ``, "Location", url) }

func TestRedirectsKeepMethodAndBodyOnlyWhereTheyMust(t *testing.T) {
	for status, want := range map[int]string{
		301: "GET /b", 302: "GET /b", 303: "GET /b", 307: `POST /b {"x":1}`, 308: `POST /b {"x":1}`,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			e := newEndpoint(t, map[string]http.HandlerFunc{"/a": to(status, "/b")})
			r := newHTTPWorld(t, nil).run("one", httpRequest(e.URL, post("a", "/a", `{"x":1}`, "", "")))
			wantState(t, r, saga.Completed, "")
			wantTold(t, e, `POST /a {"x":1}`, want)
			if key := e.calls[1].key(); key != "one/a/do/0" {
				t.Errorf("the key became %q", key)
			}
		})
	}
}

func TestRedirectsEnd(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{
		"/round": to(302, "/round"), "/odd": to(302, "ftp://x/"), "/user": to(302, "http://u:p@x/"), "/number": to(302, "http://2130706433/"),
		"/1": to(307, "/2"), "/2": to(307, "/3"), "/3": to(307, "/4"), "/4": to(307, "/5"), "/5": to(307, "/end"),
	})
	for path, want := range map[string]string{
		"/round": "redirect refused: there are more than 5", "/odd": `redirect refused: it goes to "ftp"`,
		"/user": "redirect refused: it holds a user or a password", "/number": `redirect refused: the host "2130706433" is a number`,
	} {
		wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", path))), saga.Failed, want)
	}
	wantState(t, newHTTPWorld(t, nil).run("one", httpRequest(e.URL, get("a", "/1"))), saga.Completed, "")
	if n := strings.Count(e.told(), "/round"); n != 6 {
		t.Errorf("%d calls, want one and 5 redirects, and no second attempt", n)
	}
}

const signedIn = `"headers":{"Authorization":"Bearer ${secrets.KEY}","X-Team":"${secrets.TEAM}","X-Auth-Token":"${input.data.who}","X-Plain":"p"}`

func TestCredentialsStayWithTheirHost(t *testing.T) {
	other := newEndpoint(t, map[string]http.HandlerFunc{})
	e := newEndpoint(t, map[string]http.HandlerFunc{
		"/here": to(307, "/there"), "/away": to(307, other.URL+"/x"), "/via": to(302, "/away"),
	})
	other.answers["/x"] = to(302, e.URL+"/back")
	w := newHTTPWorld(t, secrets{"KEY": "k3y", "TEAM": "t34m"})
	w.run("here", httpRequest(e.URL, `{"name":"a","do":{"method":"POST","url":"URL/here",`+signedIn+`}}`))
	w.run("away", httpRequest(e.URL, `{"name":"a","do":{"method":"POST","url":"URL/via",`+signedIn+`}}`))
	for _, c := range e.calls {
		steered := c.path == "/back" // by somebody else, who is not to choose where the credentials go
		if shown := c.header.Get("Authorization") == "Bearer k3y" && c.header.Get("X-Team") == "t34m"; shown == steered {
			t.Errorf("%s: credentials %t: %v", c, shown, c.header)
		}
	}
	if len(other.calls) != 1 {
		t.Fatalf("the other host saw %d calls", len(other.calls))
	}
	h := other.calls[0].header
	if h.Get("Authorization") != "" || h.Get("X-Team") != "" || h.Get("X-Auth-Token") != "" || h.Get("Referer") != "" {
		t.Errorf("the other host was shown %v", h)
	}
	if h.Get("X-Plain") != "p" || h.Get("Idempotency-Key") != "away/a/do/0" {
		t.Errorf("the other host was not shown %v", h)
	}
}

func TestSecretsInABodyStayWithTheirHost(t *testing.T) {
	other := newEndpoint(t, nil)
	e := newEndpoint(t, map[string]http.HandlerFunc{"/a": to(308, other.URL), "/b": to(303, other.URL)})
	w := newHTTPWorld(t, secrets{"KEY": "k3y"})
	r := w.run("one", httpRequest(e.URL, post("a", "/a", `{"key":"${secrets.KEY}"}`, "", "")))
	wantState(t, r, saga.Failed, "redirect refused: it would send secrets in the body to "+strings.TrimPrefix(other.URL, "http://"))
	wantState(t, w.run("two", httpRequest(e.URL, post("a", "/b", `{"key":"${secrets.KEY}"}`, "", ""))), saga.Completed, "")
	wantTold(t, other, "GET /")
}
