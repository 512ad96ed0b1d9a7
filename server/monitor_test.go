package server

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

const operatorPassword = "correct horse battery staple"

// guardedRole is a role that asks who calls.
func guardedRole(t *testing.T, role Role, set vars) Config {
	t.Helper()
	keys := apiKey("dash", "reader", "reader") + "," + apiKey("ops", "operator", "operator") + "," + apiKey("till", "starter", "till") + ":shop_1"
	return config(t, role, with(vars{
		"OSP_AUTH": "on", "OSP_API_KEYS": keys, "OSP_OPERATOR_PASSWORD": operatorPassword, "REDIS_URL": testenv.Redis(t),
	}, set))
}

// browse asks as a browser does, with a session's cookie if there is one.
func (r *running) browse(line, cookie, body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res, string(said)
}

func (r *running) signIn(password string) string {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"password": password})
	if err != nil {
		r.t.Fatal(err)
	}
	res, said := r.browse("POST /ui/session", "", string(body))
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if res.StatusCode != http.StatusOK || cookie == "" {
		r.t.Fatalf("signing in: %d %s", res.StatusCode, said)
	}
	return cookie
}

func TestWhoMayDoWhatInTheMonitor(t *testing.T) {
	c := guardedRole(t, RoleAPI, nil)
	r := run(t, c)
	const pause, evil, page = "POST /monitor/api/queues/default:pause", "Sec-Fetch-Site: cross-site", "Accept: text/html"
	o, err := redis.ParseURL(c.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	if err := client.SAdd(t.Context(), "asynq:queues", "default").Err(); err != nil {
		t.Fatal(err)
	}
	paused := func() bool { return client.Exists(t.Context(), "asynq:{default}:paused").Val() == 1 }
	till, reader, operator := r.signIn("osp_till"), r.signIn("osp_reader"), r.signIn(operatorPassword)
	for _, c := range []struct {
		who, cookie, line, header string
		status                    int
	}{
		{"nobody, with a browser", "", "GET /monitor/", page, 303},
		{"nobody's script", "", "GET /monitor/api/queues", "", 401},
		{"the key of a service", till, "GET /monitor/", page, 403},
		{"the key of a service", till, "GET /monitor/api/queues", "", 403},
		{"a reader", reader, "GET /monitor/", page, 200},
		{"a reader", reader, "GET /monitor/api/queues", "", 200},
		{"a reader", reader, pause, "", 403},
		{"a reader", reader, "DELETE /monitor/api/queues/default", "", 403},
		{"a reader", reader, "PUT /monitor/", "", 403},
		{"an operator by another site", operator, pause, evil, 403},
		{"a reader's token", "", "GET /monitor/api/queues", "Authorization: Bearer osp_reader", 200},
		{"a reader's token", "", pause, "Authorization: Bearer osp_reader", 403},
	} {
		res, said := r.browse(c.line, c.cookie, "", c.header)
		if res.StatusCode != c.status || c.status == 403 && res.Header.Get("Content-Type") != "application/problem+json" || paused() {
			t.Errorf("%s, %s: %d %s, paused: %t", c.who, c.line, res.StatusCode, said, paused())
		}
	}
	if res, said := r.browse(pause, operator, ""); res.StatusCode != http.StatusNoContent && res.StatusCode != http.StatusOK || !paused() {
		t.Errorf("an operator: %d %s", res.StatusCode, said)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

var scriptTag = regexp.MustCompile(`<script(?: src="([^"]*)")?>`)

func TestTheMonitorsPage(t *testing.T) {
	r := run(t, guardedRole(t, RoleAPI, nil))
	operator := r.signIn(operatorPassword)
	for _, path := range []string{"/monitor/", "/monitor/queues/default", "/monitor/servers"} {
		res, page := r.browse("GET "+path, operator, "", "Accept: text/html")
		policy := res.Header.Get("Content-Security-Policy")
		if res.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page, `<a href="/ui/"`) {
			t.Errorf("%s: no way back: %v %s", path, res.Header, page)
		}
		if strings.Contains(page, "https://") || strings.Contains(page, "manifest") || res.Header.Get("X-Frame-Options") != "DENY" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", path, res.Header, page)
		}
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %s", path, part, policy)
			}
		}
		if hashes := strings.Count(policy, "'sha256-"); hashes != 2 || strings.Contains(policy, "script-src 'self' 'unsafe") || strings.Contains(policy, "eval") {
			t.Errorf("%s: %s", path, policy)
		}
		for _, script := range scriptTag.FindAllStringSubmatch(page, -1) {
			if script[1] == "" {
				continue
			}
			if res, body := r.browse("GET "+script[1], operator, ""); res.StatusCode != 200 || len(body) < 1000 ||
				!strings.HasPrefix(res.Header.Get("Content-Type"), "application/javascript") {
				t.Errorf("%s: %d %v", script[1], res.StatusCode, res.Header)
			}
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestTheMonitorOfAnOpenServerIsForLookingOnly(t *testing.T) {
	r := run(t, config(t, RoleAPI, vars{"REDIS_URL": testenv.Redis(t)}))
	if res, said := r.browse("POST /monitor/api/queues/default:pause", "", ""); res.StatusCode != 403 || !strings.Contains(said, "OSP_AUTH=off") {
		t.Errorf("got %d %s", res.StatusCode, said)
	}
	if res, said := r.browse("GET /monitor/", "", ""); res.StatusCode != 200 || !strings.Contains(said, `window.FLAG_READ_ONLY="true"`) {
		t.Errorf("got %d %s", res.StatusCode, said)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
