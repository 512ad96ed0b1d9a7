package results_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osp-platform/osp/internal/testenv"
)

// manyRows makes 30,000 tasks, one a second: of 299 owners, 300 services and 30 types, one in 100 unfinished.
const manyRows = `
	set local session_replication_role = replica;
	truncate public.workflow_executions cascade;
	insert into public.workflow_executions
		(execution_id, workflow_id, task_type, service_schema, user_id, status, state, created_at, version)
	select 'many-' || n, 'type-' || n % 30, 'type-' || n % 30, 'service_' || n % 300,
		('00000000-0000-4000-9000-' || lpad((n % 299)::text, 12, '0'))::uuid,
		case when n % 100 = 7 then 'running' when n % 500 = 8 then 'failed' else 'completed' end,
		case when n % 1000 = 107 then 'stuck' when n % 100 = 7 then 'waiting' when n % 500 = 8 then 'failed' else 'completed' end,
		timestamptz '2026-01-01' + n * interval '1 second', 1
	from generate_series(1, 30000) n;
	analyze public.workflow_executions;
	load 'auto_explain';
	set local auto_explain.log_min_duration = 0;
	set local auto_explain.log_nested_statements = on;
	set local auto_explain.log_analyze = on;
	set local auto_explain.log_format = json;
	set local auto_explain.log_level = notice;`

// plan is a node of what PostgreSQL did.
type plan struct {
	Node    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Index   string  `json:"Index Name"`
	Read    float64 `json:"Actual Rows"`
	Skipped float64 `json:"Rows Removed by Filter"`
	Plans   []plan
}

// nodes lists the node and all below it.
func (p plan) nodes() []plan {
	all := []plan{p}
	for _, below := range p.Plans {
		all = append(all, below.nodes()...)
	}
	return all
}

// explainer runs lists on many rows and hears how PostgreSQL carried them out.
type explainer struct {
	tx    pgx.Tx
	plans []string
}

func explaining(t *testing.T) *explainer {
	t.Helper()
	config, err := pgx.ParseConfig(testenv.Supabase(t).AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	e := &explainer{}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { e.plans = append(e.plans, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) }) // which takes the rows back
	if e.tx, err = conn.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.PgConn().Exec(t.Context(), manyRows).ReadAll(); err != nil {
		t.Fatal(err)
	}
	return e
}

// ask asks a function, and returns how many it found and the nodes of its plan.
func (e *explainer) ask(t *testing.T, function, query string) (found int, nodes []plan) {
	t.Helper()
	e.plans = nil
	err := e.tx.QueryRow(t.Context(), "select jsonb_array_length(public."+function+"($1))", query).Scan(&found)
	if err != nil {
		t.Fatal(err)
	}
	return found, e.nodes(t)
}

// nodes are those of the plans of what was asked.
func (e *explainer) nodes(t *testing.T) (nodes []plan) {
	t.Helper()
	for _, text := range e.plans {
		_, body, _ := strings.Cut(text, "plan:")
		var told struct{ Plan plan }
		if err := json.Unmarshal([]byte(body), &told); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		nodes = append(nodes, told.Plan.nodes()...)
	}
	return nodes
}

func TestListsFindTheirIndexAndReadLittleMoreThanTheyReturn(t *testing.T) {
	e := explaining(t)
	const owner = `"owner": "00000000-0000-4000-9000-000000000107"`
	for _, c := range []struct {
		query string
		index string // without workflow_executions_
		found int
	}{
		{`{"max": 50}`, "newest", 50},
		{`{"max": 50, "before_at": "2026-01-01T01:00:00Z", "before_id": "many-3600"}`, "newest", 50},
		{`{"max": 50, "from_at": "2026-01-01T01:00:00Z"}`, "newest", 50},
		{`{"max": 50, "until_at": "2026-01-01T01:00:00Z"}`, "newest", 50},
		{`{"max": 50, "from_at": "2026-01-01T01:00:00Z", "until_at": "2026-01-01T01:00:10Z"}`, "newest", 10},
		{`{"max": 50, ` + owner + `}`, "of_user", 50},
		{`{"max": 50, ` + owner + `, "before_at": "2026-01-01T01:00:00Z", "before_id": "many-3600"}`, "of_user", 12},
		{`{"max": 50, ` + owner + `, "status": "running"}`, "", 1},
		{`{"max": 50, ` + owner + `, "type": "type-17", "state": "stuck"}`, "", 1},
		{`{"max": 50, "service": "service_12"}`, "of_service", 50},
		{`{"max": 50, "type": "type-3"}`, "of_type", 50},
		{`{"max": 50, "status": "failed"}`, "with_status", 50},
		{`{"max": 50, "status": "running"}`, "", 50},
		{`{"max": 50, "status": "completed"}`, "", 50},
		{`{"max": 50, "status": "pending"}`, "", 0},
		{`{"max": 50, "state": "stuck"}`, "unfinished", 30},
		{`{"max": 50, "state": "waiting"}`, "unfinished", 50},
		{`{"max": 50, "state": "pending"}`, "", 0},
		{`{"max": 50, "state": "failed"}`, "with_status", 50},
	} {
		found, nodes := e.ask(t, "osp_list", c.query)
		if found != c.found {
			t.Errorf("%s found %d tasks, want %d", c.query, found, c.found)
		}
		var index string
		for _, n := range nodes {
			if n.Index != "" {
				index = strings.TrimPrefix(n.Index, "workflow_executions_")
			}
			if n.Node == "Seq Scan" || n.Skipped+n.Read > 500 {
				t.Errorf("%s: %s of %s reads %.0f rows and skips %.0f", c.query, n.Node, n.Table, n.Read, n.Skipped)
			}
		}
		if index == "" || c.index != "" && index != c.index {
			t.Errorf("%s is read by the index %q, want %q", c.query, index, c.index)
		}
	}
}

// manySteps gives each task of [manyRows] a step that waits for the managers of one of 300 services, and nine that are done.
const manySteps = `
	update public.workflow_executions set phase = 'forward', status = 'running';
	insert into public.workflow_execution_steps
		(execution_id, path, user_id, position, kind, state, attempts, undo_attempts, started_at, version, human, human_service)
	select execution_id, 'h', user_id, 1, 'signal', 'waiting', 1, 0, created_at, 1, '{"roles": ["manager"]}', service_schema
	from public.workflow_executions;
	insert into public.workflow_execution_steps
		(execution_id, path, user_id, position, kind, state, attempts, undo_attempts, started_at, version)
	select execution_id, 'done-' || n, user_id, 1 + n, 'activity', 'completed', 1, 0, created_at, 1
	from public.workflow_executions, generate_series(1, 9) n;
	analyze public.workflow_execution_steps;`

func TestHumanTasksOfOthersAreNotRead(t *testing.T) {
	e := explaining(t)
	if _, err := e.tx.Conn().PgConn().Exec(t.Context(), manySteps).ReadAll(); err != nil {
		t.Fatal(err)
	}
	const owner = `"owner": "00000000-0000-4000-9000-000000000107"`
	for query, want := range map[string]struct {
		found int
		index string // after workflow_execution_steps_humans
	}{
		`{"max": 20, "scopes": [{}]}`:                                                {20, ""},
		`{"max": 20, "scopes": [{}], "service": "service_107"}`:                      {20, "_of_service"},
		`{"max": 200, "scopes": [{"service": "service_107", "roles": ["manager"]}]}`: {100, "_of_service"},
		`{"max": 50, "scopes": [{"service": "service_107", "roles": ["clerk"]}]}`:    {0, "_of_service"},
		`{"max": 200, "scopes": [{` + owner + `, "roles": ["manager"]}]}`:            {100, "_of_user"},
		`{"max": 50, "scopes": [{` + owner + `, "roles": ["owner"]}]}`:               {0, "_of_user"},
	} {
		found, nodes := e.ask(t, "osp_human_tasks", query)
		if found != want.found {
			t.Errorf("%s found %d, want %d", query, found, want.found)
		}
		var index string
		for _, n := range nodes {
			if n.Read+n.Skipped == 0 {
				continue // a branch that the scopes do not ask for, or a row that is not there
			}
			if after, ok := strings.CutPrefix(n.Index, "workflow_execution_steps_humans"); ok {
				index = after
			}
			if n.Node == "Seq Scan" || n.Read+n.Skipped > 500 {
				t.Errorf("%s: %s of %s reads %.0f rows and skips %.0f", query, n.Node, n.Table, n.Read, n.Skipped)
			}
		}
		if index != want.index {
			t.Errorf("%s is read by the index %q, want %q", query, index, want.index)
		}
	}
}
