package server

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/osp-platform/osp/deploy/supabase"
	"github.com/osp-platform/osp/internal/testenv"
)

func TestMigrate(t *testing.T) {
	s := testenv.Supabase(t)
	db := s.DB(t)
	exec := func(sql string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	// A database of the test's own, as empty as a new project's.
	exec("drop database if exists fresh")
	exec("create database fresh template template0 owner postgres")
	own, err := url.Parse(s.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("a project as it is", func(t *testing.T) {
		exec("update osp.schema set version = 7")
		applied := "applied " + strings.Join(supabase.Names(), "\napplied ") + "\n"
		for _, before := range []int64{7, supabase.Schema()} { // it may be run again and again
			want := applied + fmt.Sprintf("schema %d → %d\n", before, supabase.Schema())
			var out bytes.Buffer
			if err := Migrate(t.Context(), vars{"DATABASE_URL": s.DatabaseURL}.env(), &out); err != nil {
				t.Fatal(err)
			}
			if out.String() != want {
				t.Errorf("it says\n%s\nwant\n%s", out.String(), want)
			}
		}
	})
	t.Run("an older program does not take the version back", func(t *testing.T) {
		exec("select osp.migrated(7)")
		var version int64
		if err := db.QueryRow(t.Context(), "select version from osp.schema").Scan(&version); err != nil || version != supabase.Schema() {
			t.Errorf("the schema is %d, %v", version, err)
		}
	})
	t.Run("a migration that fails leaves nothing of itself", func(t *testing.T) {
		own.Path = "/fresh" // which has none of Supabase's own schemas
		var out bytes.Buffer
		err := Migrate(t.Context(), vars{"DATABASE_URL_FILE": "/run/url", "file /run/url": own.String() + "\n"}.env(), &out)
		if err == nil || !strings.Contains(err.Error(), "migrations/") {
			t.Fatalf("got %v, and out %s", err, out.String())
		}
		failed, _, _ := strings.Cut(err.Error(), ":")
		if strings.Contains(out.String(), failed) {
			t.Errorf("%s is said to be applied", failed)
		}
	})
	t.Run("without its first line it would not be there", func(t *testing.T) {
		exec("alter table public.workflow_executions rename to hidden_executions")
		t.Cleanup(func() {
			exec("drop table if exists public.workflow_executions cascade")
			exec("alter table public.hidden_executions rename to workflow_executions")
		})
		if err := Migrate(t.Context(), vars{"DATABASE_URL": s.DatabaseURL}.env(), &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		var there bool
		err := db.QueryRow(t.Context(), "select to_regclass('public.workflow_executions') is not null").Scan(&there)
		if err != nil || !there {
			t.Errorf("the table is there: %t, %v", there, err)
		}
	})
}

func TestMigrateWithoutADatabaseSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		vars vars
		want string
	}{
		"not set":         {vars{}, "DATABASE_URL is not set"},
		"malformed":       {vars{"DATABASE_URL": "postgres://u:hunter2@h:port/x"}, "DATABASE_URL is malformed"},
		"no such file":    {vars{"DATABASE_URL_FILE": "/none"}, "DATABASE_URL_FILE names a file"},
		"nobody there":    {vars{"DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/x"}, "connect to 127.0.0.1:1"},
		"an unknown host": {vars{"DATABASE_URL": "postgres://u:hunter2@nowhere.invalid/x"}, "connect to nowhere.invalid:5432"},
	} {
		err := Migrate(t.Context(), c.vars.env(), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v shows the password", name, err)
		}
	}
}
