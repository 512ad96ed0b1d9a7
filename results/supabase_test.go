package results_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

const (
	ann = "aaaaaaaa-0000-4000-8000-000000000000"
	bob = "bbbbbbbb-0000-4000-8000-000000000000"
)

// rest asks PostgREST as somebody and returns the status and the body.
func rest(t *testing.T, s *testenv.SupabaseServer, key, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/rest/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("apikey", key)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func row(id, user string) saga.Task {
	return saga.Task{
		ID: id, Type: "order", UserID: user, Status: saga.StatusRunning, State: saga.Compensating, Phase: saga.Undo,
		CreatedAt: time.Unix(1_790_000_000, 0), Version: 1,
		Steps: []saga.StepView{
			{Path: "pay", State: saga.StepCompensating, Attempts: 3, UndoAttempts: 2},
			{Path: "mail", State: saga.StepFailed, Attempts: 3},
		},
	}
}

func TestUsersSeeTheirOwnTasksAndAnonymousNone(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	if _, err := p.Save(t.Context(), []saga.Task{row("of-ann", ann), row("of-bob", bob)}); err != nil {
		t.Fatal(err)
	}
	const query = "workflow_executions?select=execution_id,status,state,current_step,attempt&order=execution_id"
	status, body := rest(t, s, s.UserKey(ann), "GET", query, "")
	want := `[{"execution_id":"of-ann","status":"running","state":"compensating","current_step":"pay","attempt":2}]`
	if status != 200 || body != want {
		t.Errorf("ann sees %d %s, want %s", status, body, want)
	}
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "workflow_executions?execution_id=eq.of-ann", `{"status":"completed"}`},
		{"DELETE", "workflow_executions?execution_id=eq.of-ann", ""},
		{"POST", "workflow_executions", `{"execution_id":"x","workflow_id":"x","user_id":"` + ann + `"}`},
	} {
		status, body := rest(t, s, s.UserKey(ann), c.method, c.path, c.body)
		if task, err := p.Get(t.Context(), "of-ann"); err != nil || task.Status != saga.StatusRunning {
			t.Errorf("ann's %s: %d %s; the task is %v, %v", c.method, status, body, task, err)
		}
	}
	if _, err := p.Get(t.Context(), "x"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("ann has made a task: %v", err)
	}
	if status, body := rest(t, s, s.AnonKey, "GET", query, ""); status < 400 {
		t.Errorf("anonymous sees %d %s", status, body)
	}
}

func TestNobodyButTheServiceRoleExecutesOurFunctions(t *testing.T) {
	s := testenv.Supabase(t)
	for _, who := range []struct{ name, key string }{{"anonymous", s.AnonKey}, {"ann", s.UserKey(ann)}} {
		for fn, args := range map[string]string{
			"osp_save":  `{"tasks":[]}`,
			"osp_get":   `{"id":"x"}`,
			"osp_list":  `{"query":{}}`,
			"osp_ping":  `{}`,
			"osp_apply": `{"fence":null,"effect":"entity.query","args":{}}`,
		} {
			if status, body := rest(t, s, who.key, "POST", "rpc/"+fn, args); status != 401 && status != 403 {
				t.Errorf("%s calls %s: %d %s", who.name, fn, status, body)
			}
		}
	}
	// Whatever a later migration adds: no function of ours is for others.
	rows, err := s.DB(t).Query(t.Context(), `
		select p.oid::regprocedure::text || ' by ' || r.rolname from pg_proc p
		join pg_namespace n on n.oid = p.pronamespace, pg_roles r
		where r.rolname in ('anon', 'authenticated') and has_function_privilege(r.oid, p.oid, 'execute')
		and (n.nspname = 'osp' or n.nspname = 'public' and p.proname like 'osp\_%')`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var open string
		if err := rows.Scan(&open); err != nil {
			t.Fatal(err)
		}
		t.Errorf("executable: %s", open)
	}
}

func TestOurFunctionsHaveASearchPathAndATimeout(t *testing.T) {
	rows, err := testenv.Supabase(t).DB(t).Query(t.Context(), `
		select p.oid::regprocedure::text, n.nspname, coalesce(p.proconfig, '{}') from pg_proc p
		join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = 'osp' or n.nspname = 'public' and p.proname like 'osp\_%'`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var name, schema string
		var config []string
		if err := rows.Scan(&name, &schema, &config); err != nil {
			t.Fatal(err)
		}
		n++
		settings := strings.Join(config, " ")
		if !strings.Contains(settings, `search_path=""`) || schema == "public" && !strings.Contains(settings, "statement_timeout=") {
			t.Errorf("%s has the settings %q", name, settings)
		}
	}
	if n < 30 {
		t.Errorf("only %d functions were looked at", n)
	}
}

// oldTable is workflow_executions as the OSP app made it.
const oldTable = `
	set local role postgres;
	drop table public.workflow_executions cascade;
	create table public.workflow_executions (
		id bigserial primary key, workflow_id text not null, execution_id text unique, service_schema text not null,
		user_id uuid not null references auth.users (id) on delete cascade,
		status text not null check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
		input jsonb, output jsonb, workflow_definition jsonb not null, error text,
		started_at timestamptz, completed_at timestamptz, created_at timestamptz default now(), updated_at timestamptz default now());
	alter table public.workflow_executions enable row level security;
	create policy theirs on public.workflow_executions using (auth.uid() = user_id);
	insert into auth.users (id) values ('aaaaaaaa-0000-4000-8000-000000000000');
	insert into public.workflow_executions (workflow_id, execution_id, service_schema, user_id, status, workflow_definition)
	values ('createReservation', 'old', 'shop_1', 'aaaaaaaa-0000-4000-8000-000000000000', 'running', '{"steps": []}');`

func TestATableOfTheOldPlatformIsAlteredNotReplaced(t *testing.T) {
	tx, err := testenv.Supabase(t).DB(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	migration, err := os.ReadFile("../deploy/supabase/migrations/20261123000001_executions.sql")
	if err != nil {
		t.Fatal(err)
	}
	script := strings.Replace(oldTable, "insert into auth.users", "reset role; insert into auth.users", 1)
	for _, script := range []string{script, "set local role postgres;" + string(migration), string(migration)} {
		if _, err := tx.Conn().PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	var definition, saved, got string
	err = tx.QueryRow(t.Context(), `select (select workflow_definition::text from public.workflow_executions),
		public.osp_save('[{"id": "new", "type": "order", "user_id": "00000000-0000-0000-0000-000000000000",
			"status": "pending", "created_at": "2026-01-01T00:00:00Z", "version": 1}]')::text,
		public.osp_get('old') ->> 'state'`).Scan(&definition, &saved, &got)
	if err != nil || definition != `{"steps": []}` || saved != `[{"id": "new", "version": 1}]` || got != "running" {
		t.Errorf("definition %s, saved %s, state %s, %v", definition, saved, got, err)
	}
}

func TestTheTriggerKeepsTheNewestRowWhoeverWrites(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	task := row("guarded", ann)
	task.Version = 5
	if _, err := p.Save(t.Context(), []saga.Task{task}); err != nil {
		t.Fatal(err)
	}
	const write = "update public.workflow_executions set version = $1, error = $2 where execution_id = 'guarded'"
	for _, c := range []struct {
		version int64
		want    string
	}{{4, ""}, {5, "written with 5"}, {4, "written with 5"}, {6, "written with 6"}} {
		if _, err := s.DB(t).Exec(t.Context(), write, c.version, fmt.Sprintf("written with %d", c.version)); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Get(t.Context(), "guarded"); err != nil || got.Error != c.want {
			t.Errorf("after version %d: %q, %v; want %q", c.version, got.Error, err, c.want)
		}
	}
}

func TestAStoreThatIsAwayIsNotTheTasksFault(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	s.StopREST()
	_, saveErr := p.Save(t.Context(), []saga.Task{row("later", ann)})
	_, applyErr := p.Apply(t.Context(), saga.Fence{Task: "t", Path: "p"}, "service.reserve", []byte(`{}`))
	pingErr := p.Ping(t.Context())
	s.StartREST(t)
	for _, err := range []error{saveErr, applyErr, pingErr} {
		if err == nil || saga.IsPermanent(err) {
			t.Errorf("while PostgREST was away: %v", err)
		}
	}
	if _, err := p.Save(t.Context(), []saga.Task{row("later", ann)}); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatSupabaseDoesNotTakeIsNotTheTasksFault(t *testing.T) {
	p := postgREST(t, "sb_secret_wrong")
	_, err := p.Save(t.Context(), []saga.Task{row("never", ann)})
	var answer *results.APIError
	if !errors.As(err, &answer) || answer.Status != 401 || saga.IsPermanent(err) || answer.Pause() < time.Second {
		t.Errorf("got %v", err)
	}
	if err := p.SetKey(testenv.Supabase(t).ServiceKey); err != nil {
		t.Fatal(err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Errorf("after the key was changed: %v", err)
	}
}

func TestErrorsHoldNeitherTheKeyNorTheFailingRow(t *testing.T) {
	p := postgREST(t, "")
	bad := row("bad", ann)
	bad.Status, bad.Error = "unheard-of", "a secret of the row"
	_, err := p.Save(t.Context(), []saga.Task{bad})
	if !saga.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	text := fmt.Sprintf("%v %+v", err, err)
	for _, secret := range []string{testenv.Supabase(t).ServiceKey, "a secret of the row"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error tells %q: %s", secret, text)
		}
	}
}

func TestConnectionsStayFew(t *testing.T) {
	s := testenv.Supabase(t)
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var open, most atomic.Int32
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			n := open.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		case http.StateActive, http.StateIdle:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	p, err := results.NewPostgREST(results.Supabase{URL: server.URL, Key: s.ServiceKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	var wg sync.WaitGroup
	for range 128 {
		wg.Go(func() {
			if err := p.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if most.Load() > 16 {
		t.Errorf("%d connections were open at once, want 16 at most", most.Load())
	}
}
