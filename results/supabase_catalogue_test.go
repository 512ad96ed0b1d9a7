package results_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
)

// offences asks the catalogue what is against the rules of the migrations, whatever a later one adds.
var offences = []struct{ rule, query string }{
	{"users read their own tasks and steps, and nobody else does anything with a table", `
		select format('%s may %s %s', role, privilege, c.oid::regclass)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace,
			unnest(array['anon', 'authenticated']) role,
			unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) privilege
		where n.nspname in ('public', 'osp') and c.relkind in ('r', 'p', 'v', 'm', 'f')
		and (has_table_privilege(role, c.oid, privilege)
			or privilege in ('select', 'insert', 'update', 'references') and has_any_column_privilege(role, c.oid, privilege))
		and not (role = 'authenticated' and privilege = 'select' and n.nspname = 'public'
			and c.relname in ('workflow_executions', 'workflow_execution_steps'))`},
	{"every table in public has row-level security", `
		select c.oid::regclass || ' has none' from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relrowsecurity`},
	{"every policy is for the own rows of signed-in users", `
		select format('%s on %s is %s to %s using %s', policyname, tablename, cmd, roles, qual) from pg_policies
		where schemaname in ('public', 'osp') and (cmd <> 'SELECT' or roles <> '{authenticated}'
			or qual <> '(( SELECT auth.uid() AS uid) = user_id)')`},
	{"service_role has its tables by name", `
		select format('service_role may not %s %s', privilege, c.oid::regclass)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace,
			unnest(array['select', 'insert', 'update', 'delete']) privilege
		where n.nspname = 'public' and c.relkind in ('r', 'p') and not has_table_privilege('service_role', c.oid, privilege)`},
	{"sequences are nobody's", `
		select format('%s may %s %s', role, privilege, c.oid::regclass)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace, unnest(array['anon', 'authenticated']) role,
			unnest(array['usage', 'select', 'update']) privilege
		where n.nspname in ('public', 'osp') and c.relkind = 'S' and has_sequence_privilege(role, c.oid, privilege)`},
	{"schema osp is closed, and nothing is made in public", `
		select format('%s may %s', role, privilege || ' ' || schema)
		from unnest(array['anon', 'authenticated']) role,
			(values ('osp', 'usage'), ('osp', 'create'), ('public', 'create')) v (schema, privilege)
		where has_schema_privilege(role, schema, privilege)`},
	{"functions are for service_role alone", `
		select format('%s may execute %s', role, p.oid::regprocedure)
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace, unnest(array['anon', 'authenticated']) role
		where n.nspname in ('public', 'osp') and has_function_privilege(role, p.oid, 'execute')`},
	{"functions find nothing by a search path", `
		select p.oid::regprocedure || ' has a search path'
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname in ('public', 'osp') and not coalesce(p.proconfig, '{}') @> '{"search_path=\"\""}'`},
	{"functions that can be called have a time limit of their own", `
		select p.oid::regprocedure || ' has no statement_timeout'
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where (n.nspname = 'public' or n.nspname = 'osp' and p.prosecdef) and p.prorettype <> 'trigger'::regtype
		and not exists (select from unnest(p.proconfig) s where s like 'statement_timeout=%')`},
}

type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// offending lists what is against the rules.
func offending(t *testing.T, db queryer) []string {
	t.Helper()
	var list []string
	for _, o := range offences {
		rows, err := db.Query(t.Context(), o.query)
		if err != nil {
			t.Fatalf("%s: %v", o.rule, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", o.rule, err)
		}
		list = append(list, found...)
	}
	return list
}

func TestTheMigrationsOpenNothing(t *testing.T) {
	if found := offending(t, testenv.Supabase(t).DB(t)); len(found) > 0 {
		t.Errorf("against the rules:\n%s", strings.Join(found, "\n"))
	}
}

// Each of these mistakes is easily made, for Supabase grants to everybody what is new in public.
func TestAMigrationThatOpensSomethingIsSeen(t *testing.T) {
	const body = ` language sql as 'select 1'`
	for _, c := range []struct{ mistake, want string }{
		{"create table public.t (n integer)", "anon may select t|authenticated may delete t|t has none"},
		{"create table osp.t (n integer); grant select (n) on osp.t to authenticated", "authenticated may select osp.t"},
		{"create view public.v as select * from osp.services", "anon may select v"},
		{"create policy p on public.workflow_executions for update using (true)", "p on workflow_executions is UPDATE"},
		{"revoke delete on public.workflow_execution_steps from service_role", "service_role may not delete workflow_execution_steps"},
		{"create sequence public.s", "anon may usage s|authenticated may update s"},
		{"grant usage on schema osp to authenticated", "authenticated may usage osp"},
		{"create function public.f() returns integer set search_path = '' set statement_timeout = '1s'" + body, "anon may execute f()"},
		{"create function osp.f() returns integer" + body, "authenticated may execute osp.f()|osp.f() has a search path"},
		{"create function public.f() returns integer set search_path = ''" + body, "f() has no statement_timeout"},
		{"create function osp.f() returns integer security definer set search_path = 'public'" + body, "osp.f() has no statement_timeout"},
	} {
		tx, err := testenv.Supabase(t).DB(t).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "set local role postgres"); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Conn().PgConn().Exec(t.Context(), c.mistake).ReadAll(); err != nil {
			t.Fatalf("%s: %v", c.mistake, err)
		}
		found := offending(t, tx)
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		for want := range strings.SplitSeq(c.want, "|") {
			if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, want) }) {
				t.Errorf("%s: found %q, want %q", c.mistake, found, want)
			}
		}
	}
}
