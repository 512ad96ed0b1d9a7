package results_test

import (
	"strings"
	"testing"
)

// manyErrors gives the failed tasks of [manyRows] their errors.
const manyErrors = `
	update public.workflow_executions set error = 'step pay: card of ' || execution_id || ' refused' where status = 'failed';
	analyze public.workflow_executions;`

func TestASearchReadsItsIndexesOnly(t *testing.T) {
	e := explaining(t)
	if _, err := e.tx.Conn().PgConn().Exec(t.Context(), manyErrors).ReadAll(); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]struct {
		found int
		index string // without workflow_executions_
	}{
		`{"max": 50, "search": "many-29999"}`:                      {1, "by_id"},
		`{"max": 50, "search": "many-2999"}`:                       {11, "by_id"},
		`{"max": 50, "search": "TYPE-17"}`:                         {50, "of_type"},
		`{"max": 50, "search": "type-"}`:                           {50, "of_type"},
		`{"max": 50, "search": "Refused"}`:                         {50, "with_error"},
		`{"max": 50, "search": "many-508 ref"}`:                    {1, "with_error"},
		`{"max": 50, "search": "nowhere"}`:                         {0, "with_error"},
		`{"max": 50, "search": "type-17", "state": "stuck"}`:       {10, ""},
		`{"max": 50, "search": "refused", "service": "service_8"}`: {20, ""},
	} {
		found, nodes := e.ask(t, "osp_list", query)
		if found != want.found {
			t.Errorf("%s found %d tasks, want %d", query, found, want.found)
		}
		used := want.index == ""
		for _, n := range nodes {
			used = used || n.Index == "workflow_executions_"+want.index
			if n.Node == "Seq Scan" || n.Skipped+n.Read > 1600 { // 50 of each of 30 types
				t.Errorf("%s: %s of %s %s reads %.0f rows and skips %.0f", query, n.Node, n.Table, n.Index, n.Read, n.Skipped)
			}
		}
		if !used {
			t.Errorf("%s does not read the index %q", query, want.index)
		}
	}
}

// Counting is held to a number of rows, however many there are: here to 500 of 30,000, and what has not ended.
func TestCountsAreReadFromIndexesAndNoFurtherThanTheyGo(t *testing.T) {
	e := explaining(t)
	for query, want := range map[string]string{
		`{"max": 100}`:                                                        `"stuck": 30, "failed": 60, "pending": 0, "running": 0, "waiting": 100, "cancelled": 0, "completed": 100`,
		`{"max": 100, "status": "failed"}`:                                    `"failed": 60`,
		`{"max": 100, "state": "stuck"}`:                                      `"stuck": 30`,
		`{"max": 100, "type": "type-3"}`:                                      `"completed": 100`,
		`{"max": 100, "service": "service_7"}`:                                `"waiting": 90`,
		`{"max": 100, "owner": "00000000-0000-4000-9000-000000000107"}`:       `"completed": 99`,
		`{"max": 100, "search": "many-299"}`:                                  `"completed": 99`,
		`{"max": 100, "from_at": "2026-01-01T01:00:00Z", "status": "failed"}`: `"failed": 52`,
	} {
		var answer string
		e.plans = nil
		if err := e.tx.QueryRow(t.Context(), "select public.osp_counts($1)", query).Scan(&answer); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer, want) {
			t.Errorf("%s: got %s, want %s", query, answer, want)
		}
		for _, n := range e.nodes(t) {
			if n.Node == "Seq Scan" || n.Skipped+n.Read > 1000 { // all of a type
				t.Errorf("%s: %s of %s %s reads %.0f rows and skips %.0f", query, n.Node, n.Table, n.Index, n.Read, n.Skipped)
			}
		}
	}
}
