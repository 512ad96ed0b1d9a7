package main

import (
	"encoding/base64"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

// A platform starts again what ends at once. Whoever looks at the log has to see why, in one line.
func TestWhatIsWrongIsToldInOneLineWithItsMend(t *testing.T) {
	redis := testenv.Redis(t)
	guarded := testenv.Redis(t, "--requirepass", "sesame")
	evicting := testenv.Redis(t, "--maxmemory-policy", "allkeys-lru")
	secure, authority := testenv.RedisTLS(t)
	taken, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	file := "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db")
	well := []string{"PORT=0", "REDIS_URL=" + redis, file, "OSP_AUTH=off"}
	anon := "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(`{"role":"anon"}`)) + ".x"

	for _, c := range []struct {
		name string
		env  []string // what is other than well
		want string   // how the line goes on after "osp: "
	}{
		{"no result store", []string{"OSP_RESULTS=", "SUPABASE_SERVICE_ROLE_KEY=sb_secret_x"}, "SUPABASE_URL is not set: copy it"},
		{"a Supabase without a key", []string{"OSP_RESULTS=", "SUPABASE_URL=https://x.supabase.co"}, "SUPABASE_SERVICE_ROLE_KEY is not set: copy the secret key"},
		{"a publishable key", []string{"OSP_RESULTS=", "SUPABASE_URL=https://x.supabase.co", "SUPABASE_SECRET_KEY=sb_publishable_x"}, "SUPABASE_SERVICE_ROLE_KEY is a publishable key: the secret key"},
		{"the key of anonymous visitors", []string{"OSP_RESULTS=", "SUPABASE_URL=https://x.supabase.co", "SUPABASE_SERVICE_ROLE_KEY=" + anon}, `SUPABASE_URL or the key is wrong: SUPABASE_SERVICE_ROLE_KEY has the role "anon": use the service_role key`},
		{"a malformed URL of Supabase", []string{"OSP_RESULTS=", "SUPABASE_URL=abc", "SUPABASE_SECRET_KEY=sb_secret_x"}, `SUPABASE_URL is "abc": it begins with https://`},
		{"nobody may call", []string{"OSP_AUTH=on"}, "OSP_API_KEYS has no key"},
		{"a malformed number", []string{"OSP_CONCURRENCY=many"}, `OSP_CONCURRENCY is "many": set it to a number from 1 to 10000`},
		{"a malformed duration", []string{"OSP_SHUTDOWN_TIMEOUT=8"}, `OSP_SHUTDOWN_TIMEOUT is "8": set it to a duration such as`},
		{"a malformed port", []string{"PORT=tcp://10.0.0.1:80"}, `PORT is "tcp://10.0.0.1:80": set it to a number`},
		{"a port in use", []string{"PORT=" + port}, "PORT cannot be listened on ("},
		{"two roles", []string{"ROLE=api,worker"}, `ROLE is "api,worker": set it to api, worker, all or autoscale`},
		{"an unknown role", []string{"ROLE=boss"}, `ROLE is "boss": set it to api, worker, all or autoscale`},
		{"a Redis that asks for a password", []string{"REDIS_URL=" + guarded}, "REDIS_URL leads to something that osp cannot use (redis connection): it asks for a password: write redis://"},
		{"a wrong password", []string{"REDIS_URL=" + strings.Replace(guarded, "//", "//:hunter2@", 1)}, "REDIS_URL leads to something that osp cannot use (redis connection): the user or the password is wrong"},
		{"TLS where there is none", []string{"REDIS_URL=" + strings.Replace(redis, "redis://", "rediss://", 1)}, "REDIS_URL leads to something that osp cannot use (redis connection): it does not speak TLS: begin with redis://"},
		{"no TLS where there is", []string{"REDIS_URL=" + strings.Replace(secure, "rediss://", "redis://", 1)}, "REDIS_URL leads to something that osp cannot use (redis connection): it speaks TLS: begin with rediss://"},
		{"a certificate that nobody vouches for", []string{"REDIS_URL=" + secure}, "REDIS_URL leads to something that osp cannot use (redis connection): its certificate is not one that this machine trusts: "},
		{"an authority that is none", []string{"REDIS_URL=" + secure, "REDIS_CA=x"}, "REDIS_CA holds no certificate: give the authority's in PEM"},
		{"trust in two ways", []string{"REDIS_URL=" + secure, "REDIS_CA=" + authority, "REDIS_TLS_VERIFY=off"}, "REDIS_TLS_VERIFY is off, and REDIS_CA says what to verify: leave one of them empty"},
		{"an evicting Redis", []string{"REDIS_URL=" + evicting}, "REDIS_URL leads to something that osp cannot use (redis maxmemory-policy): allkeys-lru lets Redis throw tasks away when memory is full: set maxmemory-policy noeviction"},
		{"a file that cannot be made", []string{"OSP_RESULTS=sqlite:/proc/osp.db"}, "OSP_RESULTS names a file that cannot be used: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, lines := program(t, append(append([]string{}, well...), c.env...), "run")
			if code != exitUsage || len(lines) != 1 || !strings.HasPrefix(lines[0], "osp: "+c.want) {
				t.Errorf("exit code %d, want %d and the one line %q:\n%s", code, exitUsage, c.want, strings.Join(lines, "\n"))
			}
			for _, secret := range []string{"hunter2", "sesame", anon, "sb_publishable_x"} {
				if strings.Contains(strings.Join(lines, "\n"), secret) {
					t.Errorf("it tells %q: %s", secret, lines)
				}
			}
		})
	}
}

func TestACommandAndARoleThatContradict(t *testing.T) {
	well := []string{"PORT=0", "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OSP_AUTH=off"}
	code, lines := program(t, append(well, "ROLE=api"), "worker")
	want := `osp: ROLE is "api", and the command is osp worker: take one of them away, or have them say the same`
	if code != exitUsage || strings.Join(lines, "\n") != want {
		t.Errorf("exit code %d: %s", code, lines)
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	code, lines := program(t, []string{"PORT=http", "OSP_LEASE=long", "OSP_RESULTS=sqlite:x.db", "OSP_AUTH=off"}, "run")
	if code != exitUsage || len(lines) != 2 {
		t.Errorf("exit code %d, want %d and a line for each: %q", code, exitUsage, lines)
	}
}
