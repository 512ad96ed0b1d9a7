package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

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
	goleak.VerifyNone(t, before)
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
