package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// resident is a user with a service of their own, a row in it, and a task that has not ended.
type resident struct {
	id, token string
	service   string
	tasks     []string // the service's, the row's and the one that has not ended
	open      string   // the last of them
}

func (r resident) header() []string { return []string{"Authorization", "Bearer " + r.token} }

func settle(o *osp, s *testenv.SupabaseServer, id string) resident {
	o.t.Helper()
	r := resident{id: id, token: s.UserKey(id)}
	made := o.ends(dict{"type": "service.create", "input": restaurant}, r.header()...)
	var out struct{ Schema string }
	if err := json.Unmarshal(made.Output, &out); err != nil || made.State != saga.Completed || made.UserID != id {
		o.t.Fatalf("service.create of %s: %s %s: %v", made.UserID, made.State, made.Error, err)
	}
	r.service = out.Schema
	booking := dict{
		"type": "entity.create", "service": r.service,
		"input": dict{"entity": "reservations", "data": dict{"customer_name": "Ada", "party_size": 4}},
	}
	row := o.ends(booking, r.header()...)
	if row.State != saga.Completed || row.UserID != id || row.Service != r.service {
		o.t.Fatalf("entity.create of %s in %s: %s %s", row.UserID, row.Service, row.State, row.Error)
	}
	booking["process_at"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	r.open = o.task(202, "POST", "/v1/tasks", booking, r.header()...).ID
	r.tasks = []string{made.ID, row.ID, r.open}
	return r
}

// neighbours are two users of one project, whose rows are written.
func neighbours(t *testing.T) (o *osp, s *testenv.SupabaseServer, db *database, a, b resident) {
	t.Helper()
	s = testenv.Supabase(t)
	o = start(t, "all", "OSP_AUTH=on", "REDIS_URL="+testenv.Redis(t), "SUPABASE_URL="+s.URL,
		"SUPABASE_SERVICE_ROLE_KEY="+s.ServiceKey, "SUPABASE_JWT_SECRET="+s.JWTSecret)
	db = connect(t, s.AdminURL)
	n := time.Now().UnixNano() % 1e12
	a = settle(o, s, fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", n))
	b = settle(o, s, fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", n))
	rows := fmt.Sprintf("select count(*) from public.workflow_executions where user_id in ('%s', '%s')", a.id, b.id)
	eventually(t, enough, func() bool { return db.number(rows) == 6 }, func() any { return db.number(rows) })
	return o, s, db, a, b
}

func TestThroughTheAPINothingOfAnotherUserIsSeenOrTouched(t *testing.T) {
	o, s, _, a, b := neighbours(t)
	before := o.task(200, "GET", "/v1/tasks/"+b.open, nil, b.header()...)
	entity := dict{"entity": "reservations", "data": dict{"customer_name": "Eve", "party_size": 1}}
	inTheirs := dict{"type": "entity.create", "service": b.service, "input": entity}
	forThem := dict{"type": "service.create", "user_id": b.id, "input": restaurant}
	sameID := dict{"type": "entity.create", "service": a.service, "id": b.open, "input": entity}
	for _, id := range b.tasks {
		for _, c := range []struct {
			method, path string
			body         any
			want         int
		}{
			{"GET", "/v1/tasks/" + id, nil, 404},
			{"GET", "/v1/tasks/" + id + "/events", nil, 404},
			{"POST", "/v1/tasks/" + id + "/cancel", nil, 404},
			{"POST", "/v1/tasks/" + id + "/retry", nil, 404},
			{"POST", "/v1/tasks/" + id + "/signals/go", dict{}, 404},
			{"POST", "/v1/tasks/" + id + "/resolve", dict{"step": "a", "action": "skip", "reason": "r"}, 403},
			{"GET", "/v1/tasks?user_id=" + b.id, nil, 403},
			{"POST", "/v1/tasks", inTheirs, 403},
			{"POST", "/v1/tasks", forThem, 403},
			{"POST", "/v1/tasks", sameID, 409},
			{"POST", "/v1/tasks", dict{"type": "http.saga", "input": dict{}}, 403},
			{"GET", "/monitor/", nil, 403},
		} {
			status, raw, _ := o.call(c.method, c.path, c.body, a.header()...)
			if status != c.want || strings.Contains(string(raw), b.service) || strings.Contains(string(raw), b.id) {
				t.Errorf("%s %s %v: %d, want %d: %s", c.method, c.path, c.body, status, c.want, raw)
			}
		}
	}
	status, raw, _ := o.call("POST", "/v1/tasks/batch", dict{"tasks": []dict{inTheirs, forThem, sameID}}, a.header()...)
	if status != 207 || !strings.Contains(string(raw), `"accepted":0,"existing":0,"refused":3`) {
		t.Errorf("a batch: %d %s", status, raw)
	}
	for query, want := range map[string]int{"": 3, "?service=" + b.service: 0, "?service=" + a.service: 2} {
		status, raw, _ := o.call("GET", "/v1/tasks"+query, nil, a.header()...)
		var page saga.Page
		if err := json.Unmarshal(raw, &page); err != nil || status != 200 || len(page.Tasks) != want {
			t.Errorf("a list of %q: %d, %d tasks, want %d: %v", query, status, len(page.Tasks), want, err)
		}
		for _, task := range page.Tasks {
			if task.UserID != a.id {
				t.Errorf("a list of %q has a task of %s", query, task.UserID)
			}
		}
	}
	for what, token := range map[string]string{"anon's key": s.AnonKey, "the service key": s.ServiceKey, "no token": ""} {
		for _, path := range []string{"/v1/tasks", "/v1/tasks/" + b.open, "/v1/types", "/monitor/"} {
			if status, raw, _ := o.call("GET", path, nil, "Authorization", strings.TrimSpace("Bearer "+token)); status != 401 {
				t.Errorf("%s with %s: %d %s", path, what, status, raw)
			}
		}
	}
	after := o.task(200, "GET", "/v1/tasks/"+b.open, nil, b.header()...)
	if after.Version != before.Version || after.State != before.State {
		t.Errorf("the task was touched: %+v, before %+v", after, before)
	}
	o.task(202, "POST", "/v1/tasks/"+b.open+"/cancel", nil, b.header()...) // its owner may
}

// Every table and function that PostgREST could serve is tried, also those that later migrations add.
func TestThroughPostgRESTNothingOfAnotherUserIsSeenOrTouched(t *testing.T) {
	_, s, db, a, b := neighbours(t)
	all := fmt.Sprintf("select coalesce(jsonb_agg(to_jsonb(t) order by t.execution_id), '[]')::text from public.workflow_executions t where user_id = '%s'", b.id)
	before := db.text(all)
	tables := db.texts(`select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'v', 'm', 'p')`)
	functions := db.texts(`select p.proname || ' ' || coalesce((
			select jsonb_object_agg(x.name, case x.type
				when 'jsonb'::regtype then '{}'::jsonb when 'text[]'::regtype then '[]' when 'integer'::regtype then '1'
				when 'bigint'::regtype then '1' when 'boolean'::regtype then 'true' when 'timestamptz'::regtype then '"2026-11-24T00:00:00Z"'
				when 'uuid'::regtype then to_jsonb('` + b.id + `'::text) else to_jsonb('` + b.open + `'::text) end)
			from unnest(p.proargnames, p.proargtypes::oid[]) x(name, type)), '{}')::text
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = 'public' and p.proname like 'osp\_%' and p.prorettype <> 'trigger'::regtype`)
	if len(tables) < 1 || len(functions) < 6 {
		t.Fatalf("too little was found to try: %v %v", tables, functions)
	}
	row := fmt.Sprintf(`{"workflow_id": "x", "execution_id": "forged-%s", "user_id": %q, "status": "completed"}`, a.id, b.id)
	for who, token := range map[string]string{"a user": a.token, "anon": s.AnonKey} {
		for _, table := range tables {
			for _, c := range []struct{ method, query, body string }{
				{"GET", "", ""},
				{"GET", "?user_id=eq." + b.id, ""},
				{"POST", "", row},
				{"PATCH", "?user_id=eq." + b.id, `{"status": "failed"}`},
				{"PATCH", "?user_id=eq." + a.id, fmt.Sprintf(`{"user_id": %q}`, b.id)},
				{"DELETE", "?user_id=eq." + b.id, ""},
			} {
				status, answer := s.REST(t, token, c.method, table+c.query, c.body, "Prefer", "return=representation")
				if strings.Contains(answer, b.open) || strings.Contains(answer, b.service) || c.method == "POST" && status < 400 {
					t.Errorf("%s: %s %s%s: %d %s", who, c.method, table, c.query, status, answer)
				}
				if who == "anon" && status < 400 {
					t.Errorf("anon: %s %s%s: %d %s", c.method, table, c.query, status, answer)
				}
			}
		}
		for _, f := range functions {
			name, args, _ := strings.Cut(f, " ")
			if status, answer := s.REST(t, token, "POST", "rpc/"+name, args); status != 401 && status != 403 {
				t.Errorf("%s calls %s: %d %s", who, f, status, answer)
			}
		}
		for _, schema := range []string{b.service, "osp"} {
			if status, answer := s.REST(t, token, "GET", "reservations", "", "Accept-Profile", schema); status < 400 {
				t.Errorf("%s reads %s: %d %s", who, schema, status, answer)
			}
		}
	}
	if status, answer := s.REST(t, a.token, "GET", "workflow_executions?select=execution_id", ""); status != 200 || strings.Count(answer, "execution_id") != 3 {
		t.Errorf("a user's own rows: %d %s", status, answer)
	}
	if after := db.text(all); after != before {
		t.Errorf("rows were touched:\n%s\nbefore\n%s", after, before)
	}
}
