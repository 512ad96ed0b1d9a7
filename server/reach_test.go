package server

import (
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestAConnectionThatIsNeverLetInIsRefusedWithTheMend(t *testing.T) {
	locked := testenv.Redis(t, "--requirepass", "open sesame")
	open := testenv.Redis(t)
	node := testenv.Redis(t, "--cluster-enabled", "yes")
	secure := httptest.NewUnstartedServer(nil) // all that counts is its TLS
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for _, c := range []struct{ name, url, want string }{
		{"no password", locked, "it asks for a password"},
		{"a wrong one", strings.Replace(locked, "//", "//:guess@", 1), "the user or the password is wrong"},
		{"no TLS where there is some", "redis://" + secure.Listener.Addr().String(), "it speaks TLS"},
		{"TLS where there is none", strings.Replace(open, "redis:", "rediss:", 1), "it does not speak TLS"},
		{"a database that there is not", open + "/99", "it has no database 99: end the URL in a lower number"},
		{"a database of a cluster", node + "/1", "a cluster has no numbered databases"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := look(t, c.url)["connection"]
			if !strings.HasPrefix(got, "refused: "+c.want) || strings.Contains(got, "guess") {
				t.Errorf("a check: got %q, want %q…", got, c.want)
			}
			client, err := openRedis(c.url, 1, trust{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			err = reachRedis(t.Context(), client)
			if config, ok := errors.AsType[*ConfigError](err); !ok || config.Variable != "REDIS_URL" || !strings.Contains(config.Reason, c.want) {
				t.Errorf("a command: %v, want REDIS_URL and %q", err, c.want)
			}
			s, err := New(t.Context(), config(t, RoleWorker, vars{"REDIS_URL": c.url}), slog.New(slog.DiscardHandler))
			if err == nil {
				s.close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("a start: %v, want %q", err, c.want)
			}
		})
	}
}

func TestARedisThatCannotBeReachedIsNoRefusal(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer func() { _ = client.Close() }()
	const want = "redis: it cannot be reached (dial tcp 127.0.0.1:1: connect: connection refused): start it, or set REDIS_URL to where it is"
	if findings, err := checkRedis(t.Context(), client); err == nil || findings != nil || err.Error() != want {
		t.Errorf("a check: %v and %v, want an error alone", findings, err)
	}
	if err := reachRedis(t.Context(), client); err == nil || err.Error() != want {
		t.Errorf("a command: %v", err)
	}
}

func TestARedisThatIsNotReadySaysSo(t *testing.T) {
	busy := testenv.Redis(t)
	client, err := openRedis(busy, 2, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	for _, args := range [][]any{{"replicaof", "127.0.0.1", "1"}, {"config", "set", "replica-serve-stale-data", "no"}} {
		if err := client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	err = reachRedis(t.Context(), client)
	if _, ok := errors.AsType[*awayError](err); !ok || !strings.HasPrefix(err.Error(), "redis: it is not ready (MASTERDOWN") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsWrongWithTheResultStoreIsSaidWithTheMend(t *testing.T) {
	answers := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://login.example.com")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for _, c := range []struct{ name, url, want string }{
		{"nobody is there", "http://127.0.0.1:1", "supabase cannot be reached (dial tcp 127.0.0.1:1: connect: connection refused): is SUPABASE_URL right?"},
		{"no such path", answers(404, "<html>"), "osp_ping: supabase answered 404: Not Found (is SUPABASE_URL the project's? If so, run: osp migrate)"},
		{"elsewhere", answers(302, ""), "osp_ping: supabase answered 302: Found (is SUPABASE_URL the project's? If so, run: osp migrate)"},
		{"no migrations", answers(404, `{"code":"PGRST202","message":"no function"}`), "osp_ping: supabase answered 404 PGRST202: no function (have the migrations been applied? run: osp migrate)"},
		{"old migrations", answers(200, `{"schema":7}`), "the database has schema 7, this program needs "},
		{"the key of another project", answers(401, `{"message":"Invalid API key"}`), "osp_ping: supabase answered 401: Invalid API key (is SUPABASE_SERVICE_ROLE_KEY the key of this project?)"},
		{"some web page", answers(200, "<html>"), "no Supabase answers (osp_ping: decode the answer: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			redisURL := testenv.Redis(t)
			env := vars{"REDIS_URL": redisURL, "SUPABASE_URL": c.url, "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}.env()
			findings, err := Doctor(t.Context(), env)
			if err != nil {
				t.Fatal(err)
			}
			if f := findings[len(findings)-1]; f.Level != LevelRefused || !strings.HasPrefix(f.Says, c.want) || strings.Contains(f.Says, " :") {
				t.Errorf("doctor: %v, want %q", f, c.want)
			}
			if _, err := OpenDeletion(t.Context(), env); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("a command: %v, want %q", err, c.want)
			}
		})
	}
}

func TestAFileThatIsNotThereIsNotMade(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "deep", "osp.db")
	v := vars{"REDIS_URL": testenv.Redis(t), "OSP_RESULTS": "sqlite:" + path}
	findings, err := Doctor(t.Context(), v.env())
	if err != nil {
		t.Fatal(err)
	}
	if f := findings[len(findings)-1]; f.Level != LevelWarning || f.Says != "there is no file "+path+" yet: a start makes it, empty" {
		t.Errorf("doctor: %v", f)
	}
	c, err := Load(RoleWorker, v.env())
	if err != nil {
		t.Fatal(err)
	}
	_, deletion := OpenDeletion(t.Context(), v.env())
	for command, err := range map[string]error{
		"recover": Recover(t.Context(), c, RecoverOptions{}, io.Discard, io.Discard), "delete": deletion,
	} {
		if config, ok := errors.AsType[*ConfigError](err); !ok || config.Variable != "OSP_RESULTS" || !strings.Contains(config.Reason, path) {
			t.Errorf("%s: %v", command, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 0 {
		t.Errorf("it made %v, %v", left, err)
	}
	for _, path := range []string{"/dev/null/osp.db", "/proc/osp/osp.db"} {
		v["OSP_RESULTS"] = "sqlite:" + path
		findings, err = Doctor(t.Context(), v.env())
		if err != nil {
			t.Fatal(err)
		}
		if f := findings[len(findings)-1]; f.Level != LevelRefused || !strings.HasPrefix(f.Says, "OSP_RESULTS names a file that ") {
			t.Errorf("a file that cannot be made, %s: %v", path, f)
		}
	}
}
