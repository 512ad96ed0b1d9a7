package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMemoryMark(t *testing.T) {
	with := func(used, most int) info {
		return info{"used_memory": fmt.Sprint(used << 20), "maxmemory": fmt.Sprint(most << 20)}
	}
	for _, c := range []struct {
		name string
		mark memoryMark
		node info
		want string
	}{
		{"room is left", defaultMemoryMark, with(84, 100), ""},
		{"the default mark is passed", defaultMemoryMark, with(86, 100), "Redis uses 86 MB of memory, and should use at most 85 (OSP_MAX_MEMORY)."},
		{"a part of no limit", defaultMemoryMark, with(86, 0), ""},
		{"a size is passed", memoryMark{Bytes: 10 << 20}, with(11, 0), "Redis uses 11 MB of memory, and should use at most 10 (OSP_MAX_MEMORY)."},
		{"a size is not", memoryMark{Bytes: 10 << 20}, with(10, 0), ""},
		{"the host does not tell", defaultMemoryMark, info{}, ""},
		{"no mark", memoryMark{}, with(100, 100), ""},
	} {
		if got := c.mark.passed(c.node); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestALoadThatCannotBeSeenStaysAsItWas(t *testing.T) {
	count := func(n int, err error) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { return n, err }
	}
	l := &load{maxBacklog: 5, log: slog.New(slog.DiscardHandler), queued: count(6, nil), unwritten: count(0, nil)}
	l.look(t.Context())
	if !strings.HasPrefix(l.Overloaded(), "6 tasks wait for a worker") {
		t.Fatalf("got %q", l.Overloaded())
	}
	l.queued = count(0, errors.New("away"))
	l.look(t.Context())
	if l.Overloaded() == "" {
		t.Error("Redis is away, and the overload is over")
	}
	l.queued = count(5, nil)
	l.look(t.Context())
	if l.Overloaded() != "" {
		t.Errorf("got %q, with no more than may be", l.Overloaded())
	}
}

// later is a task that waits for its time, so that no worker gets it.
const later = `{"type":"http.saga","id":"%s","process_at":"2126-01-01T00:00:00Z","input":{"steps":[{"name":"a","do":{"method":"POST","url":"https://example.com/"}}]}}`

func TestARedisShortOfMemoryTakesNoNewTasksAndServesTheOthers(t *testing.T) {
	redisURL := testenv.Redis(t, "--maxmemory", "32mb", "--maxmemory-policy", "noeviction")
	var log lines
	r := runWith(t, config(t, RoleAPI, vars{"REDIS_URL": redisURL}), slog.New(slog.NewTextHandler(&log, nil)))
	start := func(id string) (int, string, string) {
		return r.now("POST", "/v1/tasks", fmt.Sprintf(later, id))
	}
	if status, _, body := start("first"); status != 202 {
		t.Fatalf("start: %d %s", status, body)
	}

	client := redis.NewClient(redisOptions(t, redisURL))
	defer func() { _ = client.Close() }()
	for range 27 {
		if err := client.RPush(t.Context(), "filler", strings.Repeat("x", 1_000_000)).Err(); err != nil {
			t.Fatal(err)
		}
	}
	log.comes(t, "overloaded: new tasks are refused", "Redis uses")
	status, retry, body := start("second")
	if status != 503 || retry != "10" || !strings.Contains(body, "/problems/overloaded") || !strings.Contains(body, "OSP_MAX_MEMORY") {
		t.Errorf("start: %d after %s s, %s", status, retry, body)
	}
	if got := r.status("/v1/tasks/first"); got != 200 {
		t.Errorf("read: %d", got)
	}
	for _, path := range []string{"/v1/tasks/first/signals/go", "/v1/tasks/first/cancel"} {
		if status, _, body := r.now("POST", path, ""); status != 202 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}

	if err := client.Del(t.Context(), "filler").Err(); err != nil {
		t.Fatal(err)
	}
	log.comes(t, "no longer overloaded")
	if status, _, body := start("second"); status != 202 {
		t.Errorf("start after that: %d %s", status, body)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}

func TestABacklogTakesNoNewTasks(t *testing.T) {
	now := strings.Replace(later, `"process_at":"2126-01-01T00:00:00Z",`, "", 1)
	for _, c := range []struct {
		name, task, says string
		set              vars
	}{
		{"no worker comes", now, "tasks wait for a worker", nil},
		{"the result store is away", later, "rows wait for the result store", vars{
			"OSP_RESULTS": "", "SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log lines
			set := with(vars{"REDIS_URL": testenv.Redis(t), "OSP_MAX_BACKLOG": "3"}, c.set)
			r := runWith(t, config(t, RoleAPI, set), slog.New(slog.NewTextHandler(&log, nil)))
			for i := range 4 {
				if status, _, body := r.now("POST", "/v1/tasks", fmt.Sprintf(c.task, fmt.Sprint("t", i))); status != 202 {
					t.Fatalf("start: %d %s", status, body)
				}
			}
			log.comes(t, "overloaded", "4 "+c.says)
			if status, _, body := r.now("POST", "/v1/tasks", fmt.Sprintf(c.task, "t9")); status != 503 || !strings.Contains(body, c.says) {
				t.Errorf("start: %d %s", status, body)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func redisOptions(t *testing.T, url string) *redis.Options {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// now is ask without waiting for the end of a task.
func (r *running) now(method, path, body string) (status int, retryAfter, answer string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Retry-After"), string(raw)
}
