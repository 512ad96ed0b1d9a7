package results_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// oldTable is workflow_executions as the OSP app made it, with a row.
const oldTable = `
	create table public.workflow_executions (
		id bigserial primary key, workflow_id text not null, execution_id text unique, service_schema text not null,
		user_id uuid not null references auth.users (id) on delete cascade,
		status text not null check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
		input jsonb, output jsonb, workflow_definition jsonb not null, error text,
		started_at timestamptz, completed_at timestamptz, created_at timestamptz default now(), updated_at timestamptz default now());
	alter table public.workflow_executions enable row level security;
	create policy "Users can view own executions" on public.workflow_executions for select using (auth.uid() = user_id);
	create policy "Users can insert own executions" on public.workflow_executions for insert with check (auth.uid() = user_id);
	create policy "Users can update own executions" on public.workflow_executions for update using (auth.uid() = user_id);
	insert into auth.users (id) values ('aaaaaaaa-0000-4000-8000-000000000000'), ('bbbbbbbb-0000-4000-8000-000000000000');
	insert into public.workflow_executions (workflow_id, execution_id, service_schema, user_id, status, input, workflow_definition, created_at)
	values ('createReservation', 'old', 'shop_1', 'aaaaaaaa-0000-4000-8000-000000000000', 'completed', '{"table": 4}', '{"steps": []}', '2025-01-02T03:04:05Z'),
		('cancelReservation', 'undated', 'shop_1', 'bbbbbbbb-0000-4000-8000-000000000000', 'running', null, '{}', null),
		('nameless', null, 'shop_1', 'bbbbbbbb-0000-4000-8000-000000000000', 'running', null, '{}', '2025-01-01');`

// appInserts is what the app writes when it starts a workflow.
const appInserts = `{"workflow_id": "processPayment", "execution_id": "shop_1-processPayment-1735787045000",
	"service_schema": "shop_1", "user_id": "` + ann + `", "status": "running", "input": {"amount": 5},
	"workflow_definition": {"id": "processPayment"}, "started_at": "2026-01-02T03:04:05Z"}`

func TestATableOfTheOSPAppIsAlteredAndTheAppGoesOnWithIt(t *testing.T) {
	s := testenv.SupabaseAfter(t, oldTable)
	as := func(key, method, path, body string, status int, want string) {
		t.Helper()
		got, answer := s.REST(t, key, method, path, body)
		if got != status || want != "" && answer != want {
			t.Errorf("%s %s: %d %s\nwant %d %s", method, path, got, answer, status, want)
		}
	}
	annKey := s.UserKey(ann)
	as(annKey, "GET", "workflow_executions?select=id,workflow_id,execution_id,service_schema,status,input,workflow_definition,created_at", "", 200,
		`[{"id":1,"workflow_id":"createReservation","execution_id":"old","service_schema":"shop_1","status":"completed","input":{"table": 4},`+
			`"workflow_definition":{"steps": []},"created_at":"2025-01-02T03:04:05+00:00"}]`)
	as(annKey, "POST", "workflow_executions", appInserts, 201, "")
	as(annKey, "POST", "workflow_executions", strings.ReplaceAll(appInserts, ann, bob), 403, "")
	as(annKey, "PATCH", "workflow_executions?id=eq.1", `{"output": {"ok": true}}`, 204, "")
	const newest = "workflow_executions?select=execution_id&service_schema=eq.shop_1&order=created_at.desc&limit=10"
	as(annKey, "GET", newest, "", 200, `[{"execution_id":"shop_1-processPayment-1735787045000"}, `+"\n"+` {"execution_id":"old"}]`)
	as(s.UserKey(bob), "GET", newest, "", 200, `[{"execution_id":"undated"}, `+"\n"+` {"execution_id":null}]`)
	as(s.AnonKey, "GET", newest, "", 401, "")

	p, err := results.NewPostgREST(results.Supabase{URL: s.URL, Key: s.ServiceKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	if _, err := p.Save(t.Context(), results.Rows(row("new", ann))); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[saga.Query]string{
		{State: saga.Completed}:                         "old",
		{Type: "processPayment"}:                        "shop_1-processPayment-1735787045000",
		{State: saga.Compensating}:                      "new",
		{Owner: bob}:                                    "undated",
		{Service: "shop_1", Status: saga.StatusRunning}: "shop_1-processPayment-1735787045000 undated",
	} {
		page, err := p.List(t.Context(), query)
		var ids []string
		for _, task := range page.Tasks {
			ids = append(ids, task.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != want {
			t.Errorf("%+v: %s, %v; want %s", query, got, err, want)
		}
	}
	var topics string // of what the app's users wrote and OSP
	err = s.DB(t).QueryRow(t.Context(), `select string_agg(task ->> 'id' || ' ' || (task ->> 'state') || ' on ' || topic, ', ' order by inserted_at)
		from realtime.messages, jsonb_array_elements(payload -> 'tasks') task`).Scan(&topics)
	want := "shop_1-processPayment-1735787045000 running on osp:tasks:" + ann + ", old completed on osp:tasks:" + ann +
		", new compensating on osp:tasks:" + ann
	if err != nil || topics != want {
		t.Errorf("broadcast: %s, %v\nwant %s", topics, err, want)
	}
	var users int // the app's rows do not go with their users any more: OSP's would not
	err = s.DB(t).QueryRow(t.Context(), "with d as (delete from auth.users returning 1) select count(*) from d").Scan(&users)
	if err != nil || users != 2 {
		t.Errorf("%d users deleted, %v", users, err)
	}
	if _, err := p.Get(t.Context(), "old"); err != nil {
		t.Errorf("after its user was deleted: %v", err)
	}
}

func TestWhatTheAppsTableLeavesOpenIsTheAppsOwn(t *testing.T) {
	found := offending(t, testenv.SupabaseAfter(t, oldTable).DB(t))
	for i, offence := range found {
		found[i], _, _ = strings.Cut(offence, " using ")
	}
	slices.Sort(found)
	want := []string{
		"Users can insert own executions on workflow_executions is INSERT to {public}",
		"Users can update own executions on workflow_executions is UPDATE to {public}",
		"Users can view own executions on workflow_executions is SELECT to {public}",
		"authenticated may delete workflow_executions",
		"authenticated may insert workflow_executions",
		"authenticated may select workflow_executions_id_seq",
		"authenticated may update workflow_executions",
		"authenticated may update workflow_executions_id_seq",
		"authenticated may usage workflow_executions_id_seq",
	}
	if !slices.Equal(found, want) {
		t.Errorf("open is\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}
