package results_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// stepped is a task of ann's at a version, with its steps.
func stepped(id string, version int64, steps ...saga.StepView) saga.Task {
	t := row(id, ann)
	t.Version, t.Steps = version, steps
	return t
}

func step(path string, state saga.StepState, attempts int) saga.StepView {
	return saga.StepView{
		Path: path, Kind: saga.KindActivity, State: state, Attempts: attempts, StartedAt: time.Unix(1_790_000_001, 0),
	}
}

// storedSteps returns a task's steps as "position path state×attempts @version", in order.
func storedSteps(t *testing.T, id string) []string {
	t.Helper()
	rows, err := testenv.Supabase(t).DB(t).Query(t.Context(), `
		select format('%s %s %s×%s @%s', position, path, state, attempts, version)
		from public.workflow_execution_steps where execution_id = $1 order by position`, id)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestStepsAreRowsThatFollowTheirTask(t *testing.T) {
	p := postgREST(t, "")
	pay, mail := step("pay", saga.StepCompleted, 1), step("mail", saga.StepRunning, 1)
	mailed := step("mail", saga.StepCompleted, 2)
	for _, c := range []struct {
		name string
		task saga.Task
		want string
	}{
		{"none yet", stepped("s", 1), "[]"},
		{"the first", stepped("s", 2, step("pay", saga.StepRunning, 1)), "[1 pay running×1 @2]"},
		{"one changed, one came", stepped("s", 3, pay, mail), "[1 pay completed×1 @3 2 mail running×1 @3]"},
		{"none changed", stepped("s", 4, pay, mail), "[1 pay completed×1 @3 2 mail running×1 @3]"},
		{"one changed", stepped("s", 5, pay, mailed), "[1 pay completed×1 @3 2 mail completed×2 @5]"},
		{"an older row", stepped("s", 4, step("pay", saga.StepFailed, 9)), "[1 pay completed×1 @3 2 mail completed×2 @5]"},
		{"a journal that was taken back in time", stepped("s", 6, mail), "[1 mail running×1 @6]"},
		{"nothing is left of it", stepped("s", 7), "[]"},
	} {
		if _, err := p.Save(t.Context(), results.Rows(c.task)); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(storedSteps(t, "s")); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestABatchKeepsTheStepsOfItsTasksApart(t *testing.T) {
	p := postgREST(t, "")
	newer, older := stepped("b1", 2, step("pay", saga.StepCompleted, 2)), stepped("b1", 1, step("other", saga.StepRunning, 1))
	other := stepped("b2", 9, step("pay", saga.StepRunning, 1), step("mail", saga.StepRunning, 1))
	if _, err := p.Save(t.Context(), results.Rows(other, newer, older)); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(storedSteps(t, "b1"), storedSteps(t, "b2"))
	if want := "[1 pay completed×2 @2] [1 pay running×1 @9 2 mail running×1 @9]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAStepsRowHasAllThatIsKnownOfIt(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	at := time.Unix(1_790_000_060, 0)
	full := saga.StepView{
		Path: "pay", Kind: saga.KindChild, State: saga.StepCompensated, Attempts: 3, UndoAttempts: 2,
		Output: json.RawMessage(`{"n":1}`), Error: "refused", UndoError: "busy", Child: "c",
		StartedAt: time.Unix(1_790_000_000, 0), CompletedAt: &at, UndoneAt: &at, NextAttemptAt: &at,
	}
	if _, err := p.Save(t.Context(), results.Rows(stepped("full", 1, full))); err != nil {
		t.Fatal(err)
	}
	status, body := s.REST(t, s.UserKey(ann), "GET", "workflow_execution_steps?execution_id=eq.full"+
		"&select=path,user_id,kind,state,attempts,undo_attempts,output,error,undo_error,child,started_at,completed_at,undone_at,next_attempt_at", "")
	const then = `"2026-09-21T14:14:20+00:00"`
	want := `[{"path":"pay","user_id":"` + ann + `","kind":"child","state":"compensated","attempts":3,"undo_attempts":2,` +
		`"output":{"n": 1},"error":"refused","undo_error":"busy","child":"c","started_at":"2026-09-21T14:13:20+00:00",` +
		`"completed_at":` + then + `,"undone_at":` + then + `,"next_attempt_at":` + then + `}]`
	if status != 200 || body != want {
		t.Errorf("got %d %s\nwant %s", status, body, want)
	}
}

func TestUsersSeeTheStepsOfTheirOwnTasksOnly(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	bobs := stepped("steps-of-bob", 1, step("pay", saga.StepRunning, 1))
	bobs.UserID = bob
	if _, err := p.Save(t.Context(), results.Rows(stepped("steps-of-ann", 1, step("pay", saga.StepRunning, 1)), bobs)); err != nil {
		t.Fatal(err)
	}
	const query = "workflow_execution_steps?select=execution_id&execution_id=like.steps-of-*"
	if status, body := s.REST(t, s.UserKey(ann), "GET", query, ""); status != 200 || body != `[{"execution_id":"steps-of-ann"}]` {
		t.Errorf("ann sees %d %s", status, body)
	}
	// As rows of the task that they belong to: PostgREST finds the foreign key.
	const embedded = "workflow_executions?select=execution_id,workflow_execution_steps(path)&execution_id=like.steps-of-*"
	want := `[{"execution_id":"steps-of-ann","workflow_execution_steps":[{"path": "pay"}]}]`
	if status, body := s.REST(t, s.UserKey(ann), "GET", embedded, ""); status != 200 || body != want {
		t.Errorf("ann sees %d %s", status, body)
	}
	for _, c := range []struct{ who, key, method, body string }{
		{"ann", s.UserKey(ann), "PATCH", `{"state":"completed"}`},
		{"ann", s.UserKey(ann), "DELETE", ""},
		{"anonymous", s.AnonKey, "GET", ""},
	} {
		if status, body := s.REST(t, c.key, c.method, query, c.body); status != 401 && status != 403 {
			t.Errorf("%s's %s: %d %s", c.who, c.method, status, body)
		}
	}
}

func TestStepsAreGuardedAndGoWithTheirTask(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	if _, err := p.Save(t.Context(), results.Rows(stepped("guarded-steps", 5, step("pay", saga.StepRunning, 1)))); err != nil {
		t.Fatal(err)
	}
	db := s.DB(t)
	for _, c := range []struct {
		version int64
		want    string
	}{{4, "[1 pay running×1 @5]"}, {6, "[1 pay failed×1 @6]"}} {
		_, err := db.Exec(t.Context(), `update public.workflow_execution_steps set state = 'failed', version = $1
			where execution_id = 'guarded-steps'`, c.version)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(storedSteps(t, "guarded-steps")); got != c.want {
			t.Errorf("after a write of version %d: %s, want %s", c.version, got, c.want)
		}
	}
	if _, err := db.Exec(t.Context(), "delete from public.workflow_executions where execution_id = 'guarded-steps'"); err != nil {
		t.Fatal(err)
	}
	if got := storedSteps(t, "guarded-steps"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}
