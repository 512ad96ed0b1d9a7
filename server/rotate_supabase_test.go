package server

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestSupabasesKeyAndSecretRotateWithoutARestart(t *testing.T) {
	s := testenv.Supabase(t)
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := with(vars{
		"PORT": "0", "REDIS_URL": testenv.Redis(t), "SUPABASE_URL": s.URL,
		"SUPABASE_SERVICE_ROLE_KEY_FILE": write("key", s.ServiceKey[:len(s.ServiceKey)-5]+"AAAAA"),
		"SUPABASE_JWT_SECRET_FILE":       write("secret", "the-secret-of-before-which-signs-nothing-now"),
	}).env()
	env.ReadFile = os.ReadFile
	c, err := Load(RoleAPI, env)
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, c)
	r.token = s.UserKey("aaaaaaaa-0000-4000-8000-000000000001")
	if got := r.status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("ready with a wrong key: %d", got)
	}
	if got := r.status("/v1/types"); got != http.StatusUnauthorized {
		t.Errorf("a token signed with another secret: %d", got)
	}
	write("key", s.ServiceKey)
	write("secret", s.JWTSecret+"\n")
	r.becomes("/readyz", http.StatusOK)
	r.becomes("/v1/tasks", http.StatusOK)
	write("secret", "")
	r.becomes("/v1/tasks", http.StatusUnauthorized)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
