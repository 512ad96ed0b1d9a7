package results_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// manyActions makes 30,000 entries: of 30,000 subjects, 100 names and 300 people.
const manyActions = `
	insert into osp.actions (id, at, action, kind, subject, by, reason, request_id, outcome)
	select 'many-' || lpad(n::text, 6, '0'), now(), 'action-' || n % 100, 'task', 'task-' || n, 'by-' || n % 300, '', '', 'done'
	from generate_series(1, 30000) n;
	analyze osp.actions;`

func TestEntriesOfTheAuditAreFoundWithoutReadingOthers(t *testing.T) {
	e := explaining(t)
	if _, err := e.tx.Conn().PgConn().Exec(t.Context(), manyActions).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		query string
		index string // without actions_
		found int
	}{
		{`{"max": 50}`, "pkey", 50},
		{`{"max": 50, "before": "many-001001"}`, "pkey", 50},
		{`{"max": 50, "subject": "task-12"}`, "of_subject", 1},
		{`{"max": 50, "subject": "none"}`, "of_subject", 0},
		{`{"max": 50, "action": "action-12"}`, "of_action", 50},
		{`{"max": 50, "action": "action-12", "before": "many-001001"}`, "of_action", 10},
		{`{"max": 50, "by": "by-12"}`, "of_somebody", 50},
		{`{"max": 50, "by": "by-12", "before": "many-001001"}`, "of_somebody", 4},
	} {
		found, nodes := e.ask(t, "osp_actions", c.query)
		var index string
		for _, n := range nodes {
			if n.Index != "" {
				index = strings.TrimPrefix(n.Index, "actions_")
			}
			if n.Node == "Seq Scan" || n.Skipped+n.Read > 500 {
				t.Errorf("%s: %s of %s reads %.0f rows and skips %.0f", c.query, n.Node, n.Table, n.Read, n.Skipped)
			}
		}
		if index != c.index || found != c.found {
			t.Errorf("%s found %d by the index %q, want %d by %q", c.query, found, index, c.found, c.index)
		}
	}
}

func TestNobodyChangesAnEntryOfTheAudit(t *testing.T) {
	s := testenv.Supabase(t)
	entry := saga.Action{
		ID: "tampered", At: time.Now(), Name: "cancel", Kind: "task", Subject: "t", By: "ops", Reason: "why", RequestID: "r", Outcome: saga.OutcomeDone,
	}
	if err := postgREST(t, "").SaveActions(t.Context(), []saga.Action{entry}); err != nil {
		t.Fatal(err)
	}
	db, err := pgx.Connect(t.Context(), s.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	for _, query := range []string{
		`delete from osp.actions where id = 'tampered'`, `update osp.actions set reason = 'another' where id = 'tampered'`,
		`update osp.actions set by = 'eve' where id = 'tampered'`, `update osp.actions set outcome = 'refused' where id = 'tampered'`,
		`update osp.actions set at = now() - interval '1 day' where id = 'tampered'`, `update osp.actions set subject = '' where id = 'tampered'`,
		`update osp.actions set id = 'other' where id = 'tampered'`, `update osp.actions set user_id = gen_random_uuid() where id = 'tampered'`,
	} {
		if _, err := db.Exec(t.Context(), query); err == nil || !strings.Contains(err.Error(), "never changes") {
			t.Errorf("%s: %v", query, err)
		}
	}
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		if _, err := db.Exec(t.Context(), `begin; set local role `+role+`; select * from osp.actions`); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s reads the table: %v", role, err)
		}
		if _, err := db.Exec(t.Context(), `rollback`); err != nil {
			t.Fatal(err)
		}
	}
}
