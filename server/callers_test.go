package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestAServerStartsWithoutTheProjectsKeysAndGetsThem(t *testing.T) {
	redisURL := testenv.Redis(t)
	var up atomic.Bool
	var asked atomic.Value
	project := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path)
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`{"keys":[]}`))
	}))
	t.Cleanup(project.Close)
	before := goleak.IgnoreCurrent()
	c := config(t, RoleAPI, vars{"REDIS_URL": redisURL, "OSP_AUTH": "", "SUPABASE_URL": project.URL})
	r := run(t, c)
	r.token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AAAA"
	if got := r.status("/v1/tasks"); got != http.StatusServiceUnavailable {
		t.Errorf("without the project's keys: %d", got)
	}
	if got := r.status("/healthz"); got != http.StatusOK {
		t.Errorf("it does not live: %d", got)
	}
	up.Store(true)
	r.becomes("/v1/tasks", http.StatusUnauthorized) // now it can tell
	if got := asked.Load(); got != "/auth/v1/.well-known/jwks.json" {
		t.Errorf("asked for %v", got)
	}
	r.token = "osp_none"
	if got := r.status("/v1/tasks"); got != http.StatusUnauthorized {
		t.Errorf("a key that is none: %d", got)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	project.CloseClientConnections()
	testenv.NothingLeft(t, before)
}

func TestTheLogSaysWhoMayCall(t *testing.T) {
	keys := vars{"OSP_API_KEYS": apiKey("a", "operator", "x") + "," + apiKey("b", "reader", "y") + ":shop_1", "OSP_AUTH": "on"}
	for want, set := range map[string]vars{
		"everybody=true keys=0 keys_of_one_service=0 users=false":  {},
		"everybody=false keys=2 keys_of_one_service=1 users=false": keys,
		"everybody=false keys=2 keys_of_one_service=1 users=true":  with(keys, vars{"SUPABASE_URL": "http://localhost:1"}),
	} {
		var log bytes.Buffer
		s := &Server{config: config(t, RoleAPI, set), log: slog.New(slog.NewTextHandler(&log, nil))}
		s.callers()
		s.tellCallers(t.Context())
		if !strings.Contains(log.String(), want) {
			t.Errorf("got %s, want %s", &log, want)
		}
		auth := s.authenticator()
		if (auth == nil) != s.config.Open {
			t.Fatalf("%s: who is calling is asked: %t", want, auth != nil)
		}
		if auth == nil {
			continue
		}
		if p, err := auth.Authenticate(t.Context(), "osp_x"); err != nil || p.Name != "a" {
			t.Errorf("%s: the key is of %q, %v", want, p.Name, err)
		}
	}
}

// tokenOf is an access token of a user, as a project signs it by HS256.
func tokenOf(t *testing.T, project, user string) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": project + "/auth/v1", "aud": "authenticated", "role": "authenticated", "sub": user,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(jwtSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAUserOfTheProjectSignsIn(t *testing.T) {
	const user = "aaaaaaaa-0000-4000-8000-000000000001"
	asked := make(chan string, 10)
	mux := http.NewServeMux()
	project := httptest.NewServer(mux)
	t.Cleanup(project.Close)
	mux.HandleFunc("POST /auth/v1/token", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r.URL.RawQuery + " " + r.Header.Get("Apikey") + " " + string(body)
		_, _ = w.Write([]byte(`{"access_token":"` + tokenOf(t, project.URL, user) + `","refresh_token":"r1","expires_in":3600}`))
	})
	mux.HandleFunc("POST /auth/v1/logout", func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RawQuery + " " + r.Header.Get("Apikey")
		w.WriteHeader(http.StatusNoContent)
	})
	r := run(t, config(t, RoleAPI, vars{
		"REDIS_URL": testenv.Redis(t), "OSP_AUTH": "", "SUPABASE_URL": project.URL, "SUPABASE_JWT_SECRET": jwtSecret,
		"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_project",
	}))
	res, said := r.browse("POST /ui/session", "", `{"email":"alice@example.com","password":"hunter2"}`)
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if res.StatusCode != http.StatusOK || !strings.Contains(said, `"user_id":"`+user+`"`) || !strings.Contains(said, `"logins":["supabase"]`) {
		t.Fatalf("got %d %s", res.StatusCode, said)
	}
	if got, want := <-asked, `grant_type=password sb_secret_project {"email":"alice@example.com","password":"hunter2"}`; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	for line, status := range map[string]int{"GET /v1/tasks": 200, "GET /monitor/": 403, "GET /v1/audit": 403} {
		if res, said := r.browse(line, cookie, ""); res.StatusCode != status {
			t.Errorf("%s: %d %s", line, res.StatusCode, said)
		}
	}
	if res, _ := r.browse("DELETE /ui/session", cookie, ""); res.StatusCode != http.StatusNoContent || <-asked != "scope=local sb_secret_project" {
		t.Errorf("signing out: %d", res.StatusCode)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestAnotherOperatorPasswordEndsTheSessionsOfTheOldOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(operatorPassword)
	set := with(vars{"OSP_AUTH": "on", "PORT": "0", "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "REDIS_URL": testenv.Redis(t)},
		vars{"OSP_OPERATOR_PASSWORD_FILE": file}).env()
	set.ReadFile = os.ReadFile
	c, err := Load(RoleAPI, set)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, c)
	old := r.signIn(operatorPassword)
	write("short") // changes nothing
	if res, _ := r.browse("GET /v1/types", old, ""); res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
	write("another password of the operator")
	for deadline := time.Now().Add(patience); ; {
		res, _ := r.browse("GET /v1/types", old, "")
		if res.StatusCode == http.StatusUnauthorized {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the old password's session goes on: %d", res.StatusCode)
		}
		<-time.After(50 * time.Millisecond)
	}
	r.signIn("another password of the operator")
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
