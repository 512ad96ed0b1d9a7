package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// keyboard runs commands one after the other, with one home.
type keyboard struct {
	t   *testing.T
	env []string
}

// types runs a command line and checks its code and what it has written.
func (k keyboard) types(code int, line string, wanted ...string) string {
	k.t.Helper()
	args := strings.Fields(line)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "·", " ")
	}
	got, out := command(k.t, k.env, args...)
	if got != code {
		k.t.Fatalf("osp %s: code %d, want %d: %s", line, got, code, out)
	}
	for _, w := range wanted {
		if !strings.Contains(out, w) {
			k.t.Errorf("osp %s: %q is missing in\n%s", line, w, out)
		}
	}
	return strings.TrimSpace(out)
}

// until runs a command until it writes all of what is wanted.
func (k keyboard) until(line string, wanted ...string) {
	k.t.Helper()
	var out string
	eventually(k.t, enough, func() bool {
		out = k.types(0, line)
		return !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(out, w) })
	}, func() any { return out })
}

// task runs a command that writes a task as JSON.
func (k keyboard) task(code int, line string) (task saga.Task) {
	k.t.Helper()
	out, _, _ := strings.Cut(k.types(code, line+" -o json"), "\n") // what follows is talk
	if err := json.Unmarshal([]byte(out), &task); err != nil {
		k.t.Fatalf("osp %s: %v: %s", line, err, out)
	}
	return task
}

// file writes a file and returns its name.
func (k keyboard) file(name string, v any) string {
	k.t.Helper()
	raw, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			k.t.Fatal(err)
		}
		raw = string(b)
	}
	name = filepath.Join(k.t.TempDir(), name)
	if err := os.WriteFile(name, []byte(raw), 0o600); err != nil {
		k.t.Fatal(err)
	}
	return name
}

func TestTasksAreSteeredFromTheCommand(t *testing.T) {
	var mended atomic.Bool
	e := newEndpoint(t, func(path string, _ int, _ *http.Request) int {
		switch {
		case path == "/c", path == "/undo-a" && !mended.Load():
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	key, entry := newAPIKey(t, "ada", "operator")
	o := start(t, "all", append(here(t), "OSP_AUTH=on", "OSP_API_KEYS="+entry)...)
	k := keyboard{t, []string{"HOME=" + t.TempDir()}}

	k.types(8, "task list --url http://127.0.0.1:1", "start one with osp dev")
	k.types(1, "task list --url "+o.url, "Give a key: OSP_KEY")
	k.types(0, "profile add here --url "+o.url+" --key-file "+k.file("key", key), "The profile here has been kept. In use: here.")
	k.types(0, "profile list", "here  "+o.url+"  yes  in use")
	k.types(0, "task list", "No such task is listed; what has happened just now is listed a moment later.")

	k.types(1, "task start http.saga", "The request breaks a rule (422)\n  input", "This is missing: add it.")
	well := k.file("well.json", e.saga("a", "b"))
	task := k.task(0, "task start http.saga --id well-1 --wait=60s --input @"+well)
	if task.ID != "well-1" || task.State != saga.Completed {
		t.Errorf("it ended as %+v", task)
	}
	k.types(0, "task start http.saga --id well-1 -o id --input @"+well, "well-1")
	k.types(0, "task watch well-1", "accepted: http.saga, queue default by ada", "b: done", "✓ completed in ", ", 2 steps done")
	k.types(0, "task get well-1", "http.saga  well-1\n✓ completed", "\ninput\n  {")
	k.types(1, "task cancel well-1", "(409)")
	again := k.task(0, "task retry well-1 --wait")
	if again.RetryOf != "well-1" || again.State != saga.Completed {
		t.Errorf("run again: %+v", again)
	}

	k.types(6, "task start http.saga --id stuck-1 --wait --input @"+k.file("bad.json", e.saga("a", "b", "c")),
		"! stuck", "✗ c     failed", "stuck, 1 attempt", "osp task resolve stuck-1 a --action retry|skip|done --reason …")
	k.types(2, "task resolve stuck-1 a --action retry", "--reason is missing")
	mended.Store(true)
	k.types(4, "task resolve stuck-1 a --action retry --reason it·is·mended --watch", "a: resolved (retry) by ada: it is mended", "undo of a: done", "✗ failed in")
	k.until("task list --state failed --type http.saga -o id", "stuck-1") // from the result store
	k.types(0, "task list --limit 1", "ID ", "STATE", "There are more: --limit says how many to list")
	k.types(0, "task list --all --since 1h -o ndjson", `"id":"well-1"`, `"id":"stuck-1"`)
	k.types(0, "task list --until 2001-01-01", "No such task is listed; what has happened just now is listed a moment later.")
	k.types(1, "task get nothing", "osp task list lists those that there are.")
	k.until("audit --subject stuck-1", "BY ", "ada  resolve  task stuck-1  done", "it is mended")
}

func TestManyTasksAreSteeredFromTheCommand(t *testing.T) {
	o := start(t, "all", here(t)...)
	k := keyboard{t, []string{"HOME=" + t.TempDir(), "OSP_URL=" + o.url}}
	k.types(0, "workflow deploy "+k.file("one.json", edition("greet", "hello"))+" --activate --reason wanted")
	k.types(0, "queue list", "default  open")
	k.types(0, "pause type greet --reason the·bank·is·away", "The type greet is paused.")
	k.types(0, "pause list", "type  greet  ", "the bank is away")
	k.types(0, "pause type great --reason a·typing·error", "The type great is paused.", "warning: name: No type and no workflow of the name great is known here", "Is greet meant?")
	k.types(0, "resume type grete", "The type grete was not paused. Is greet meant?")
	k.types(0, "resume type great", "The type great goes on.")
	for i := range 5 {
		k.types(0, fmt.Sprintf("task start greet --id many-%d --input {\"who\":\"Ada\"}", i))
	}
	k.types(0, "task get many-0", "· pending", "(type greet): the bank is away")
	k.types(7, "task watch many-0 --timeout 10ms", "(type greet): the bank is away")
	k.until("task list --search many- -o id", "many-0", "many-1", "many-2", "many-3", "many-4")
	k.types(0, "resume type greet --reason it·is·back", "The type greet goes on.")
	k.types(0, "pause list", "Nothing is paused.")
	if out := k.types(0, "task get many-0 -o json"); strings.Contains(out, "paused_by") {
		t.Errorf("the pause is over: %s", out)
	}
	k.until("task list --type greet --state waiting -o id", "many-0", "many-1", "many-2", "many-3", "many-4")

	k.types(0, "task cancel --all-matching --type greet --dry-run", "5 tasks match (type greet).")
	k.types(2, "task cancel --all-matching --type greet", "--yes does it without asking")
	k.types(0, "task cancel --all-matching --type greet --reason closed --yes", "Cancelled: 5.")
	k.until("task list --type greet --status cancelled -o id", "many-0", "many-1", "many-2", "many-3", "many-4")
	k.types(0, "task retry --all-matching --type greet --status cancelled --reason open --yes", "Run again: 5.")
	k.until("task list --type greet --state waiting -o ndjson", `"retry_of":"many-0"`, `"retry_of":"many-4"`)
	k.types(0, "queue pause default --reason a·sale", "The queue default is paused.")
	k.types(0, "queue list", "default  paused")
	k.types(0, "queue resume default", "The queue default goes on.")
	k.types(1, "pause queue nothing --reason r", "(4") // there is none
	k.until("audit", "bulk-cancel", "closed", "bulk-retry", "pause", "the bank is away", "it is back")
}

func TestWorkflowsAreSteeredFromTheCommand(t *testing.T) {
	o := start(t, "all", here(t)...)
	k := keyboard{t, []string{"HOME=" + t.TempDir(), "OSP_URL=" + o.url}}
	first, second := k.file("one.json", edition("greet", "hello")), k.file("two.json", edition("greet", "good day"))

	k.types(0, "workflow list", "There are no workflows.")
	k.types(0, "workflow deploy "+first+" --service bistro --activate --reason wanted")
	k.types(1, "workflow get greet", "It is a workflow of the service bistro: add --service bistro.")
	k.types(1, "task start greet --input {\"who\":\"Ada\"}", "It is a workflow of the service bistro: add --service bistro.")
	k.types(1, "task start great --input {\"who\":\"Ada\"}", "Is greet meant?")
	k.types(0, "workflow deploy "+first+" --check", "warning: line 1, column ", "greet is sound: warnings 1")
	k.types(0, "workflow deploy "+first, "greet version 1: deployed, draft", "osp workflow activate greet 1 --reason …")
	k.types(1, "task start greet --input {\"who\":\"Ada\"}", "the newest, 1, is a draft")
	k.types(2, "workflow activate greet 1", "--reason is missing")
	k.types(0, "workflow activate greet 1 --reason first·release", "greet version 1: active")
	k.types(0, "workflow deploy "+second+" --activate --reason politer", "greet version 2: deployed, active")
	k.types(0, "workflow deploy "+first, "greet version 1: had been deployed before, deprecated")
	k.types(0, "workflow versions greet", "greet     2        active", "greet     1        deprecated")
	k.types(0, "workflow list -o json", `[{"workflow":"greet","version":2,`)
	k.types(0, "workflow get greet", "greet  version 2  active", `"id": "greet"`)
	k.types(0, "workflow get greet --version 1 -o json", `"version":1`)
	k.types(0, "workflow diff greet 1 2", "steps[0].activity.params.message", `- "hello ${who}"`, `+ "good day ${who}"`)
	k.types(0, "workflow audit greet", "activate", "politer", "first release")
	k.types(1, "workflow deploy "+k.file("bad.yaml", "id: bad\nsteps:\n  - id: a\n    type: nothing\n"), "line 4, column ", "steps[0].type: ")

	k.types(7, "task start greet --id hello-1 --input {\"who\":\"Ada\"} --wait=10ms", "the task has not ended within 10 ms")
	k.until("task get hello-1", "waits for a signal")
	k.types(0, "task signal hello-1 go_on", "The signal go_on has been recorded.")
	k.types(0, "task wait hello-1", "✓ completed")
	k.types(0, "task start greet --id hello-2 --input {\"who\":\"Ada\"}", "To follow it: osp task watch hello-2")
	k.types(5, "task cancel hello-2 --reason no·more --wait", "↶ cancelled")
	k.types(0, "workflow deprecate greet 2 --reason enough", "greet version 2: deprecated")
	k.types(1, "task start greet --input {\"who\":\"Ada\"}", "is deprecated")
}

func TestHumanTasksAreAnsweredFromTheCommand(t *testing.T) {
	o := start(t, "all", here(t)...)
	k := keyboard{t, []string{"HOME=" + t.TempDir(), "OSP_URL=" + o.url}}
	asks := dict{"id": "ask", "steps": []dict{{
		"id": "approve", "type": "human_task", "human_task": dict{"assignee_role": "manager", "title": "Approve it", "timeout_seconds": 3600},
	}}}
	k.types(0, "workflow deploy "+k.file("ask.json", asks)+" --activate --reason wanted")
	k.types(0, "task start ask --id ask-1")
	k.until("task get ask-1", "waits for manager, due in 59 min", "Approve it", "osp task answer ask-1 approve --answer '{…}'")
	k.until("human list", "TASK   STEP     ROLES    WAITS", "ask-1  approve  manager") // from the result store
	k.types(2, "task answer ask-1 approve --answer {", "--answer is not JSON in line 1")
	k.types(0, `task answer ask-1 approve --answer {"note":"fine"}`, "The answer has been recorded: completed.")
	k.types(0, "task wait ask-1", "✓ completed")
	k.types(1, "task answer ask-1 approve --reject --reason no", "(409)")
}
