package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// TestARowThatTheDatabaseRefuses follows one bad row from its burial to its resend, by the command and over HTTP.
func TestARowThatTheDatabaseRefuses(t *testing.T) {
	supabase := testenv.Supabase(t)
	db := connect(t, supabase.AdminURL)
	db.exec(`alter table public.workflow_executions add constraint no_poison check (service_schema <> 'poison')`)
	mended := func() { db.exec(`alter table public.workflow_executions drop constraint if exists no_poison`) }
	t.Cleanup(mended)
	env := []string{"REDIS_URL=" + testenv.Redis(t), "SUPABASE_URL=" + supabase.URL, "SUPABASE_SERVICE_ROLE_KEY=" + supabase.ServiceKey, "OSP_HTTP_ALLOW_PRIVATE=true"}
	all, e := start(t, "all", env...), newEndpoint(t, nil)
	for id, service := range map[string]string{"good-1": "shop", "bad-1": "poison", "good-2": "shop", "bad-2": "poison"} {
		all.task(202, "POST", "/v1/tasks", dict{"id": id, "type": "http.saga", "input": e.saga("a"), "service": service})
	}
	dead := func() (ids string) {
		_, raw, _ := all.call("GET", "/v1/dead-letters", nil)
		var page saga.DeadLetters
		if err := json.Unmarshal(raw, &page); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		for _, l := range page.Letters {
			ids += l.ID + " "
		}
		return ids
	}
	const written = `select count(*) from public.workflow_executions where status = 'completed' and execution_id ~ '^(good|bad)-'`
	eventually(t, enough, func() bool { return db.number(written) == 2 && dead() == "bad-1 bad-2 " }, func() any { return dead() })
	for _, id := range []string{"bad-1", "good-1"} {
		if task := all.task(200, "GET", "/v1/tasks/"+id, nil); task.State != saga.Completed {
			t.Errorf("task %s is %s", id, task.State)
		}
	}

	code, out := command(t, env, "dead-letters")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); code != 0 || len(lines) != 3 || !strings.HasPrefix(lines[0], "ID") ||
		!strings.HasPrefix(lines[1], "bad-1  http.saga  ") || !strings.Contains(lines[1], "no_poison") {
		t.Errorf("the table, code %d:\n%s", code, out)
	}
	if strings.Contains(out, e.URL) || strings.Contains(all.log(), "Failing row") {
		t.Errorf("the failing row was told:\n%s", out)
	}
	code, out = command(t, env, "dead-letters", "-o", "json")
	var page saga.DeadLetters
	if err := json.Unmarshal([]byte(out), &page); code != 0 || err != nil || len(page.Letters) != 2 {
		t.Errorf("as JSON, code %d, %v: %s", code, err, out)
	}

	mended()
	if code, out = command(t, env, "dead-letters", "resend", "bad-1"); code != 0 || !strings.Contains(out, "Sent again: 1. Those that are refused once more") {
		t.Errorf("resend, code %d: %s", code, out)
	}
	status, raw, _ := all.call("POST", "/v1/dead-letters/resend", dict{"all": true})
	if status != 200 || strings.TrimSpace(string(raw)) != `{"resent":1}` {
		t.Errorf("resend: %d %s", status, raw)
	}
	eventually(t, enough, func() bool { return db.number(written) == 4 && dead() == "" }, func() any { return dead() })
	if code, out = command(t, env, "dead-letters"); code != 0 || out != "There are no dead letters.\n" {
		t.Errorf("none, code %d: %s", code, out)
	}
}

func TestDeadLettersAreAskedForWrongly(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"dead-letters -o yaml", exitUsage, "table or json"},
		{"dead-letters all", exitUsage, "one argument too many"},
		{"dead-letters resend", exitUsage, "resend --all"},
		{"dead-letters resend --all a", exitUsage, "resend ID…"},
	} {
		if code, out := command(t, nil, strings.Fields(c.args)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: code %d, %s", c.args, code, out)
		}
	}
	redisURL := "REDIS_URL=" + testenv.Redis(t)
	for _, args := range []string{"dead-letters resend nosuch", "dead-letters resend nosuch other"} {
		ids := strings.Join(strings.Fields(args)[2:], ", ")
		want := "Sent again: 0.\nosp: there is no dead letter " + ids + ": osp dead-letters lists those that there are\n"
		if code, out := command(t, []string{redisURL}, strings.Fields(args)...); code != exitFailed || out != want {
			t.Errorf("%s: code %d, %s", args, code, out)
		}
	}
	if code, out := command(t, []string{redisURL}, "dead-letters", "resend", "--all"); code != exitOK || out != "Sent again: 0.\n" {
		t.Errorf("all of none: code %d, %s", code, out)
	}
	wrong := []string{"REDIS_URL_FILE=" + filepath.Join(os.TempDir(), "nowhere")}
	if code, out := command(t, wrong, "dead-letters"); code != exitUsage || !strings.Contains(out, "REDIS_URL_FILE") {
		t.Errorf("code %d, %s", code, out)
	}
}
