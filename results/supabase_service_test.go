package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// apply applies an effect as a user, under a task of its own.
func apply(t *testing.T, p results.Store, user, schema, effect string, args map[string]any, undo bool) map[string]any {
	t.Helper()
	all := map[string]any{"schema": schema, "user_id": user}
	maps.Copy(all, args)
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Apply(t.Context(), saga.Fence{Task: t.Name(), Path: effect, Key: "k", Undo: undo}, effect, raw)
	if err != nil {
		t.Fatalf("%s: %v", effect, err)
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRowsOfAServiceBelongToTheirOwnersAndTablesWithoutPoliciesToNobody(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	db := s.DB(t)
	entities := map[string]any{"entities": []map[string]any{
		{"name": "a", "attributes": map[string]string{"n": "integer"}, "relationships": map[string]any{"bs": map[string]string{"target": "b", "type": "many_to_many"}}},
		{"name": "b"},
	}}
	for _, effect := range []string{"service.reserve", "service.register", "schema.create", "tables.create"} {
		apply(t, p, ann, "secured", effect, entities, false)
	}
	// as counts the rows that a role sees.
	as := func(role, user, table string) string {
		t.Helper()
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		claims := fmt.Sprintf(`set local role %s; set local request.jwt.claims = '{"sub": "%s"}'`, role, user)
		if _, err := tx.Exec(t.Context(), claims); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRow(t.Context(), "select count(*) from secured."+table).Scan(&n); err != nil {
			return "denied"
		}
		return fmt.Sprint(n)
	}
	if got := as("authenticated", ann, "a"); got != "denied" {
		t.Errorf("before there are policies ann sees %s", got)
	}
	apply(t, p, ann, "secured", "security.enable", entities, false)
	apply(t, p, ann, "secured", "keys.create", entities, false)
	apply(t, p, ann, "secured", "entity.insert", map[string]any{"entity": "a", "data": map[string]any{"id": "a"}}, false)
	apply(t, p, ann, "secured", "rows.insert", map[string]any{"rows": map[string]any{"b": []any{map[string]any{"id": "b"}}}}, false)
	if _, err := db.Exec(t.Context(), "insert into secured.a_bs (a_id, b_id, user_id) values ('a', 'b', $1)", ann); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"a", "b", "a_bs"} {
		if got := as("authenticated", ann, table) + as("authenticated", bob, table) + as("anon", ann, table); got != "10denied" {
			t.Errorf("%s: ann, bob and anonymous see %s", table, got)
		}
	}
	apply(t, p, ann, "secured", "security.enable", entities, true)
	if got := as("authenticated", ann, "a") + as("authenticated", bob, "a"); got != "denieddenied" {
		t.Errorf("after the policies were undone ann and bob see %s", got)
	}
}

func TestAnUndoneServiceLeavesNothingInTheDatabase(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	args := map[string]any{
		"entities": []map[string]any{{"name": "a"}}, "manifest": map[string]any{}, "by": "ann",
		"rows": map[string]any{"a": []any{map[string]any{}}},
	}
	effects := []string{
		"service.reserve", "service.register", "schema.create", "tables.create", "security.enable", "keys.create",
		"rows.insert", "manifest.store", "manifest.activate",
	}
	for _, e := range effects {
		apply(t, p, ann, "undone", e, args, false)
	}
	for i := range effects {
		apply(t, p, ann, "undone", effects[len(effects)-1-i], args, true)
	}
	var left, audit, fences int
	err := s.DB(t).QueryRow(t.Context(), `select
		(select count(*) from osp.reservations where schema = 'undone') + (select count(*) from osp.services where schema = 'undone')
		+ (select count(*) from osp.manifests where schema = 'undone') + (select count(*) from pg_namespace where nspname = 'undone'),
		(select count(*) from osp.manifest_audit where schema = 'undone'),
		(select count(*) from osp.fences where task = $1)`, t.Name()).Scan(&left, &audit, &fences)
	if err != nil || left != 0 || audit != 3 || fences != 2*len(effects) {
		t.Errorf("left %d, audit %d (want 3), fences %d, %v", left, audit, fences, err)
	}
}
