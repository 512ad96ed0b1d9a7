package results_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

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
