package results_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

// hookSQL is the database trigger of docs/workflows.md, for a table of a schema.
func hookSQL(t *testing.T, schema, table string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/workflows.md")
	if err != nil {
		t.Fatal(err)
	}
	sql := regexp.MustCompile("(?s)```sql\n(create trigger .*?)```").FindStringSubmatch(string(text))
	if sql == nil || !strings.Contains(sql[1], "shop_1.orders") {
		t.Fatal("the documentation has no trigger on shop_1.orders")
	}
	return strings.ReplaceAll(sql[1], "shop_1.orders", schema+"."+table)
}

// The trigger that the documentation shows tells of rows that others write, and of none that a task writes.
func TestADatabaseTellsOfNoRowThatATaskWrites(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	db := s.DB(t)
	entities := map[string]any{"entities": []map[string]any{{"name": "orders", "attributes": map[string]string{"n": "integer"}}}}
	for _, effect := range []string{"service.reserve", "service.register", "schema.create", "tables.create"} {
		apply(t, p, ann, "hooked", effect, entities, false)
	}
	// Supabase's own sends what this one notes.
	if _, err := db.Exec(t.Context(), `
		create schema if not exists supabase_functions;
		create table if not exists supabase_functions.told (n bigint generated always as identity, args text[], body jsonb);
		create or replace function supabase_functions.http_request() returns trigger language plpgsql security definer as $$
		begin
			insert into supabase_functions.told (args, body) values (tg_argv, jsonb_build_object('type', tg_op, 'schema', tg_table_schema,
				'table', tg_table_name, 'record', to_jsonb(new), 'old_record', to_jsonb(old)));
			return null;
		end $$;`+hookSQL(t, "hooked", "orders")); err != nil {
		t.Fatal(err)
	}
	told := func() (types string) {
		t.Helper()
		err := db.QueryRow(t.Context(), `select coalesce(string_agg(body ->> 'type' || ' ' || coalesce(body #>> '{record,id}', body #>> '{old_record,id}'), ', ' order by n), '')
			from supabase_functions.told where body ->> 'schema' = 'hooked'`).Scan(&types)
		if err != nil {
			t.Fatal(err)
		}
		return types
	}
	apply(t, p, ann, "hooked", "entity.insert", map[string]any{"entity": "orders", "data": map[string]any{"id": "by-a-task"}}, false)
	apply(t, p, ann, "hooked", "entity.update", map[string]any{"entity": "orders", "id": "by-a-task", "data": map[string]any{"n": 1}}, false)
	if got := told(); got != "" {
		t.Errorf("a task's rows were told of: %s", got)
	}
	for _, sql := range []string{
		fmt.Sprintf("insert into hooked.orders (id, user_id) values ('by-hand', '%s')", ann),
		"update hooked.orders set n = 2 where id = 'by-a-task'", "delete from hooked.orders where id = 'by-hand'",
	} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := told(), "INSERT by-hand, UPDATE by-a-task, DELETE by-hand"; got != want {
		t.Errorf("told of %s, want %s", got, want)
	}
	var args []string
	if err := db.QueryRow(t.Context(), "select args from supabase_functions.told order by n limit 1").Scan(&args); err != nil || len(args) != 5 ||
		!strings.HasSuffix(args[0], "/v1/hooks/entities") || args[1] != "POST" || !strings.Contains(args[2], `"Authorization": "Bearer `) {
		t.Errorf("it is called with %q, %v", args, err)
	}
}
