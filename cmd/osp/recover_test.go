package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// flushAll empties a Redis while everybody goes on.
func flushAll(t *testing.T, url string) {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// inSupabase is an environment with a Redis and a Supabase, and its database.
func inSupabase(t *testing.T) (env []string, redisURL string, db *database) {
	t.Helper()
	supabase, redisURL := testenv.Supabase(t), testenv.Redis(t)
	return []string{
		"REDIS_URL=" + redisURL, "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey,
		"OSP_HTTP_ALLOW_PRIVATE=true",
	}, redisURL, connect(t, supabase.AdminURL)
}

// shop makes a service and returns its schema.
func (o *osp) shop(name string) string {
	o.t.Helper()
	input := dict{"name": name, "entities": []dict{{"name": "orders", "attributes": dict{"code": "string"}}}}
	done := o.ends(dict{"type": "service.create", "input": input})
	if done.State != saga.Completed {
		o.t.Fatalf("service.create: %s %s", done.State, done.Error)
	}
	return strings.Split(strings.Split(string(done.Output), `"schema":"`)[1], `"`)[0]
}

func TestRedisIsEmptiedUnderLoad(t *testing.T) {
	env, redisURL, db := inSupabase(t)
	e := newEndpoint(t, func(path string, _ int, r *http.Request) int {
		select {
		case <-time.After(rand.N(200 * time.Millisecond)):
		case <-r.Context().Done():
		}
		if strings.HasSuffix(path, "-refused") {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	api := start(t, "api", env...)
	for range 2 {
		start(t, "worker", append(env, "OSP_CONCURRENCY=6")...)
	}
	schema := api.shop("emptied")
	run := fmt.Sprintf("%x", time.Now().UnixNano()) // the database may have tasks of an earlier run
	var load sync.WaitGroup
	for n := range 120 {
		load.Go(func() {
			body := dict{"id": fmt.Sprintf("order-%s-%d", run, n), "type": "entity.create", "service": schema, "input": dict{
				"entity": "orders", "data": dict{"code": fmt.Sprint(n)},
			}}
			switch {
			case n%20 == 1:
				body = dict{"id": fmt.Sprintf("service-%s-%d", run, n), "type": "service.create", "input": dict{
					"name": fmt.Sprint("emptied", n), "entities": restaurant["entities"], "sample_data": restaurant["sample_data"],
				}}
			case n%4 == 2:
				body = dict{"id": fmt.Sprintf("saga-%s-%d", run, n), "type": "http.saga", "input": e.saga(fmt.Sprint("a", n), fmt.Sprint("b", n), fmt.Sprint("c", n))}
			case n%8 == 3:
				body = dict{"id": fmt.Sprintf("doomed-%s-%d", run, n), "type": "http.saga", "input": e.saga(fmt.Sprint("a", n), fmt.Sprint("b", n), fmt.Sprint(n, "-refused"))}
				for _, step := range body["input"].(dict)["steps"].([]dict) {
					step["timeout"] = 5 // an undo after a recovery waits for so long
				}
			}
			api.call("POST", "/v1/tasks", body)
		})
	}
	ours := " where execution_id like '%-" + run + "-%'"
	eventually(t, enough, func() bool {
		return db.number("select count(*) from public.workflow_executions"+ours+" and status = 'completed'") > 15
	}, func() any { return api.log() })
	flushAll(t, redisURL)
	load.Wait()
	unfinished := ours + " and status in ('pending', 'running')"
	t.Logf("stored %d, unfinished %d", db.number("select count(*) from public.workflow_executions"+ours), db.number("select count(*) from public.workflow_executions"+unfinished))

	code, out := command(t, env, "recover")
	t.Log(out)
	if code != exitOK || !strings.Contains(out, "failed 0") || strings.Contains(out, "restored 0,") {
		t.Fatalf("exit %d: %s", code, out)
	}
	eventually(t, enough, func() bool {
		return db.number("select count(*) from public.workflow_executions"+unfinished) == 0
	}, func() any { return db.number("select count(*) from public.workflow_executions" + unfinished) })

	// Each fenced effect happened once. One query for each question: orders that nobody had stored may still come.
	for what, query := range map[string]string{
		"orders were inserted twice": "select count(*) from (select code from " + schema + ".orders group by code having count(*) > 1) twice",
		"orders are completed and not there": `select count(*) from public.workflow_executions t where execution_id like 'order-` + run + `-%' and status = 'completed'
			and not exists (select from ` + schema + `.orders o where 'order-` + run + `-' || o.code = t.execution_id)`,
		"orders failed": "select count(*) from public.workflow_executions where execution_id like 'order-" + run + "-%' and status in ('failed', 'cancelled')",
	} {
		if n := db.number(query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	services := `select count(*) from public.workflow_executions t where execution_id like 'service-` + run + `-%' and status = 'completed'
		and not exists (select from osp.services s where s.schema = t.output ->> 'schema')`
	if n := db.number(services); n != 0 {
		t.Errorf("%d services are completed and not there", n)
	}
	if n := db.number("select count(*) from public.workflow_executions where execution_id like 'doomed-" + run + "-%' and status in ('completed', 'cancelled')"); n != 0 {
		t.Errorf("%d tasks did not fail that had to", n)
	}
	if code, out := command(t, env, "recover"); code != exitOK || !strings.Contains(out, "restored 0,") {
		t.Errorf("once more: exit %d: %s", code, out)
	}
}

// waitingSaga starts a task that has done its first step and waits to try its second one again.
func waitingSaga(t *testing.T, all *osp, e *endpoint) saga.Task {
	t.Helper()
	task := all.task(202, "POST", "/v1/tasks", dict{"id": "left", "type": "http.saga", "input": e.saga("a", "later")})
	eventually(t, enough, func() bool {
		_, raw, _ := all.call("GET", "/v1/tasks?status=running", nil)
		return strings.Contains(string(raw), task.ID) && strings.Contains(string(raw), `"state":"waiting"`)
	}, func() any { return all.log() })
	return task
}

// later answers "later" once it may.
func later(now *syncBool) func(string, int, *http.Request) int {
	return func(path string, _ int, _ *http.Request) int {
		if path == "/later" && !now.is() {
			return http.StatusServiceUnavailable // Retry-After: 600
		}
		return http.StatusOK
	}
}

type syncBool struct {
	mu sync.Mutex
	on bool
}

func (b *syncBool) is() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.on }
func (b *syncBool) set()     { b.mu.Lock(); defer b.mu.Unlock(); b.on = true }

func TestATaskThatRedisLostIsRestoredByWhoeverMeetsIt(t *testing.T) {
	redis := testenv.RedisProcess(t)
	e := newEndpoint(t, later(&syncBool{}))
	all := start(t, "all", append(here(t), "REDIS_URL="+redis.URL)...)
	task := waitingSaga(t, all, e)
	redis.Kill()
	redis.Start()
	eventually(t, enough, func() bool { status, _, _ := all.call("GET", "/readyz", nil); return status == 200 }, func() any { return all.log() })
	if got := all.task(200, "GET", "/v1/tasks/"+task.ID, nil); got.State != saga.Waiting || got.Version <= task.Version {
		t.Errorf("it is %s with version %d", got.State, got.Version)
	}
	if status, raw, _ := all.call("POST", "/v1/tasks/"+task.ID+"/retry", nil); status != 409 || !strings.Contains(string(raw), "/problems/unfinished") {
		t.Errorf("retry: %d %s", status, raw)
	}
	flushAll(t, redis.URL)
	all.task(202, "POST", "/v1/tasks/"+task.ID+"/cancel", dict{})
	var got saga.Task
	eventually(t, enough, func() bool {
		got = all.task(200, "GET", "/v1/tasks/"+task.ID, nil)
		return got.Phase == saga.Undo
	}, func() any { return got })
}

func TestAWorkerRecoversWhenItStarts(t *testing.T) {
	redis := testenv.RedisProcess(t)
	env := append(here(t), "REDIS_URL="+redis.URL)
	var now syncBool
	e := newEndpoint(t, later(&now))
	all := start(t, "all", env...)
	task := waitingSaga(t, all, e)
	all.stop(syscall.SIGTERM)
	flushAll(t, redis.URL)
	now.set()
	redis.Stop()
	again := start(t, "all", append(env, "OSP_RECOVER=true")...)
	redis.Start()
	eventually(t, enough, func() bool { return strings.Contains(again.log(), `"msg":"recovered"`) }, func() any { return again.log() })
	code, out := command(t, env, "recover")
	if code != exitOK || !strings.Contains(out, "restored 0, there already 1, ended 0, failed 0") || !strings.Contains(out, "There is nothing to restore: Redis has the journals of all") {
		t.Errorf("recover: exit %d: %s", code, out)
	}
	if got := again.task(200, "GET", "/v1/tasks/"+task.ID, nil); got.State != saga.Waiting || e.called("/a") != 1 {
		t.Errorf("it is %s, /a was called %d times", got.State, e.called("/a"))
	}
}

// Whoever tries something out in osp dev may have OSP_RESULTS set to what API and workers use.
func TestDevIsRefusedAFileThatOthersUse(t *testing.T) {
	env := here(t)
	start(t, "all", env...)
	other := start(t, "worker", env...)
	refused := func() {
		t.Helper()
		code, out := command(t, append(env, "PORT=0"), "dev")
		if code != exitUsage || !strings.Contains(out, "OSP_RESULTS names a file that another process uses") {
			t.Errorf("exit %d: %s", code, out)
		}
	}
	refused()
	other.stop(syscall.SIGTERM)
	refused() // there is one left
}

func TestDevGoesOnWhereItStopped(t *testing.T) {
	file := "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "dev.db")
	env := []string{file, "OSP_HTTP_ALLOW_PRIVATE=true"}
	letGo := make(chan struct{})
	e := newEndpoint(t, func(path string, call int, r *http.Request) int {
		if path == "/b" && call == 1 {
			select {
			case <-letGo:
			case <-r.Context().Done():
			}
		}
		return http.StatusOK
	})
	first := start(t, "dev", env...)
	task := first.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b", "c")})
	eventually(t, enough, func() bool { return e.called("/b") == 1 }, func() any { return first.log() })
	for _, second := range []string{"dev", "all"} { // each would carry out the tasks that the other has
		code, out := command(t, append(env, "PORT=0", "OSP_AUTH=off", "REDIS_URL="+testenv.Redis(t)), second)
		if code != exitUsage || !strings.Contains(out, "OSP_RESULTS names a file that") {
			t.Errorf("osp %s beside it: exit %d: %s", second, code, out)
		}
	}
	close(letGo)
	if got := first.wait(task.ID, enough, saga.Completed); got.Error != "" || e.saw() != "/a /b /c" || e.called("/b") != 1 {
		t.Errorf("%+v: %s, /b %d times", got, e.saw(), e.called("/b"))
	}

	hold := newEndpoint(t, func(path string, call int, r *http.Request) int {
		if path == "/b" && call == 1 {
			<-r.Context().Done()
		}
		return http.StatusOK
	})
	task = first.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": hold.saga("a", "b", "c")})
	eventually(t, enough, func() bool { return hold.called("/b") == 1 }, func() any { return first.log() })
	eventually(t, enough, func() bool {
		_, raw, _ := first.call("GET", "/v1/tasks?status=running", nil)
		return strings.Contains(string(raw), task.ID)
	}, func() any { return first.log() })
	first.kill()
	third := start(t, "dev", env...)
	third.wait(task.ID, enough, saga.Completed)
	if got := hold.saw(); got != "/a /b /c" {
		t.Errorf("effects %s", got)
	}
}
