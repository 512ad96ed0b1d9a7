package results_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

const (
	leaver = "cccccccc-0000-4000-8000-000000000000"
	marker = "violet-hippopotamus"
)

// makeService creates a service as service.create does, with the marker in its rows and its manifest.
func makeService(t *testing.T, p results.Store, task, schema, user, marker string) {
	t.Helper()
	args := fmt.Sprintf(`{"schema": %[1]q, "user_id": %[2]q, "by": %[2]q, "name": "Guests", "manifest": {"note": %[3]q},
		"entities": [{"name": "guest", "attributes": {"name": "string"}},
			{"name": "visit", "relationships": {"guest": {"target": "guest", "type": "many_to_one"}}}],
		"rows": {"guest": [{"id": "g", "name": %[3]q}], "visit": [{"id": "v", "guest_id": "g"}]}}`, schema, user, marker)
	for _, effect := range []string{
		"service.reserve", "service.register", "schema.create", "tables.create", "security.enable", "keys.create", "rows.insert",
		"manifest.store", "manifest.activate",
	} {
		if _, err := p.Apply(t.Context(), saga.Fence{Task: task, Path: effect, Key: task}, effect, []byte(args)); err != nil {
			t.Fatalf("%s: %v", effect, err)
		}
	}
}

func insertGuest(t *testing.T, p results.Store, task, schema, user, name string) error {
	t.Helper()
	args := fmt.Sprintf(`{"schema": %q, "user_id": %q, "entity": "guest", "data": {"name": %q}}`, schema, user, name)
	_, err := p.Apply(t.Context(), saga.Fence{Task: task, Path: "x", Key: task + "/x/do/0"}, "entity.insert", []byte(args))
	return err
}

// endedRow is a task that completed, with the marker wherever a client or an endpoint may have put it.
func endedRow(id, user, marker string) saga.Task {
	now := time.Unix(1_790_000_000, 0).UTC()
	quoted, _ := json.Marshal(marker)
	return saga.Task{
		ID: id, Type: "order", UserID: user, Status: saga.StatusCompleted, State: saga.Completed, Phase: saga.Forward,
		Input: quoted, Output: quoted, Error: marker, CreatedAt: now, CompletedAt: &now, Version: 1,
		Steps: []saga.StepView{{Path: "pay", State: saga.StepCompleted, Attempts: 1, Output: quoted, Error: marker, StartedAt: now}},
	}
}

func remove(t *testing.T, p results.Store, d saga.Deletion) saga.Deleted {
	t.Helper()
	done, err := tryRemove(t, p, d)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// tryRemove deletes a subject as if there were no journals.
func tryRemove(t *testing.T, p results.Store, d saga.Deletion) (saga.Deleted, error) {
	t.Helper()
	plan, err := p.Delete(t.Context(), d)
	if err != nil || plan.Done {
		return plan, err
	}
	d.Forgotten = plan.Tasks
	done, err := p.Delete(t.Context(), d)
	if err == nil && !done.Done {
		err = fmt.Errorf("it was not done: %+v", done)
	}
	return done, err
}

func TestADeletedUserIsNowhereInTheDatabaseButInTheAudit(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	db := s.DB(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	makeService(t, p, "makes-theirs", "leaving_1", leaver, marker)
	makeService(t, p, "makes-other", "staying_1", bob, "nothing")
	if err := insertGuest(t, p, "makes-theirs", "leaving_1", leaver, marker); err != nil {
		t.Fatal(err)
	}
	// A guest of bob's: the row is the leaver's, and bob's own visit refers to it.
	exec("insert into staying_1.guest (id, name, user_id) values ('theirs', $1, $2)", marker, leaver)
	exec("update staying_1.visit set guest_id = 'theirs' where id = 'v'")
	exec("update osp.manifests set created_by = $1 where schema = 'staying_1'", leaver)
	exec("update osp.manifest_audit set by = $1 where schema = 'staying_1'", leaver)
	rows := results.Rows(endedRow("makes-theirs", leaver, marker), endedRow("theirs", leaver, marker), endedRow("makes-other", bob, "nothing"))
	rows = append(rows, results.Row{Task: endedRow("child", leaver, marker), Parent: "theirs", Journal: []string{marker}})
	if _, err := p.Save(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{leaver, marker} {
		before := s.Search(t, text)
		for _, column := range []string{"osp.fences.result", "leaving_1.guest.", "staying_1.guest.", "public.workflow_executions.", "osp.manifest"} {
			if !slices.ContainsFunc(before, func(c string) bool { return len(c) >= len(column) && c[:len(column)] == column }) {
				t.Errorf("before, %s is not in %s: %v", text, column, before)
			}
		}
	}
	got := remove(t, p, saga.Deletion{ID: "1", Kind: saga.SubjectUser, Subject: leaver, Reason: "asked for", By: "dpo"})
	if want := (saga.Counts{Tasks: 3, Steps: 3, Fences: 10, Services: 1, Rows: 4}); got.Counts != want {
		t.Errorf("deleted %+v, want %+v", got.Counts, want)
	}
	if at := s.Search(t, leaver); !reflect.DeepEqual(at, []string{"osp.audit.subject"}) {
		t.Errorf("the user is still in %v", at)
	}
	if at := s.Search(t, marker); at != nil {
		t.Errorf("the marker is still in %v", at)
	}
	var visit, note string
	err := db.QueryRow(t.Context(), `select (select coalesce(guest_id, 'nobody') from staying_1.visit),
		(select concat_ws(' ', a.by, a.kind, a.reason, a.deleted ->> 'rows') from osp.audit a where a.id = '1')`).Scan(&visit, &note)
	if err != nil || visit != "nobody" || note != "dpo user asked for 4" {
		t.Errorf("bob's visit is of %s, and the audit says %q, %v", visit, note, err)
	}
	if task, err := p.Get(t.Context(), "makes-other"); err != nil || task.UserID != bob {
		t.Errorf("bob's task: %+v, %v", task, err)
	}
}
