package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/osp-platform/osp/internal/testenv"
)

// config is a role's, with SQLite and a port of the test's own.
func config(t *testing.T, role Role, set vars) Config {
	t.Helper()
	c, err := Load(role, with(vars{
		"OSP_AUTH": "off", "PORT": "0", "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OSP_SHUTDOWN_TIMEOUT": "2s",
	}, set).env())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// patience is how long anything may take on a machine that does much else.
const patience = 60 * time.Second

// running is a server that runs. Stop ends it, once.
type running struct {
	t     *testing.T
	url   string
	token string // who asks
	stop  func() error
}

func run(t *testing.T, c Config) *running {
	t.Helper()
	return runWith(t, c, slog.New(slog.DiscardHandler))
}

func runWith(t *testing.T, c Config, log *slog.Logger) *running {
	t.Helper()
	s, err := New(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{t: t, url: s.URL()}
	r.stop = func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return errors.New("the server does not stop")
		}
	}
	return r
}

// ask sends a request with that Host header (empty: the right one).
func (r *running) ask(method, path, host, body string) (int, http.Header, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "wait=25")
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(raw)
}

func (r *running) status(path string) int {
	r.t.Helper()
	status, _, _ := r.ask("GET", path, "", "")
	return status
}

func TestARoleStartsServesAndLeavesNothingBehind(t *testing.T) {
	redisURL, file := testenv.Redis(t), "sqlite:"+filepath.Join(t.TempDir(), "osp.db")
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(endpoint.Close)
	for _, c := range []struct {
		role         Role
		api, monitor int
	}{{RoleDev, 200, 200}, {RoleAll, 200, 200}, {RoleAPI, 200, 200}, {RoleWorker, 404, 404}} {
		t.Run(string(c.role), func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			r := run(t, config(t, c.role, vars{"REDIS_URL": redisURL, "OSP_RESULTS": file, "OSP_HTTP_ALLOW_PRIVATE": "true"}))
			if c.role == RoleDev || c.role == RoleAll { // a connection to the endpoint is kept for the next step
				body := fmt.Sprintf(`{"type":"http.saga","input":{"steps":[{"name":"a","do":{"method":"POST","url":%q}}]}}`, endpoint.URL)
				if got, _, answer := r.ask("POST", "/v1/tasks", "", body); !strings.Contains(answer, `"state":"completed"`) {
					t.Errorf("a task is answered with %d %s", got, answer)
				}
			}
			for path, want := range map[string]int{
				"/healthz": 200, "/readyz": 200, "/v1/types": c.api, "/v1/tasks": c.api, "/monitor/": c.monitor,
				"/ui/": c.monitor, "/ui/tasks": c.monitor, "/ui/tasks/01:a.b": c.monitor, "/ui/nowhere": 404,
			} {
				if got := r.status(path); got != want {
					t.Errorf("%s answers %d, want %d", path, got, want)
				}
			}
			if err := r.stop(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			testenv.NothingLeft(t, before)
		})
	}
}

// What had been opened before something could not be is closed again: TestMain looks for what is left.
func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	for name, c := range map[string]struct {
		role Role
		set  vars
		want string
	}{
		"a port in use":                {RoleAll, vars{"PORT": port}, "PORT"},
		"a port in use, asked of dev":  {RoleDev, vars{"PORT": port}, "PORT"},
		"a database that is not there": {RoleAll, vars{"REDIS_URL": testenv.Redis(t) + "/99"}, "REDIS_URL"},
		"a folder that cannot be made": {RoleAll, vars{"OSP_RESULTS": "sqlite:/dev/null/x.db"}, "OSP_RESULTS"},
		"a Supabase that is none": {
			RoleWorker, vars{"OSP_RESULTS": "", "SUPABASE_URL": "https://", "SUPABASE_SERVICE_ROLE_KEY": "k"}, "SUPABASE_URL",
		},
	} {
		before := goleak.IgnoreCurrent()
		s, err := New(t.Context(), config(t, c.role, c.set), slog.New(slog.DiscardHandler))
		if named := blamed(err); s != nil || named[c.want] != 1 {
			t.Errorf("%s: blamed %v: %v", name, named, err)
		}
		testenv.NothingLeft(t, before)
	}
	c := config(t, RoleDev, vars{"PORT": port})
	c.PortGiven = false // as if the default were in use
	r := run(t, c)
	if got := r.status("/healthz"); got != http.StatusOK || strings.HasSuffix(r.url, ":"+port) {
		t.Errorf("dev at %s answers %d, instead of taking a free port", r.url, got)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// becomes waits until a path answers that.
func (r *running) becomes(path string, want int) {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); ; <-tick.C {
		got := r.status(path)
		if got == want {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s answers %d, want %d", path, got, want)
		}
	}
}

func TestWithoutRedisAPodIsNotReady(t *testing.T) {
	redis := testenv.RedisProcess(t)
	r := run(t, config(t, RoleAPI, vars{"REDIS_URL": redis.URL}))
	r.becomes("/readyz", http.StatusOK)
	redis.Kill()
	r.becomes("/readyz", http.StatusServiceUnavailable)
	if got := r.status("/healthz"); got != http.StatusOK {
		t.Errorf("without Redis /healthz answers %d", got)
	}
	redis.Start()
	r.becomes("/readyz", http.StatusOK)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

// A result store that is away takes no pod out of service, but one that never answered may have a wrong key.
func TestAResultStoreMustHaveAnsweredOnce(t *testing.T) {
	s := testenv.Supabase(t)
	set := vars{"OSP_RESULTS": "", "REDIS_URL": testenv.Redis(t), "SUPABASE_URL": s.URL, "SUPABASE_SERVICE_ROLE_KEY": s.ServiceKey}
	s.StopREST()
	r := run(t, config(t, RoleWorker, set))
	if got := r.status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("before the store has answered: %d", got)
	}
	s.StartREST(t)
	r.becomes("/readyz", http.StatusOK)
	s.StopREST()
	if got := r.status("/readyz"); got != http.StatusOK {
		t.Errorf("after the store has answered: %d", got)
	}
	s.StartREST(t)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	wrong := run(t, config(t, RoleWorker, with(set, vars{"SUPABASE_SERVICE_ROLE_KEY": s.ServiceKey[:len(s.ServiceKey)-5] + "AAAAA"})))
	if got := wrong.status("/readyz"); got == http.StatusOK {
		t.Error("it is ready with a wrong key")
	}
	if err := wrong.stop(); err != nil {
		t.Error(err)
	}
}
