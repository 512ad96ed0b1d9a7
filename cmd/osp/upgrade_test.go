package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/osp-platform/osp/deploy/supabase"
	"github.com/osp-platform/osp/internal/testenv"
)

func TestUpgradeCheckTellsWhetherTheSchemaFits(t *testing.T) {
	s := testenv.Supabase(t)
	db, newest := connect(t, s.AdminURL), supabase.Schema()
	has := func(schema int64) { db.exec(fmt.Sprintf("update osp.schema set version = %d", schema)) }
	t.Cleanup(func() { has(newest) })
	env := []string{"SUPABASE_URL=" + s.URL, "SUPABASE_SERVICE_ROLE_KEY=" + s.ServiceKey}
	for _, c := range []struct {
		name   string
		schema int64
		env    []string
		code   int
		want   string
	}{
		{"the same", newest, env, exitOK, "the database fits"},
		{"a newer one", newest + 1, env, exitOK, "the database fits"},
		{"an older one", newest - 1, env, exitUnfit, fmt.Sprintf("osp: the database has schema %d, this program needs %d: run osp migrate", newest-1, newest)},
		{"Supabase is away", newest, []string{"SUPABASE_URL=http://127.0.0.1:1", "SUPABASE_SERVICE_ROLE_KEY=sb_secret_x"}, exitFailed, "osp: supabase cannot be reached"},
		{"nothing is set", newest, nil, exitUsage, "osp: SUPABASE_URL is not set"},
		{"a file", newest, []string{"OSP_RESULTS=" + aFile(t)}, exitOK, "the file fits"},
		{"no file", newest, []string{"OSP_RESULTS=sqlite:" + filepath.Join(t.TempDir(), "osp.db")}, exitUsage, "osp: OSP_RESULTS names a file that is not there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			has(c.schema)
			code, out := command(t, c.env, "upgrade-check")
			if code != c.code || !strings.HasPrefix(out, c.want) {
				t.Errorf("exit code %d, want %d, and %q: %s", code, c.code, c.want, out)
			}
		})
	}
}

func TestVersionTellsCommitAndDate(t *testing.T) {
	code, out := command(t, nil, "version")
	if code != exitOK || !regexp.MustCompile(`^osp \S+\ncommit \S+\ndate \S+\ngo\S+ \w+/\w+\n$`).MatchString(out) {
		t.Errorf("exit code %d: %s", code, out)
	}
}
