package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// tool runs a program of PostgreSQL.
func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), testenv.PostgresTool(t, name), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// restoreInto makes a new database of a dump and puts it in the old one's place, as docs/operations.md says.
func restoreInto(t *testing.T, s *testenv.SupabaseServer, dump string) {
	t.Helper()
	s.StopREST()
	elsewhere := strings.Replace(s.AdminURL, "/postgres?", "/template1?", 1)
	old := fmt.Sprintf("before_%d", time.Now().UnixNano())
	tool(t, "psql", elsewhere, "-c", `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'`,
		"-c", `alter database postgres rename to "`+old+`"`)
	tool(t, "pg_restore", "--create", "--exit-on-error", "--dbname="+elsewhere, dump)
	s.StartREST(t)
}

// held answers /held when it may, or the second time.
func held(letGo <-chan struct{}) func(string, int, *http.Request) int {
	return func(path string, call int, r *http.Request) int {
		if strings.HasPrefix(path, "/held") && call == 1 {
			select {
			case <-letGo:
			case <-r.Context().Done():
			}
		}
		return http.StatusOK
	}
}

func (o *osp) order(id, schema string) {
	o.t.Helper()
	body := dict{"id": id, "type": "entity.create", "service": schema, "input": dict{"entity": "orders", "data": dict{"code": id}}}
	if done := o.ends(body); done.State != saga.Completed {
		o.t.Fatalf("%s: %s %s", id, done.State, done.Error)
	}
}

// is waits until the store has a task as the condition says.
func (d *database) is(id, condition string) {
	d.t.Helper()
	query := fmt.Sprintf("select count(*) from public.workflow_executions where execution_id = '%s' and %s", id, condition)
	eventually(d.t, enough, func() bool { return d.number(query) == 1 }, func() any { return query })
}

func TestADatabaseIsRestoredFromADump(t *testing.T) {
	env, redisURL, db := inSupabase(t)
	supabase := testenv.Supabase(t)
	e := newEndpoint(t, held(nil))
	all := start(t, "all", env...)
	schema := all.shop("dumped")
	all.order("before", schema)
	db.is("before", "status = 'completed'")
	all.task(202, "POST", "/v1/tasks", dict{"id": "left", "type": "http.saga", "input": e.saga("a", "held", "c")})
	eventually(t, enough, func() bool { return e.called("/held") == 1 }, func() any { return all.log() })
	db.is("left", "current_step = 'held'")
	dump := filepath.Join(t.TempDir(), "osp.dump")
	tool(t, "pg_dump", "--format=custom", "--file="+dump, supabase.AdminURL)
	all.order("after", schema)
	db.is("after", "status = 'completed'")

	// The database goes back in time, Redis does not: what is missing is written again.
	_ = db.conn.Close(context.Background())
	restoreInto(t, supabase, dump)
	db = connect(t, supabase.AdminURL)
	if n := db.number("select count(*) from public.workflow_executions where execution_id in ('before', 'left', 'after')"); n != 2 {
		t.Fatalf("%d rows in the dump", n)
	}
	if code, out := command(t, env, "recover", "--rows"); code != exitOK || !strings.Contains(out, "restored 0, there already 1") || !strings.Contains(out, "rows to be written again: 4") {
		t.Fatalf("exit %d: %s", code, out)
	}
	db.is("after", "status = 'completed'")

	// Both are gone: the database comes from the dump, Redis is empty.
	all.kill()
	flushAll(t, redisURL)
	_ = db.conn.Close(context.Background())
	restoreInto(t, supabase, dump)
	db = connect(t, supabase.AdminURL)
	if code, out := command(t, env, "recover", "--dry-run"); code != exitOK || !strings.Contains(out, "to be restored 1, there already 0") {
		t.Fatalf("exit %d: %s", code, out)
	}
	if code, out := command(t, env, "recover"); code != exitOK || !strings.Contains(out, "restored 1, there already 0") || strings.Contains(out, "nothing to restore") {
		t.Fatalf("exit %d: %s", code, out)
	}
	start(t, "all", env...)
	db.is("left", "status = 'completed'")
	if e.saw() != "/a /held /c" || e.called("/a") != 1 {
		t.Errorf("effects %s, /a was called %d times", e.saw(), e.called("/a"))
	}
}

func TestRedisGoesBackInTime(t *testing.T) {
	env, _, db := inSupabase(t)
	server := testenv.RedisProcess(t)
	env = append(env, "REDIS_URL="+server.URL)
	letGo := make(chan struct{})
	e := newEndpoint(t, held(letGo))
	all := start(t, "all", env...)
	schema := all.shop("back")
	all.task(202, "POST", "/v1/tasks", dict{"id": "known", "type": "http.saga", "input": e.saga("a", "held", "c")})
	eventually(t, enough, func() bool { return e.called("/held") == 1 }, func() any { return all.log() })
	o, err := redis.ParseURL(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	all.order("late", schema)
	all.task(202, "POST", "/v1/tasks", dict{"id": "unknown", "type": "http.saga", "input": e.saga("b", "held-too", "d")})
	eventually(t, enough, func() bool { return e.called("/held-too") == 1 }, func() any { return all.log() })
	db.is("late", "status = 'completed'")
	db.is("unknown", "current_step = 'held-too'")
	server.Kill() // what came after the snapshot is gone
	server.Start()
	// The flusher may have found out by itself that one is lost, if it had its row in hand.
	if code, out := command(t, env, "recover"); code != exitOK || !strings.Contains(out, "2 tasks looked at") || !strings.Contains(out, "failed 0") {
		t.Fatalf("exit %d: %s", code, out)
	}
	close(letGo)
	db.is("known", "status = 'completed'")
	db.is("unknown", "status = 'completed'")
	if got := len(strings.Fields(e.saw())); got != 6 || e.called("/a") != 1 || e.called("/b") != 1 {
		t.Errorf("effects %s", e.saw())
	}
	all.order("late", schema) // Redis does not know it any longer; its fence does
	if n := db.number("select count(*) from " + schema + ".orders where code = 'late'"); n != 1 {
		t.Errorf("the order is there %d times", n)
	}
}
