package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// everything tells what schemas, tables, policies and functions there are.
func everything(t *testing.T) string {
	t.Helper()
	var all string
	err := testenv.Supabase(t).DB(t).QueryRow(t.Context(), `select string_agg(name, E'\n' order by name) from (
		select 'schema ' || nspname as name from pg_namespace where nspname !~ '^pg_(toast_)?temp'
		union all select 'relation ' || oid::regclass from pg_class where relnamespace <> 'pg_toast'::regnamespace
		union all select 'policy ' || polname from pg_policy
		union all select 'function ' || oid::regprocedure from pg_proc) n`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsRefusedNamesTheFaultAndLeavesNothingBehind(t *testing.T) {
	p := postgREST(t, "")
	type object = map[string]any
	entity := func(name string, attributes, relationships object) object {
		return object{"entities": []object{{"name": "good"}, {"name": name, "attributes": attributes, "relationships": relationships}}}
	}
	for _, effect := range []string{"service.reserve", "service.register", "schema.create"} {
		apply(t, p, ann, "bad_input", effect, object{"entities": []object{}}, false)
	}
	before := everything(t)
	const nameRule = "is not a lower-case letter followed by at most 47 of a-z, 0-9 and _"
	for _, c := range []struct {
		schema, effect string
		args           object
		field, mend    string
	}{
		{"../../auth/v1/admin", "service.reserve", nil, "schema: ", nameRule},
		{`public"; drop schema auth cascade; --`, "service.reserve", nil, "schema: ", nameRule},
		{strings.Repeat("a", 64), "service.reserve", nil, "schema: ", nameRule},
		{"Shop", "service.reserve", nil, "schema: ", nameRule},
		{"", "service.reserve", nil, "schema: ", nameRule},
		{"1shop", "service.reserve", nil, "schema: ", nameRule},
		{"pg_catalog", "service.reserve", nil, "schema: ", "choose another"},
		{"auth", "service.reserve", nil, "schema: ", "choose another"},
		{"realtime", "service.reserve", nil, "schema: ", "choose another"},
		{"bad_input", "service.reserve", nil, "schema: ", "choose another"},
		{"../../auth/v1/admin", "schema.create", nil, "schema: ", nameRule},
		{"public", "schema.create", nil, "schema: ", "is not reserved for this user"},
		{"auth", "tables.create", entity("x", nil, nil), "schema: ", "is not reserved for this user"},
		{"bad_input", "tables.create", entity("good", nil, nil), "entities/good/name: ", "give each entity its own"},
		{"bad_input", "tables.create", entity(`x"; drop table y`, nil, nil), "entities/name: ", nameRule},
		{"bad_input", "tables.create", entity("x", object{"n": "serial"}, nil), "entities/x/attributes/n: ", "is none of string, text,"},
		{"bad_input", "tables.create", entity("x", object{"n": "text; drop table y"}, nil), "entities/x/attributes/n: ", "is none of string, text,"},
		{"bad_input", "tables.create", entity("x", object{"N": "text"}, nil), "entities/x/attributes/N: ", nameRule},
		{"bad_input", "tables.create", entity("x", object{"id": "text"}, nil), "entities/x/attributes/id: ", "remove it, or choose another name"},
		{
			"bad_input", "keys.create", entity("x", nil, object{"r": object{"target": "nowhere", "type": "one_to_one"}}),
			"entities/x/relationships/r/target: ", "add it, or mend the name",
		},
		{
			"bad_input", "keys.create", entity("x", nil, object{"r": object{"target": "good", "type": "some"}}),
			"entities/x/relationships/r/type: ", "is none of one_to_one,",
		},
		{"bad_input", "everything.drop", nil, "effect: ", "is unknown"},
	} {
		args := object{"schema": c.schema, "user_id": ann}
		maps.Copy(args, c.args)
		raw, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Apply(t.Context(), saga.Fence{Task: t.Name(), Path: fmt.Sprint(c), Key: "k"}, c.effect, raw)
		if !saga.IsPermanent(err) || !strings.Contains(err.Error(), c.field) || !strings.Contains(err.Error(), c.mend) {
			t.Errorf("%s of %s: %v; want %q and %q", c.effect, c.schema, err, c.field, c.mend)
		}
	}
	if after := everything(t); after != before {
		t.Errorf("something was made or dropped:\n%s\n\nbefore:\n%s", after, before)
	}
}

func TestARowThatAConstraintRefusesDoesNotKeepTheOthers(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	db := s.DB(t)
	const refuse = "alter table public.workflow_executions add constraint refused check (execution_id <> 'refused-13') not valid"
	if _, err := db.Exec(t.Context(), refuse); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := db.Exec(t.Context(), "alter table public.workflow_executions drop constraint refused"); err != nil {
			t.Error(err)
		}
	}()
	journal := storetest.NewMemory(time.Now)
	const tasks = 30
	for i := range tasks {
		_, err := journal.Start(t.Context(), saga.Start{Created: saga.Created{
			ID: fmt.Sprintf("refused-%d", i), Type: "order", Workflow: "order", Version: 1, TreeHash: "x",
			Input: json.RawMessage(`{}`), Owner: saga.NilOwner, Queue: "default", Hash: fmt.Sprint(i),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		results.NewFlusher(journal, p, slog.New(slog.DiscardHandler), time.Now).Run(ctx)
	}()
	stop() // it writes what there is before it ends
	<-flushed
	var stored int
	var refused bool
	err := db.QueryRow(t.Context(), `select count(*), coalesce(bool_or(execution_id = 'refused-13'), false)
		from public.workflow_executions where execution_id like 'refused-%'`).Scan(&stored, &refused)
	if err != nil || stored != tasks-1 || refused {
		t.Errorf("%d of %d tasks are stored, the refused one: %t, %v", stored, tasks, refused, err)
	}
}
