package results_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// search lists the columns of a SQLite file that hold a text, as table.column.
func search(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select s.name, c.name from sqlite_schema s, pragma_table_info(s.name) c
		where s.type = 'table' and s.name not like 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var columns [][2]string
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, c := range columns {
		var n int
		query := fmt.Sprintf("select count(*) from %q where instr(%q, ?) > 0", c[0], c[1])
		if err := db.QueryRowContext(t.Context(), query, text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			found = append(found, c[0]+"."+c[1])
		}
	}
	slices.Sort(found)
	return found
}

func TestADeletedUserIsNowhereInTheFileButInTheAudit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "osp.db")
	s := openSQLite(t, path)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	makeService(t, s, "makes-theirs", "leaving_1", leaver, marker)
	makeService(t, s, "makes-other", "staying_1", bob, "nothing")
	if err := insertGuest(t, s, "makes-theirs", "leaving_1", leaver, marker); err != nil {
		t.Fatal(err)
	}
	// A guest of bob's: the row is the leaver's, and bob's own visit refers to it.
	for _, query := range []string{
		`insert into "staying_1.guest" (id, name, user_id) values ('theirs', ?, ?)`,
		`update "staying_1.visit" set guest_id = 'theirs' where ? <> ? and id = 'v'`,
		`update "osp.manifests" set created_by = ?2 where ?1 <> '' and schema = 'staying_1'`,
		`update "osp.manifest_audit" set by = ?2 where ?1 <> '' and schema = 'staying_1'`,
	} {
		if _, err := db.ExecContext(t.Context(), query, marker, leaver); err != nil {
			t.Fatal(err)
		}
	}
	rows := results.Rows(endedRow("makes-theirs", leaver, marker), endedRow("makes-other", bob, "nothing"))
	if _, err := s.Save(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if before := search(t, db, marker); len(before) != 5 {
		t.Errorf("before, the marker is in %v", before)
	}
	got := remove(t, s, saga.Deletion{ID: "1", Kind: saga.SubjectUser, Subject: leaver, Reason: "asked for", By: "dpo"})
	if want := (saga.Counts{Tasks: 1, Steps: 1, Fences: 10, Services: 1, Rows: 4}); got.Counts != want {
		t.Errorf("deleted %+v, want %+v", got.Counts, want)
	}
	if found := search(t, db, leaver); !reflect.DeepEqual(found, []string{"osp.audit.subject"}) {
		t.Errorf("the user is still in %v", found)
	}
	if found := search(t, db, marker); found != nil {
		t.Errorf("the marker is still in %v", found)
	}
	var visit, note string
	err = db.QueryRowContext(t.Context(), `select (select coalesce(guest_id, 'nobody') from "staying_1.visit"),
		(select by || ' ' || kind || ' ' || reason || ' ' || json_extract(deleted, '$.rows') from "osp.audit")`).Scan(&visit, &note)
	if err != nil || visit != "nobody" || note != "dpo user asked for 4" {
		t.Errorf("bob's visit is of %s, and the audit says %q, %v", visit, note, err)
	}
}
