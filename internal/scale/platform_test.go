package scale

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const token = "token-that-nobody-may-see"

// api is a platform's API with one set of workers. It notes what it was asked.
type api struct {
	*httptest.Server
	workers  int
	deployed int
	asked    []string
	status   int // of every answer, unless 0
	answer   string
}

func newAPI(t *testing.T, serve func(a *api, w http.ResponseWriter, r *http.Request, body []byte)) *api {
	a := &api{workers: 2}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.asked = append(a.asked, r.Method+" "+r.URL.EscapedPath())
		if a.status != 0 {
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.answer)
			return
		}
		serve(a, w, r, body)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) driver(t *testing.T, platform, target string) Driver {
	t.Helper()
	d, err := Open(Settings{Platform: platform, Target: target, Token: token, BaseURL: a.URL, Client: a.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// serveHeroku answers as https://devcenter.heroku.com/articles/platform-api-reference#formation says.
func serveHeroku(a *api, w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("Accept") != "application/vnd.heroku+json; version=3" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"id":"unauthorized","message":"Invalid credentials provided."}`)
		return
	}
	if r.URL.Path != "/apps/my-osp/formation/worker" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if r.Method == http.MethodPatch {
		var f struct {
			Quantity *int    `json:"quantity"`
			Size     *string `json:"size"`
		}
		if json.Unmarshal(body, &f) != nil || f.Quantity == nil || f.Size != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		a.workers = *f.Quantity
	}
	_, _ = fmt.Fprintf(w, `{"app":{"name":"my-osp","id":"0123"},"command":"run","created_at":"2026-11-25T12:00:00Z","id":"0124",
		"quantity":%d,"size":"basic","type":"worker","updated_at":"2026-11-25T12:00:00Z"}`, a.workers)
}

// serveRailway answers as https://docs.railway.com/reference/public-api says: a GraphQL endpoint.
func serveRailway(a *api, w http.ResponseWriter, r *http.Request, body []byte) {
	var q struct {
		Query     string
		Variables struct {
			Service, Environment string
			Input                struct{ NumReplicas *int }
		}
	}
	answer := `{"errors":[{"message":"Problem processing request"}],"data":null}`
	switch err := json.Unmarshal(body, &q); {
	case r.Header.Get("Project-Access-Token") != token || r.Header.Get("Authorization") != "":
		answer = `{"errors":[{"message":"Not Authorized","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}`
	case err != nil || r.URL.Path != "/graphql/v2" || r.Method != http.MethodPost || q.Variables.Service != "s1" || q.Variables.Environment != "e1":
	case strings.Contains(q.Query, "serviceInstanceUpdate(serviceId: $service, environmentId: $environment, input: $input)"):
		a.workers, answer = *q.Variables.Input.NumReplicas, `{"data":{"serviceInstanceUpdate":true}}`
	case strings.Contains(q.Query, "serviceInstanceDeployV2(serviceId: $service, environmentId: $environment)"):
		a.deployed, answer = a.workers, `{"data":{"serviceInstanceDeployV2":"d1"}}`
	case strings.Contains(q.Query, "serviceInstance(serviceId: $service, environmentId: $environment) { numReplicas }"):
		answer = fmt.Sprintf(`{"data":{"serviceInstance":{"numReplicas":%d}}}`, a.workers)
	}
	_, _ = io.WriteString(w, answer)
}

var drivers = []struct {
	platform, target, other string
	serve                   func(a *api, w http.ResponseWriter, r *http.Request, body []byte)
	nothing                 string // an answer of 200 that says nothing
	set                     string // the requests that set a number
}{
	{"heroku", "my-osp/worker", "my-osp/web", serveHeroku, `{"id":"0124"}`, "[PATCH /apps/my-osp/formation/worker]"},
	{"railway", "s1/e1", "s1/e2", serveRailway, `{}`, "[POST /graphql/v2 POST /graphql/v2]"},
}

func TestDriversReadAndSetTheNumberOfWorkers(t *testing.T) {
	for _, c := range drivers {
		a := newAPI(t, c.serve)
		d := a.driver(t, c.platform, c.target)
		if n, err := d.Workers(t.Context()); n != 2 || err != nil {
			t.Errorf("%s: %d workers, %v", c.platform, n, err)
		}
		a.asked = nil
		if err := d.SetWorkers(t.Context(), 5); err != nil || a.workers != 5 || fmt.Sprint(a.asked) != c.set {
			t.Errorf("%s: set to %d by %v: %v", c.platform, a.workers, a.asked, err)
		}
		if n, err := d.Workers(t.Context()); n != 5 || err != nil {
			t.Errorf("%s: %d workers, %v", c.platform, n, err)
		}
		if c.platform == "railway" && a.deployed != 5 {
			t.Errorf("railway has deployed %d", a.deployed)
		}
	}
}

// What goes wrong is told, the token never is, and a number is never made up.
func TestDriversTellWhatIsWrongAndNeverTheToken(t *testing.T) {
	for _, c := range drivers {
		for what, spoil := range map[string]func(a *api) string{
			"another target":     func(*api) string { return c.other },
			"no right":           func(a *api) string { a.status = 403; return c.target },
			"too many requests":  func(a *api) string { a.status, a.answer = 429, token; return c.target },
			"a fault":            func(a *api) string { a.status = 500; return c.target },
			"no JSON":            func(a *api) string { a.status, a.answer = 200, "<html>"+token; return c.target },
			"nothing at all":     func(a *api) string { a.status = 204; return c.target },
			"somewhere else":     func(a *api) string { a.status = 302; return c.target },
			"nobody who answers": func(a *api) string { a.Close(); return c.target },
		} {
			a := newAPI(t, c.serve)
			d := a.driver(t, c.platform, spoil(a))
			n, readErr := d.Workers(t.Context())
			setErr := d.SetWorkers(t.Context(), 3)
			for _, err := range []error{readErr, setErr} {
				if err == nil || n != 0 || a.workers != 2 || strings.Contains(err.Error(), token) {
					t.Errorf("%s, %s: %d workers, %v", c.platform, what, n, err)
				}
			}
		}
		a := newAPI(t, c.serve)
		a.status, a.answer = 200, c.nothing
		d := a.driver(t, c.platform, c.target)
		if n, err := d.Workers(t.Context()); err == nil {
			t.Errorf("%s: of an answer without a number %d was made", c.platform, n)
		}
		if err := d.SetWorkers(t.Context(), 3); err == nil {
			t.Errorf("%s: an answer that confirms nothing is taken for success", c.platform)
		}
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	for _, target := range []string{"", "my-osp", "/worker", "my-osp/", "a/b/c", "my osp/worker", "my-osp/worker?x", "a%2f/b"} {
		for platform, says := range Platforms {
			if _, err := Open(Settings{Platform: platform, Target: target}); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s of %s: %v", target, platform, err)
			}
		}
	}
	if _, err := Open(Settings{Platform: "vax", Target: "a/b"}); err == nil {
		t.Error("there is a driver for vax")
	}
	for platform := range Platforms {
		if _, err := Open(Settings{Platform: platform, Target: "a/b"}); err != nil {
			t.Errorf("%s: %v", platform, err)
		}
	}
}
