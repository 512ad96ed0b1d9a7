package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// here is an environment with a redis-server and a SQLite file of the test's own.
func here(t *testing.T) []string {
	t.Helper()
	return []string{
		"REDIS_URL=" + testenv.Redis(t), "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db"),
		"OSP_HTTP_ALLOW_PRIVATE=true",
	}
}

func TestAWorkerIsKilledInTheMiddle(t *testing.T) {
	env := here(t)
	stuck := make(chan struct{})
	e := newEndpoint(t, func(path string, call int, r *http.Request) int {
		if path == "/c" && call == 1 { // the first worker dies while it waits for this answer
			<-r.Context().Done()
			close(stuck)
		}
		return http.StatusOK
	})
	api, first := start(t, "api", env...), start(t, "worker", env...)
	task := api.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b", "c", "d", "e")})
	eventually(t, enough, func() bool { return e.called("/c") == 1 }, func() any { return e.saw() })
	first.kill()
	killed := time.Now()
	<-stuck
	start(t, "worker", env...)
	done := api.wait(task.ID, enough, saga.Completed)
	t.Logf("completed %v after the kill", time.Since(killed).Round(time.Millisecond))
	if got, want := e.saw(), "/a /b /c /d /e"; got != want {
		t.Errorf("effects %s, want %s", got, want)
	}
	if done.Steps[2].Attempts != 2 {
		t.Errorf("step c took %d attempts", done.Steps[2].Attempts)
	}
}

func TestAWorkerIsStoppedInTheMiddle(t *testing.T) {
	env := append(here(t), "OSP_LEASE=10m") // who waited for its end would wait for ever
	letGo := make(chan struct{})
	e := newEndpoint(t, func(path string, _ int, _ *http.Request) int {
		if path == "/b" {
			<-letGo
		}
		return http.StatusOK
	})
	api, first := start(t, "api", env...), start(t, "worker", env...)
	task := api.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b", "c")})
	eventually(t, enough, func() bool { return e.called("/b") == 1 }, func() any { return e.saw() })
	start(t, "worker", env...)
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, enough, func() bool { return strings.Contains(first.log(), "no new steps") }, func() any { return first.log() })
	close(letGo)
	done := api.wait(task.ID, enough, saga.Completed)
	if done.Steps[1].Attempts != 1 || e.saw() != "/a /b /c" {
		t.Errorf("the running step was not given its time: %+v, effects %s", done.Steps[1], e.saw())
	}
	<-first.ended
	if code := first.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestTheSameIDAtOnce(t *testing.T) {
	env := here(t)
	e := newEndpoint(t, nil)
	all := start(t, "all", env...)
	body := dict{"id": "order-7", "type": "http.saga", "input": e.saga("a", "b")}
	var mu sync.Mutex
	answers := map[int]int{}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			status, _, _ := all.call("POST", "/v1/tasks", body)
			mu.Lock()
			answers[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if answers[202] != 1 || answers[200] != 99 {
		t.Errorf("answers by status: %v, want one 202 and 99 times 200", answers)
	}
	all.wait("order-7", enough, saga.Completed)
	if e.saw() != "/a /b" {
		t.Errorf("effects %s", e.saw())
	}
	body["input"] = e.saga("a", "c")
	status, raw, _ := all.call("POST", "/v1/tasks", body)
	if status != http.StatusConflict || !strings.Contains(string(raw), "/problems/") {
		t.Errorf("same id, other input: %d %s", status, raw)
	}
}

func TestAWaitingTaskIsCancelled(t *testing.T) {
	e := newEndpoint(t, func(path string, _ int, _ *http.Request) int {
		if path == "/c" {
			return http.StatusServiceUnavailable // Retry-After: 600
		}
		return http.StatusOK
	})
	all := start(t, "all", here(t)...)
	task := all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b", "c")})
	all.wait(task.ID, enough, saga.Waiting)
	all.task(202, "POST", "/v1/tasks/"+task.ID+"/cancel", dict{"reason": "no longer wanted"})
	done := all.wait(task.ID, enough, saga.Cancelled) // long before it would be tried again
	if want := "/a /b /c /undo-c /undo-b /undo-a"; e.saw() != want || done.Error != "cancelled: no longer wanted" {
		t.Errorf("effects %s, want %s; error %q", e.saw(), want, done.Error)
	}
}

func TestALateFailureIsUndone(t *testing.T) {
	e := newEndpoint(t, func(path string, _ int, _ *http.Request) int {
		if path == "/log" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	all := start(t, "all", here(t)...)
	input := e.saga("charge", "ship", "log")
	delete(input["steps"].([]dict)[1], "undo")
	done := all.task(200, "POST", "/v1/tasks", dict{"type": "http.saga", "input": input}, "Prefer", "wait=25")
	if done.State != saga.Failed || e.saw() != "/charge /ship /log /undo-charge" {
		t.Errorf("state %s, effects %s", done.State, e.saw())
	}
	if got := strings.Join(done.NotUndone, " "); got != "ship" {
		t.Errorf("not undone: %q", got)
	}
	retried := all.task(202, "POST", "/v1/tasks/"+done.ID+"/retry", nil)
	if retried.RetryOf != done.ID || retried.ID == done.ID {
		t.Errorf("retry: %+v", retried)
	}
	all.wait(retried.ID, enough, saga.Failed)
}

func TestRowsAreWrittenAndListed(t *testing.T) {
	all := start(t, "all", here(t)...)
	e := newEndpoint(t, nil)
	for range 3 {
		all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a"), "service": "shop"})
	}
	eventually(t, enough, func() bool {
		_, raw, _ := all.call("GET", "/v1/tasks?service=shop&status=completed", nil)
		var page saga.Page
		return json.Unmarshal(raw, &page) == nil && len(page.Tasks) == 3
	}, func() any { _, raw, _ := all.call("GET", "/v1/tasks", nil); return json.RawMessage(raw) })
}

func TestWithoutRedis(t *testing.T) {
	redis := testenv.RedisProcess(t)
	env := []string{"REDIS_URL=" + redis.URL, "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db")}
	redis.Stop()
	all := start(t, "all", env...)
	if status, raw, _ := all.call("GET", "/healthz", nil); status != 200 {
		t.Errorf("healthz: %d %s", status, raw)
	}
	if status, raw, _ := all.call("GET", "/readyz", nil); status != 503 {
		t.Errorf("readyz: %d %s", status, raw)
	}
	body := dict{"type": "http.saga", "input": dict{"steps": []dict{{"name": "a", "do": dict{"method": "GET", "url": "https://example.com/"}}}}}
	status, raw, header := all.call("POST", "/v1/tasks", body)
	if status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("start: %d %s, Retry-After %q", status, raw, header.Get("Retry-After"))
	}
	redis.Start()
	eventually(t, enough, func() bool {
		status, _, _ := all.call("GET", "/readyz", nil)
		return status == 200
	}, func() any { return all.log() })
}

func TestDev(t *testing.T) {
	begun := time.Now()
	dev := start(t, "dev")
	if d := time.Since(begun); d > 20*time.Second { // under the race detector, on a busy machine; `make bench` has the real figure
		t.Errorf("ready after %v", d)
	}
	done := dev.ends(dict{"type": "service.create", "input": restaurant})
	if done.State != saga.Completed {
		t.Fatalf("service.create: %s %s", done.State, done.Error)
	}
	for _, page := range []string{"/monitor/", "/monitor/api/queues", "/openapi.json", "/v1/types"} {
		if status, _, _ := dev.call("GET", page, nil); status != 200 {
			t.Errorf("%s: %d", page, status)
		}
	}
	if code := dev.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestVersionsRiseFromTheFirstAnswer(t *testing.T) {
	e := newEndpoint(t, func(string, int, *http.Request) int { return http.StatusServiceUnavailable })
	all := start(t, "all", here(t)...)
	task := all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a")})
	waiting := all.wait(task.ID, enough, saga.Waiting)
	if waiting.Version <= task.Version || !waiting.CreatedAt.Equal(task.CreatedAt) {
		t.Errorf("first version %d of %v, then %d of %v", task.Version, task.CreatedAt, waiting.Version, waiting.CreatedAt)
	}
}

// restaurant is the service of the tour.
var restaurant = dict{
	"name": "restaurant",
	"entities": []dict{
		{"name": "tables", "attributes": dict{"number": "integer", "seats": "integer"}},
		{
			"name":          "reservations",
			"attributes":    dict{"customer_name": "string", "reservation_date": "date", "party_size": "integer"},
			"relationships": dict{"table": dict{"target": "tables", "type": "many_to_one"}},
		},
	},
	"sample_data": dict{"tables": []dict{{"number": 1, "seats": 4}, {"number": 2, "seats": 2}}},
}

func TestRestaurantInSupabase(t *testing.T) {
	supabase := testenv.Supabase(t)
	env := []string{
		"REDIS_URL=" + testenv.Redis(t), "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey,
	}
	all := start(t, "all", env...)
	db := connect(t, supabase.AdminURL)

	done := all.ends(dict{"type": "service.create", "input": restaurant})
	if done.State != saga.Completed {
		t.Fatalf("service.create: %s %s", done.State, done.Error)
	}
	var out struct{ Schema string }
	if err := json.Unmarshal(done.Output, &out); err != nil {
		t.Fatal(err)
	}
	if n := db.number("select count(*) from " + out.Schema + ".tables"); n != 2 {
		t.Errorf("%d sample rows", n)
	}

	entity := func(kind string, input dict) saga.Task {
		t.Helper()
		task := all.ends(dict{"type": kind, "service": out.Schema, "input": input})
		if task.State != saga.Completed {
			t.Fatalf("%s: %s %s", kind, task.State, task.Error)
		}
		return task
	}
	booked := entity("entity.create", dict{"entity": "reservations", "data": dict{"customer_name": "Ada", "party_size": 4}})
	var row struct{ Row struct{ ID string } }
	if err := json.Unmarshal(booked.Output, &row); err != nil || row.Row.ID == "" {
		t.Fatalf("output %s: %v", booked.Output, err)
	}
	entity("entity.update", dict{"entity": "reservations", "id": row.Row.ID, "data": dict{"party_size": 2}})
	if n := db.number("select party_size from " + out.Schema + ".reservations"); n != 2 {
		t.Errorf("party_size %d", n)
	}
	entity("entity.delete", dict{"entity": "reservations", "id": row.Row.ID})
	if n := db.number("select count(*) from " + out.Schema + ".reservations"); n != 0 {
		t.Errorf("%d reservations left", n)
	}
	eventually(t, enough, func() bool {
		return db.number("select count(*) from public.workflow_executions where status = 'completed'") >= 4
	}, func() any { return db.number("select count(*) from public.workflow_executions") })
}

func TestServiceCreateThatFailsAtItsLastStepLeavesNothing(t *testing.T) {
	supabase := testenv.Supabase(t)
	env := []string{
		"REDIS_URL=" + testenv.Redis(t), "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey,
	}
	all := start(t, "all", env...)
	db := connect(t, supabase.AdminURL)
	db.exec(`create function osp.refuse_activation() returns trigger language plpgsql as $$ begin
		if new.status = 'active' then raise exception 'no activation today'; end if; return new; end $$;
		create trigger refuse_activation before update on osp.manifests for each row execute function osp.refuse_activation()`)
	t.Cleanup(func() {
		db.exec("drop trigger refuse_activation on osp.manifests; drop function osp.refuse_activation()")
	})
	schemas := "select count(*) from information_schema.schemata where schema_name like 'doomed%'"

	input := dict{"name": "doomed", "entities": restaurant["entities"], "sample_data": restaurant["sample_data"]}
	done := all.ends(dict{"type": "service.create", "input": input})
	if done.State != saga.Failed || len(done.NotUndone) > 0 || !strings.Contains(done.Error, "activate_manifest") {
		t.Fatalf("state %s, error %q, not undone %v", done.State, done.Error, done.NotUndone)
	}
	var undone []string
	for _, s := range done.Steps {
		if s.State == saga.StepCompensated {
			undone = append(undone, s.Path)
		}
	}
	if want := "reserve register create_schema create_tables enable_security add_keys insert_sample_rows store_manifest"; strings.Join(undone, " ") != want {
		t.Errorf("undone: %v", undone)
	}
	for what, query := range map[string]string{
		"schemas": schemas, "services": "select count(*) from osp.services where schema like 'doomed%'",
		"manifests": "select count(*) from osp.manifests where schema like 'doomed%'",
	} {
		if n := db.number(query); n != 0 {
			t.Errorf("%d %s left", n, what)
		}
	}
}

func TestAServerTellsWhatIsWrongWithItsSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		args string
		env  []string
		want string
	}{
		{"no Supabase", "api", []string{"OSP_AUTH=off"}, "SUPABASE_URL is not set"},
		{"no key of Supabase", "worker", []string{"SUPABASE_URL=https://x.supabase.co"}, "SUPABASE_SERVICE_ROLE_KEY is not set"},
		{"a publishable key", "worker", []string{"SUPABASE_URL=https://x.supabase.co", "SUPABASE_SECRET_KEY=sb_publishable_x"}, "the secret key"},
		{"no API key", "api", []string{"OSP_RESULTS=sqlite:/tmp/x.db"}, "OSP_API_KEYS has no key"},
		{"a malformed API key", "api", []string{"OSP_RESULTS=sqlite:/tmp/x.db", "OSP_API_KEYS=me"}, "OSP_API_KEYS is wrong"},
		{"a malformed port", "api", []string{"PORT=http"}, "PORT is \"http\""},
		{"an unknown role", "run", []string{"ROLE=boss"}, "ROLE is \"boss\""},
		{"a malformed queue", "worker", []string{"OSP_QUEUES=a b"}, "OSP_QUEUES has the entry"},
		{"a Redis of another kind", "all", []string{"REDIS_URL=http://x", "OSP_RESULTS=sqlite:/tmp/x.db", "OSP_AUTH=off"}, "REDIS_URL has no scheme that is known"},
		{"a password in a wrong URL is not shown", "all", []string{"REDIS_URL=redis://u:hunter2@x:port", "OSP_RESULTS=sqlite:/tmp/x.db", "OSP_AUTH=off"}, "REDIS_URL is malformed"},
		{"a missing file", "api", []string{"REDIS_URL_FILE=/nowhere", "OSP_AUTH=off"}, "REDIS_URL_FILE names a file"},
		{"one argument too many", "api", nil, "SUPABASE_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := command(t, append([]string{"PORT=0"}, c.env...), c.args)
			if code != exitUsage || !strings.Contains(out, c.want) {
				t.Errorf("exit %d, %s; want %d and %q", code, out, exitUsage, c.want)
			}
			if strings.Contains(out, "hunter2") {
				t.Errorf("a password is shown: %s", out)
			}
		})
	}
}

func TestAPortInUse(t *testing.T) {
	all := start(t, "all", here(t)...)
	port := all.url[strings.LastIndexByte(all.url, ':')+1:]
	code, out := command(t, []string{"PORT=" + port, "OSP_AUTH=off", "OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "x.db")}, "api")
	if code != exitUsage || !strings.Contains(out, "PORT cannot be listened on") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, out := command(t, []string{"PORT=" + port}, "healthcheck"); code != exitOK {
		t.Errorf("healthcheck: exit %d, %s", code, out)
	}
	all.kill()
	if code, _ := command(t, []string{"PORT=" + port}, "healthcheck"); code != exitFailed {
		t.Errorf("healthcheck of a dead server: exit %d", code)
	}
}

func TestAKeyThatWasMadeLetsIn(t *testing.T) {
	key, entry := newAPIKey(t, "ci", "starter")
	all := start(t, "all", append(here(t), "OSP_AUTH=on", "OSP_API_KEYS="+entry)...)
	for _, c := range []struct {
		header string
		path   string
		want   int
	}{
		{"", "/v1/tasks", 401},
		{"Bearer " + key + "x", "/v1/tasks", 401},
		{"Bearer " + key, "/v1/tasks", 200},
		{"", "/monitor/", 401},
		{"Bearer " + key, "/monitor/", 200},
		{"", "/healthz", 200},
	} {
		if status, raw, _ := all.call("GET", c.path, nil, "Authorization", c.header); status != c.want {
			t.Errorf("%s with %.10q: %d, want %d: %s", c.path, c.header, status, c.want, raw)
		}
	}
}
