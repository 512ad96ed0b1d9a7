package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	busy    = `{"type":"/problems/unavailable","title":"Not available now","status":503,"request_id":"r1"}`
	tooMany = `{"type":"/problems/too-many-requests","title":"Too many requests","status":429}`
	done    = `{"id":"t1","type":"work","status":"completed","state":"completed","steps":[],"created_at":"2026-11-24T08:00:00Z"}`
)

func TestABusyAPIIsAskedAgain(t *testing.T) {
	cases := []struct {
		name     string
		args     string
		answers  []string // for the first requests
		after    string   // Retry-After
		code     int
		requests int
		waits    time.Duration
	}{
		{"what may be sent twice, after the time that it asks for", "task get t1", []string{busy, busy}, "3", 0, 3, 6 * time.Second},
		{"not more than four times", "task get t1", []string{busy, busy, busy, busy}, "1", 1, 4, 3 * time.Second},
		{"not when that takes too long", "task get t1", []string{busy}, "31", 1, 1, 0},
		{"a start, for its id is the command's own", "task start t1", []string{busy}, "2", 0, 2, 2 * time.Second},
		{"a start until it is too much", "task start t1", []string{busy, busy, busy, busy}, "1", 1, 4, 3 * time.Second},
		{"a resolve may have been taken", "task resolve t1 s --action skip --reason r", []string{busy}, "1", 1, 1, 0},
		{"a new task may have been made", "task retry t1", []string{busy}, "1", 1, 1, 0},
		{"what was refused was not taken", "task retry t1", []string{tooMany}, "5", 0, 2, 5 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI()
				for _, what := range []string{"GET /v1/tasks/t1", "POST /v1/tasks", "POST /v1/tasks/t1/resolve", "POST /v1/tasks/t1/retry"} {
					for _, problem := range c.answers {
						status := http.StatusServiceUnavailable
						if problem == tooMany {
							status = http.StatusTooManyRequests
						}
						a.says(what, status, problem, "Retry-After", c.after)
					}
					a.says(what, 200, done)
				}
				begin := time.Now()
				r := without(t, a, strings.Fields(c.args)...)
				if r.code != c.code || len(a.got) != c.requests || time.Since(begin) != c.waits {
					t.Errorf("code %d after %d requests and %v: %s", r.code, len(a.got), time.Since(begin), r.err)
				}
			})
		})
	}
}

func TestAStartWhoseAnswerIsNotKnown(t *testing.T) {
	a := newAPI().says("POST /v1/tasks", 500, `{"title":"Something is wrong","status":500}`)
	without(t, a, "task", "start", "work").is(t, 1, "", "The task may have been accepted all the same: osp task get made")
	a = newAPI().says("POST /v1/tasks", 422, `{"title":"Unknown","status":422}`)
	if r := without(t, a, "task", "start", "work"); strings.Contains(r.err, "may have been accepted") {
		t.Errorf("what was refused was not taken: %s", r.err)
	}
}

func TestAnAPIThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: hung{}}
		begin := time.Now()
		s.run(t.Context(), "task", "get", "t1").is(t, 8, "", "http://osp.test cannot be reached: context deadline exceeded: is the URL right? It is from OSP_URL\n")
		if d := time.Since(begin); d != longest {
			t.Errorf("given up after %v", d)
		}
	})
}

// hung takes requests and never answers.
type hung struct{}

func (hung) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestARequestSaysWhoSendsIt(t *testing.T) {
	a := newAPI().says("GET /v1/tasks/t1", 200, done)
	s := setting{env: map[string]string{"OSP_URL": "http://osp.test/below/", "OSP_KEY": "osp_secret"}, transport: a}
	a.says("GET /below/v1/tasks/a%2Fb%3F", 200, done)
	s.run(t.Context(), "task", "get", "a/b?")
	if h := a.got[0].header; h.Get("User-Agent") != "osp-cli/1.2.3" || h.Get("Authorization") != "Bearer osp_secret" || a.requests() != "GET /below/v1/tasks/a%2Fb%3F" {
		t.Errorf("%s with %v", a.requests(), h)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>")
	}
	cases := []struct {
		name string
		env  string // OSP_KEY
		api  *api
		code int
		says string
	}{
		{
			"each fault with its place", "", newAPI().says("GET /v1/tasks/t1", 422, `{"type":"/problems/invalid","title":"The request breaks a rule","status":422,"detail":"See errors.",
			"errors":[{"pointer":"/input/lines/3/a~1b","detail":"must be a string"},{"parameter":"limit","detail":"is odd"},{"pointer":"","detail":"is no object"},{"pointer":"/steps/0","line":4,"column":2,"detail":"is empty"}]}`), 1,
			"The request breaks a rule (422)\n  input.lines[3].a/b: must be a string\n  limit: is odd\n  is no object\n  line 4, column 2: steps[0]: is empty\n",
		},
		{
			"no key", "", newAPI().says("GET /v1/tasks/t1", 401, `{"title":"Who is there?","status":401,"detail":"A key is needed."}`), 1,
			"Who is there?: A key is needed. (401)\nGive a key: OSP_KEY, OSP_KEY_FILE, --key or a profile",
		},
		{"a wrong key", "osp_wrong", newAPI().says("GET /v1/tasks/t1", 401, `{"title":"Who is there?","status":401}`), 1, "The key is the one of OSP_KEY."},
		{"a key that may not", "osp_reader", newAPI().says("GET /v1/tasks/t1", 403, `{"title":"Not for you","status":403}`), 1, "The key of OSP_KEY may not do this"},
		{"an older API", "", newAPI(), 1, "This API is older than the command"},
		{"where to look in the log", "", newAPI().says("GET /v1/tasks/t1", 500, `{"title":"Something is wrong","status":500,"request_id":"0199"}`), 1, "log has more under 0199."},
		{"another server", "", newAPI().on("GET /v1/tasks/t1", page), 8, "is not osp (it sent text/html): is the URL right? It is from OSP_URL\n"},
		{"another server's errors", "", newAPI().says("GET /v1/tasks/t1", 502, "\x1b[2Jbad gateway"), 8, `502 Bad Gateway, and not as osp does: \x1b[2Jbad gateway`},
		{"a redirect", "", newAPI().says("GET /v1/tasks/t1", 308, "", "Location", "https://elsewhere.test/"), 8, "sends on to https://elsewhere.test/: is that where the API is? Then mend the URL, which is from OSP_URL\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := setting{env: map[string]string{"OSP_URL": "http://osp.test", "OSP_KEY": c.env}, transport: c.api}
			r := s.run(t.Context(), "task", "get", "t1")
			r.is(t, c.code, "", c.says)
			if c.env != "" && strings.Contains(r.err+r.out, c.env) {
				t.Errorf("the key is told: %s", r.err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	home := t.TempDir()
	s := setting{env: map[string]string{"HOME": home, "OSP_URL": "http://127.0.0.1:1/below/"}}
	run := func(line string) ran { return s.run(t.Context(), strings.Fields(line)...) }
	run("profile add far --url 127.0.0.1:1/far --no-key").is(t, 0, "", "")
	mend := "nothing answers at http://127.0.0.1:1%s (connection refused): start one with osp dev, or mend the URL, which is from %s\n"
	run("task get t1").is(t, 8, "", fmt.Sprintf(mend, "/below", "OSP_URL"))
	run("task watch t1").is(t, 8, "", "nothing answers at")
	run("task wait t1").is(t, 8, "", "nothing answers at")
	run("task get t1 --url http://127.0.0.1:1").is(t, 8, "", fmt.Sprintf(mend, "", "--url"))
	run("task get t1 --profile far").is(t, 8, "", fmt.Sprintf(mend, "/far", "the profile far"))
	run("task get t1 --profile far --url 127.0.0.1:1/other").is(t, 8, "", fmt.Sprintf(mend, "/other", "--url"))
	run("task get t1 --profile fra").is(t, 2, "", `there is no profile "fra": osp profile list lists them. Is far meant?`)
	delete(s.env, "OSP_URL")
	run("task get t1").is(t, 8, "", fmt.Sprintf(mend, "/far", "the profile far"))
	s.transport = refusing{}
	const another = "nothing answers at " + defaultURL + " (connection refused): start one with osp dev, or say where the API is with --url, OSP_URL or a profile"
	s.env["OSP_KEY"] = "osp_key"
	run("task get t1").is(t, 8, "", another+" (with a key from OSP_KEY the profile in use is not asked: --profile names one)\n")
	run("profile remove far").is(t, 0, "", "")
	run("task get t1").is(t, 8, "", another+"\n")
	delete(s.env, "OSP_KEY")
	run("task get t1").is(t, 8, "", another+"\n")
	run("profile add far --url 127.0.0.1:1/far --no-key").is(t, 0, "", "")
	s.transport = newAPI().on("GET /v1/tasks/t1", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	run("task get t1 --key osp_key").is(t, 8, "", "is the URL right? --url, OSP_URL or a profile says another (with a key from --key the profile in use is not asked: --profile names one)\n")
}

// refusing is a machine on which nobody listens.
type refusing struct{}

func (refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func TestAnAPIThatIsElsewhere(t *testing.T) {
	s := setting{env: map[string]string{"OSP_URL": "http://osp.test/elsewhere"}, transport: newAPI()}
	s.run(t.Context(), "task", "get", "t1").is(t, 1, "", "\nThe API does not seem to be at http://osp.test/elsewhere: is the URL right? It is from OSP_URL. Or this API is older than the command.\n")
}

func TestURLsAreChecked(t *testing.T) {
	cases := []struct{ url, says string }{
		{"ftp://osp.test", `"ftp://osp.test" (OSP_URL) is not one: write it as http://localhost:8080`},
		{"http://ada:secret@osp.test", "(OSP_URL) has a name or password in it"},
		{"http://osp.test/?key=osp_secret", `"http://osp.test/?…" (OSP_URL) is not one`},
		{"http://osp.test/below#osp_secret", `"http://osp.test/below#…" (OSP_URL) is not one`},
		{"http://osp.test/?user=ada@osp.test&key=osp_secret", `"…" (OSP_URL) is not one`},
		{"http://ada:secret?secret@osp.test", `"…" (OSP_URL) is not one`},
		{"http://ada:secret@osp.test/?key=osp_secret", `"…@osp.test/?…" (OSP_URL) is not one`},
		{"http://\x1b[2J", "is not one"},
	}
	for _, c := range cases {
		r := setting{env: map[string]string{"OSP_URL": c.url}}.run(t.Context(), "task", "list")
		r.is(t, 2, "", c.says)
		if strings.Contains(r.err, "secret") || strings.Contains(r.err, "\x1b") {
			t.Errorf("%q", r.err)
		}
	}
}

func TestAURLWithoutASchemeIsInClearOnThisMachineOnly(t *testing.T) {
	for at, want := range map[string]string{
		"osp.test": "https://osp.test", "osp.test:81/below/": "https://osp.test:81/below", "localhost:8080": "http://localhost:8080",
		"127.0.0.1:81": "http://127.0.0.1:81", "[::1]:81": "http://[::1]:81", "localhost.osp.test": "https://localhost.osp.test",
		"http://osp.test": "http://osp.test", "": defaultURL,
	} {
		if got, err := newTarget(at, "", "", ""); err != nil || got.url.String() != want {
			t.Errorf("%q is %v, %v; want %s", at, got.url, err, want)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsNotPrinted(t *testing.T) {
	a := newAPI().says("POST /v1/tasks/t1/signals/go", 200, "\x1b[2J")
	r := setting{transport: a}.run(t.Context(), "task", "signal", "t1", "go", "-o", "json")
	r.is(t, 1, "", "no JSON")
	if strings.Contains(r.out+r.err, "\x1b") {
		t.Errorf("%q %q", r.out, r.err)
	}
}
