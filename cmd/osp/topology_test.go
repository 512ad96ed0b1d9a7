package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// elsewhere is an environment with that Redis.
func elsewhere(t *testing.T, redisURL string) []string {
	t.Helper()
	return []string{
		"REDIS_URL=" + redisURL, "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OSP_HTTP_ALLOW_PRIVATE=true",
	}
}

// many starts tasks of three steps, of which every fourth fails at the last, and returns how each is to end.
// Each step may take so many seconds: so long an undo waits for a do whose worker died.
func many(t *testing.T, api *osp, e *endpoint, n, timeout int) map[string]saga.State {
	t.Helper()
	want := map[string]saga.State{}
	for i := range n {
		steps, state := []string{"a", "b", "c"}, saga.Completed
		if i%4 == 3 {
			steps, state = []string{"a", "b", "fail"}, saga.Failed
		}
		id := fmt.Sprintf("task-%d", i)
		input := e.saga(steps...)
		for _, step := range input["steps"].([]dict) {
			step["timeout"] = timeout
		}
		api.task(202, "POST", "/v1/tasks", dict{"id": id, "type": "http.saga", "input": input})
		want[id] = state
	}
	return want
}

func refusing(path string, _ int, _ *http.Request) int {
	if path == "/fail" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// end follows tasks to their ends, however often Redis is away meanwhile.
func end(t *testing.T, api *osp, within time.Duration, want map[string]saga.State) {
	t.Helper()
	for id, state := range want {
		var task saga.Task
		eventually(t, within, func() bool {
			status, raw, _ := api.call("GET", "/v1/tasks/"+id, nil)
			return status == http.StatusOK && json.Unmarshal(raw, &task) == nil && task.State == state
		}, func() any { return task })
	}
}

// happened checks that each effect of many happened once.
func happened(t *testing.T, e *endpoint, n int) {
	t.Helper()
	for path, want := range map[string]int{"/a": n, "/b": n, "/c": n - n/4, "/undo-b": n / 4, "/undo-a": n / 4, "/undo-c": 0} {
		if got := strings.Count(e.saw()+" ", path+" "); got != want {
			t.Errorf("%s happened %d times, want %d", path, got, want)
		}
	}
}

func TestOnACluster(t *testing.T) {
	env := elsewhere(t, "redis://"+strings.Join(testenv.RedisCluster(t), ","))
	e := newEndpoint(t, refusing)
	api := start(t, "api", env...)
	first := start(t, "worker", env...)
	want := many(t, api, e, 40, 5)
	first.kill()
	start(t, "worker", env...)
	end(t, api, enough, want)
	happened(t, e, 40)
}

// What Redis acknowledged and its replica has is carried on by whatever becomes the master.
func TestThroughAFailover(t *testing.T) {
	s := testenv.RedisSentinel(t)
	env := elsewhere(t, s.URL)
	hold := make(chan struct{})
	e := newEndpoint(t, func(path string, call int, r *http.Request) int {
		if path == "/b" {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		return refusing(path, call, r)
	})
	api := start(t, "api", env...)
	start(t, "worker", env...)
	want := many(t, api, e, 20, 30) // which is longer than it takes until all are at b
	eventually(t, enough, func() bool { return e.called("/b") == 20 }, func() any { return e.saw() })
	s.Master.Kill()
	close(hold)
	s.Promote(t)
	end(t, api, enough, want)
	happened(t, e, 20)
}

func TestBehindTLSOfAPrivateAuthorityWithAUserOfItsOwn(t *testing.T) {
	url, authority := testenv.RedisTLS(t)
	e, behind := newEndpoint(t, nil), elsewhere(t, url)
	for name, env := range map[string][]string{
		"its certificate is known": {"REDIS_CA=" + authority},
		"any certificate will do":  {"REDIS_TLS_VERIFY=false"},
	} {
		t.Run(name, func(t *testing.T) {
			all := start(t, "all", slices.Concat(behind, env)...)
			task := all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a")})
			all.wait(task.ID, enough, saga.Completed)
			if warned := strings.Contains(all.log(), "anybody on the way could be Redis"); warned == strings.HasPrefix(env[0], "REDIS_CA=") {
				t.Errorf("a warning: %v:\n%s", warned, all.log())
			}
		})
	}
	code, out := command(t, slices.Concat(behind, []string{"OSP_AUTH=off", "PORT=0"}), "all")
	if code != exitUsage || !strings.Contains(out, "certificate is not one that this machine trusts") || strings.Contains(out, "sesame") {
		t.Errorf("a certificate that nobody vouches for: exit code %d: %s", code, out)
	}
}
