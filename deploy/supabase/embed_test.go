package supabase_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/deploy/supabase"
)

func TestEveryMigrationSaysThatItWasApplied(t *testing.T) {
	names := supabase.Names()
	if len(names) == 0 || !slices.IsSorted(names) {
		t.Fatalf("the migrations are %v", names)
	}
	for _, name := range names {
		if !regexp.MustCompile(`^migrations/[0-9]{14}_[a-z_]+\.sql$`).MatchString(name) {
			t.Errorf("%s is not called as the Supabase CLI wants it", name)
		}
		sql, err := fs.ReadFile(supabase.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		last := fmt.Sprintf("select osp.migrated(%d);\n", supabase.Number(name))
		if !strings.HasSuffix(string(sql), "\n"+last) || strings.Count(string(sql), "select osp.migrated(") != 1 {
			t.Errorf("the last line of %s is not %s", name, last)
		}
	}
}

func TestTheProgramNeedsTheNewestMigration(t *testing.T) {
	for _, name := range supabase.Names() {
		if supabase.Number(name) > supabase.Schema() {
			t.Errorf("%s is newer than %d", name, supabase.Schema())
		}
	}
}
