package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// until asks until the answer is yes.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ask(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A pause outlives the processes, and holds from a process' first moment.
func TestAPauseSurvivesARestart(t *testing.T) {
	var calls atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(endpoint.Close)
	set := vars{
		"REDIS_URL": testenv.Redis(t), "OSP_RESULTS": "sqlite:" + filepath.Join(t.TempDir(), "osp.db"), "OSP_HTTP_ALLOW_PRIVATE": "true",
	}
	client := redis.NewClient(redisOptions(t, set["REDIS_URL"]))
	defer func() { _ = client.Close() }()

	api := run(t, config(t, RoleAPI, set))
	if status, _, body := api.now("PUT", "/v1/pauses/type/http.saga", `{"reason":"the endpoint is down"}`); status != 200 {
		t.Fatalf("pause: %d %s", status, body)
	}
	body := fmt.Sprintf(`{"type":"http.saga","id":"t","input":{"steps":[{"name":"a","do":{"method":"POST","url":%q}}]}}`, endpoint.URL)
	if status, _, answer := api.now("POST", "/v1/tasks", body); status != 202 {
		t.Fatalf("start: %d %s", status, answer)
	}
	if err := api.stop(); err != nil {
		t.Error(err)
	}

	all := run(t, config(t, RoleAll, set))
	until(t, "the task is parked", func() bool { return client.SCard(t.Context(), "osp:{00}:p:type/http.saga").Val() == 1 })
	const by = `"paused_by":[{"kind":"type","name":"http.saga","by":"anonymous","reason":"the endpoint is down","since":`
	if _, _, answer := all.now("GET", "/v1/tasks/t", ""); !strings.Contains(answer, `"state":"pending"`) || !strings.Contains(answer, by) || calls.Load() != 0 {
		t.Errorf("while it is paused: %d calls, %s", calls.Load(), answer)
	}
	if _, _, answer := all.now("GET", "/v1/pauses", ""); !strings.Contains(answer, `"reason":"the endpoint is down"`) {
		t.Errorf("paused: %s", answer)
	}
	if status, _, answer := all.now("DELETE", "/v1/pauses/type/http.saga", ""); status != 204 {
		t.Errorf("resume: %d %s", status, answer)
	}
	if _, _, answer := all.ask("GET", "/v1/tasks/t", "", ""); !strings.Contains(answer, `"state":"completed"`) || strings.Contains(answer, "paused_by") || calls.Load() != 1 {
		t.Errorf("after it: %d calls, %s", calls.Load(), answer)
	}
	var overview struct {
		Workers    []struct{ Queues []string }
		Throughput []struct{ Started, Completed int }
	}
	until(t, "the overview tells of it", func() bool {
		_, _, answer := all.now("GET", "/v1/overview", "")
		if err := json.Unmarshal([]byte(answer), &overview); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		sum := 0
		for _, m := range overview.Throughput {
			sum += m.Completed
		}
		return sum == 1 && len(overview.Workers) == 1
	})
	if err := all.stop(); err != nil {
		t.Error(err)
	}
}

// Through the list of a real result store, to its end.
func TestManyTasksAreCancelledPageByPage(t *testing.T) {
	r := run(t, config(t, RoleAll, vars{"REDIS_URL": testenv.Redis(t)}))
	for i := range 75 {
		if status, _, answer := r.now("POST", "/v1/tasks", fmt.Sprintf(later, fmt.Sprint("t", i))); status != 202 {
			t.Fatalf("start: %d %s", status, answer)
		}
	}
	var dry struct{ Matched int }
	until(t, "their rows are there", func() bool {
		_, _, answer := r.now("POST", "/v1/tasks/bulk/cancel", `{"filter":{"type":"http.saga"},"dry_run":true}`)
		if err := json.Unmarshal([]byte(answer), &dry); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		return dry.Matched == 75
	})
	matched, next := 0, ""
	for {
		status, _, answer := r.now("POST", "/v1/tasks/bulk/cancel", `{"filter":{"search":"t","state":"pending"},"limit":30`+next+`}`)
		var a struct {
			Matched int
			Refused []struct{ Detail string }
			Next    *string
		}
		if err := json.Unmarshal([]byte(answer), &a); err != nil || status != 200 || len(a.Refused) > 0 {
			t.Fatalf("%d %s", status, answer)
		}
		if matched += a.Matched; a.Next == nil {
			break
		}
		next = `,"cursor":"` + *a.Next + `"`
	}
	if matched != 75 {
		t.Errorf("%d are cancelled, want 75", matched)
	}
	until(t, "all are cancelled", func() bool {
		_, _, answer := r.now("GET", "/v1/tasks/counts", "")
		return strings.Contains(answer, `"cancelled":75`)
	})
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
