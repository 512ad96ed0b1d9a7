package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/server"
)

const (
	leaver = "dddddddd-0000-4000-8000-000000000000"
	marker = "violet-hippopotamus"
)

// diary is a service whose rows have the marker in them.
var diary = dict{
	"name":        "diary",
	"entities":    []dict{{"name": "notes", "attributes": dict{"text": "string"}}},
	"sample_data": dict{"notes": []dict{{"text": marker}}},
}

// deletes sends a deletion, and returns what it says of the tasks, or of the problem.
func (o *osp) deletes(want int, body dict) string {
	o.t.Helper()
	status, raw, _ := o.call("POST", "/v1/deletions", body)
	if status != want {
		o.t.Fatalf("deletion of %v: %d, want %d: %s", body, status, want, raw)
	}
	var answer struct {
		Deleted saga.Counts
		Detail  string
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		o.t.Fatal(err)
	}
	if answer.Detail != "" {
		return answer.Detail
	}
	return fmt.Sprintf("%d tasks, %d services, %d rows", answer.Deleted.Tasks, answer.Deleted.Services, answer.Deleted.Rows)
}

func TestADeletedUserIsNowhereButInTheAudit(t *testing.T) {
	s, redisURL := testenv.Supabase(t), testenv.Redis(t)
	all := start(t, "all", "REDIS_URL="+redisURL, "SUPABASE_URL="+s.URL, "SUPABASE_SERVICE_ROLE_KEY="+s.ServiceKey)
	begin := func(body dict) saga.Task {
		t.Helper()
		body["user_id"] = leaver
		task := all.ends(body)
		if task.State != saga.Completed {
			t.Fatalf("%s %s", task.State, task.Error)
		}
		return task
	}
	var out struct{ Schema string }
	if err := json.Unmarshal(begin(dict{"type": "service.create", "input": diary}).Output, &out); err != nil {
		t.Fatal(err)
	}
	note := dict{"entity": "notes", "data": dict{"text": marker}}
	begin(dict{"type": "entity.create", "service": out.Schema, "input": note})
	later := all.task(202, "POST", "/v1/tasks", dict{
		"type": "entity.create", "service": out.Schema, "input": note, "user_id": leaver, "process_at": time.Now().Add(time.Hour),
	})
	for _, text := range []string{leaver, marker} {
		if found := testenv.SearchRedis(t, redisURL, text); len(found) < 3 {
			t.Errorf("before, Redis has %s in %v", text, found)
		}
	}

	ask := dict{"user_id": leaver, "reason": "asked for"}
	refused := ""
	eventually(t, enough, func() bool { // until the rows of the two others are written
		refused = all.deletes(409, ask)
		return strings.Contains(refused, "1 of its tasks has not ended")
	}, func() any { return refused })
	all.task(202, "POST", "/v1/tasks/"+later.ID+"/cancel", nil)
	all.wait(later.ID, enough, saga.Cancelled)
	eventually(t, enough, func() bool { // until the last row is written
		status, _, _ := all.call("POST", "/v1/deletions", dict{"user_id": leaver, "reason": "asked for", "dry_run": true})
		return status == 200
	}, func() any { return nil })
	if found := s.Search(t, marker); len(found) < 4 {
		t.Errorf("after a dry run, the tables have the marker in %v", found)
	}
	if got := all.deletes(200, ask); got != "3 tasks, 1 services, 2 rows" {
		t.Errorf("deleted %s", got)
	}
	for _, text := range []string{leaver, marker} {
		var found []string
		eventually(t, enough, func() bool { // until the audit of this is in the store
			found = testenv.SearchRedis(t, redisURL, text)
			return found == nil
		}, func() any { return fmt.Sprintf("Redis still has %s in %v", text, found) })
	}
	if found := s.Search(t, marker); found != nil {
		t.Errorf("the marker is still in %v", found)
	}
	if found := s.Search(t, leaver); !reflect.DeepEqual(found, []string{"osp.actions.subject", "osp.audit.subject"}) {
		t.Errorf("the user is still in %v", found)
	}
	if status, _, _ := all.call("GET", "/v1/tasks/"+later.ID, nil); status != 404 {
		t.Errorf("a deleted task answers %d", status)
	}
	if got := all.deletes(200, ask); got != "0 tasks, 0 services, 0 rows" {
		t.Errorf("once more: %s", got)
	}
}

func TestTheCommandDeletesWhatItWasConfirmedToDelete(t *testing.T) {
	env := here(t)
	all := start(t, "all", env...)
	task := all.ends(dict{"type": "service.create", "input": diary})
	eventually(t, enough, func() bool {
		code, _ := command(t, env, "delete", "task", task.ID, "--dry-run")
		return code == 0
	}, func() any { return nil })
	there := func() bool {
		status, _, _ := all.call("GET", "/v1/tasks/"+task.ID, nil)
		return status == 200
	}
	says := func(want int, words string, args ...string) {
		t.Helper()
		code, out := command(t, env, append([]string{"delete"}, args...)...)
		if code != want || !strings.Contains(out, words) {
			t.Errorf("osp delete %v: %d, want %d and %q: %s", args, code, want, words, out)
		}
	}
	says(2, "osp delete task|service|user ID", "tasks", task.ID)
	says(2, "osp delete task|service|user ID", "task")
	says(2, "--reason", "task", task.ID)
	says(2, "is not a UUID", "user", "alice", "--reason", "r")
	says(1, "osp: the result store has nothing of a task nosuch: is the id right?", "task", "nosuch", "--dry-run")
	says(0, "The result store has nothing of a task nosuch: is the id right?", "task", "nosuch", "--reason", "r", "--yes")
	says(1, "Type yes: \nosp: nothing was deleted", "task", task.ID, "--reason", "r") // nobody answers
	if code, out := command(t, append(env, "OSP_PARTITIONS=3"), "delete", "task", task.ID, "--reason", "r", "--yes"); code != 2 {
		t.Errorf("with tasks spread in another way: %d %s", code, out)
	}
	if !there() {
		t.Fatal("it was deleted without a yes")
	}
	var out bytes.Buffer
	vars := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	root := newRoot(server.Environment{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, ReadFile: os.ReadFile,
	}, &out, &out)
	root.SetIn(strings.NewReader("yes\n"))
	root.SetArgs([]string{"delete", "task", task.ID, "--reason", "asked for"})
	if err := root.ExecuteContext(t.Context()); err != nil || there() || !strings.Contains(out.String(), "deleted task "+task.ID+": tasks 1") {
		t.Errorf("with a yes: %v, %s", err, out.String())
	}
	if strings.Contains(out.String(), "Type yes: \n") {
		t.Errorf("a second end of the line after somebody's own:\n%s", out.String())
	}
	says(0, "deleted task "+task.ID+": tasks 0", "task", task.ID, "--reason", "r", "--yes")
}
