package results_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

const (
	ann = "aaaaaaaa-0000-4000-8000-000000000000"
	bob = "bbbbbbbb-0000-4000-8000-000000000000"
)

func row(id, user string) saga.Task {
	return saga.Task{
		ID: id, Type: "order", UserID: user, Status: saga.StatusRunning, State: saga.Compensating, Phase: saga.Undo,
		CreatedAt: time.Unix(1_790_000_000, 0), Version: 1,
		Steps: []saga.StepView{
			{Path: "pay", State: saga.StepCompensating, Attempts: 3, UndoAttempts: 2},
			{Path: "mail", State: saga.StepFailed, Attempts: 3},
		},
	}
}

func TestUsersSeeTheirOwnTasksAndAnonymousNone(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	if _, err := p.Save(t.Context(), results.Rows(row("of-ann", ann), row("of-bob", bob))); err != nil {
		t.Fatal(err)
	}
	const query = "workflow_executions?select=execution_id,status,state,current_step,attempt&execution_id=like.of-*&order=execution_id"
	status, body := s.REST(t, s.UserKey(ann), "GET", query, "")
	want := `[{"execution_id":"of-ann","status":"running","state":"compensating","current_step":"pay","attempt":2}]`
	if status != 200 || body != want {
		t.Errorf("ann sees %d %s, want %s", status, body, want)
	}
	for _, c := range []struct{ method, path, body string }{
		{"PATCH", "workflow_executions?execution_id=eq.of-ann", `{"status":"completed"}`},
		{"DELETE", "workflow_executions?execution_id=eq.of-ann", ""},
		{"POST", "workflow_executions", `{"execution_id":"x","workflow_id":"x","user_id":"` + ann + `"}`},
	} {
		status, body := s.REST(t, s.UserKey(ann), c.method, c.path, c.body)
		if task, err := p.Get(t.Context(), "of-ann"); err != nil || task.Status != saga.StatusRunning {
			t.Errorf("ann's %s: %d %s; the task is %v, %v", c.method, status, body, task, err)
		}
	}
	if _, err := p.Get(t.Context(), "x"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("ann has made a task: %v", err)
	}
	if status, body := s.REST(t, s.AnonKey, "GET", query, ""); status < 400 {
		t.Errorf("anonymous sees %d %s", status, body)
	}
}

func TestNobodyButTheServiceRoleExecutesOurFunctions(t *testing.T) {
	s := testenv.Supabase(t)
	for _, who := range []struct{ name, key string }{{"anonymous", s.AnonKey}, {"ann", s.UserKey(ann)}} {
		for fn, args := range map[string]string{
			"osp_save":         `{"tasks":[]}`,
			"osp_get":          `{"id":"x"}`,
			"osp_list":         `{"query":{}}`,
			"osp_ping":         `{}`,
			"osp_expire":       `{"before":"2000-01-01T00:00:00Z","max":1}`,
			"osp_settle":       `{"ended":[]}`,
			"osp_delete":       `{"deletion":{}}`,
			"osp_actions":      `{"query":{"max":1}}`,
			"osp_save_actions": `{"actions":[]}`,
			"osp_apply":        `{"fence":null,"effect":"entity.query","args":{}}`,
			"osp_counts":       `{"query":{}}`,
		} {
			if status, body := s.REST(t, who.key, "POST", "rpc/"+fn, args); status != 401 && status != 403 {
				t.Errorf("%s calls %s: %d %s", who.name, fn, status, body)
			}
		}
	}
}

func TestTheTriggerKeepsTheNewestRowWhoeverWrites(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	task := row("guarded", ann)
	task.Version = 5
	if _, err := p.Save(t.Context(), results.Rows(task)); err != nil {
		t.Fatal(err)
	}
	const write = "update public.workflow_executions set version = $1, error = $2 where execution_id = 'guarded'"
	for _, c := range []struct {
		version int64
		want    string
	}{{4, ""}, {5, "written with 5"}, {4, "written with 5"}, {6, "written with 6"}} {
		if _, err := s.DB(t).Exec(t.Context(), write, c.version, fmt.Sprintf("written with %d", c.version)); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Get(t.Context(), "guarded"); err != nil || got.Error != c.want {
			t.Errorf("after version %d: %q, %v; want %q", c.version, got.Error, err, c.want)
		}
	}
}

func TestAStoreThatIsAwayIsNotTheTasksFault(t *testing.T) {
	s, p := testenv.Supabase(t), postgREST(t, "")
	s.StopREST()
	_, saveErr := p.Save(t.Context(), results.Rows(row("later", ann)))
	_, applyErr := p.Apply(t.Context(), saga.Fence{Task: "t", Path: "p"}, "service.reserve", []byte(`{}`))
	pingErr := p.Ping(t.Context())
	s.StartREST(t)
	for _, err := range []error{saveErr, applyErr, pingErr} {
		if err == nil || saga.IsPermanent(err) {
			t.Errorf("while PostgREST was away: %v", err)
		}
	}
	if _, err := p.Save(t.Context(), results.Rows(row("later", ann))); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatSupabaseDoesNotTakeIsNotTheTasksFault(t *testing.T) {
	p := postgREST(t, "sb_secret_wrong")
	_, err := p.Save(t.Context(), results.Rows(row("never", ann)))
	var answer *results.APIError
	if !errors.As(err, &answer) || answer.Status != 401 || saga.IsPermanent(err) || answer.Pause() < time.Second {
		t.Errorf("got %v", err)
	}
	if err := p.SetKey(testenv.Supabase(t).ServiceKey); err != nil {
		t.Fatal(err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Errorf("after the key was changed: %v", err)
	}
}

func TestErrorsHoldNeitherTheKeyNorTheFailingRow(t *testing.T) {
	p := postgREST(t, "")
	bad := row("bad", ann)
	bad.Status, bad.Error = "unheard-of", "a secret of the row"
	_, err := p.Save(t.Context(), results.Rows(bad))
	if !saga.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	text := fmt.Sprintf("%v %+v", err, err)
	for _, secret := range []string{testenv.Supabase(t).ServiceKey, "a secret of the row"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error tells %q: %s", secret, text)
		}
	}
}
