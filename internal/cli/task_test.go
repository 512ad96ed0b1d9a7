package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartSendsWhatTheFlagsSay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "in.json")
	if err := os.WriteFile(file, []byte("{\"n\":\n 1}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ args, stdin, want string }{
		{"work", "", `{"type":"work","id":"made","input":{}}`},
		{"work --id order-7 --input {\"n\":1.50}", "", `{"type":"work","id":"order-7","input":{"n":1.50}}`},
		{"work -i @" + file, "", `{"type":"work","id":"made","input":{"n":1}}`},
		{"work -i -", "[1,2]", `{"type":"work","id":"made","input":[1,2]}`},
		{
			"work --service s --user u --priority high --limit-key k --at 2h", "",
			`{"type":"work","id":"made","input":{},"service":"s","user_id":"u","process_at":"2026-11-24T14:00:00Z","priority":"high","limit_key":"k"}`,
		},
		{"work --queue mail", "", `{"type":"work","id":"made","input":{},"queue":"mail"}`},
	}
	for _, c := range cases {
		a := newAPI().says("POST /v1/tasks", 202, task("pending", ""))
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a, stdin: c.stdin, now: func() time.Time { return noon }}
		r := s.run(t.Context(), append([]string{"task", "start"}, strings.Fields(c.args)...)...)
		r.is(t, 0, "work  t1\n· pending", "To follow it: osp task watch t1")
		if a.got[0].body != c.want || a.got[0].header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: sent %s, want %s", c.args, a.got[0].body, c.want)
		}
	}
}

func TestWhatIsWrongIsToldBeforeAnythingIsSent(t *testing.T) {
	cases := []struct{ args, says string }{
		{"task start", "TYPE is missing (see osp task start --help)"},
		{"task start a b", `"b" is one argument too many (see`},
		{"task start a --wait 5s", `"5s" is one argument too many: --wait takes its value behind a =, as in --wait=5s`},
		{"task start a 5 --wait", "as in --wait=5s"},
		{"task start a --wait=10s 5s", `"5s" is one argument too many (see`},
		{"task start a b --wait", `"b" is one argument too many (see`},
		{"task start a --watch false", `"false" is one argument too many: --watch takes its value behind a =, as in --watch=false`},
		{"task start a --watch 5s", `"5s" is one argument too many (see`},
		{"task cancel a --wait 5s", "as in --wait=5s"},
		{"task cancel a b --wait", "--wait and --watch are for one task"},
		{"task start a --input {\n1", "--input is not JSON in line 2: "},
		{"task start a --input @/nowhere/x", "--input cannot be read"},
		{"task start a --at soon", `--at is "soon": write a time, such as`},
		{"task start a --wait=long", `--wait is "long": write how long, as in --wait=30s`},
		{"task start a --priority high --queue q", "none of the others can be"},
		{"task start a --wait --watch", "none of the others can be"},
		{"task list --limit 0", "--limit is 0: write a number from 1 on, or --all"},
		{"task list --limit x", `--limit is "x": write a whole number, as in --limit 50 (see osp task list --help)`},
		{"task list --all=perhaps", `--all is "perhaps": write --all, or --all=false`},
		{"task wait a --timeout 5", `--timeout is "5": write a number with its unit, as in --timeout 5s`},
		{"task wait a --timeout soon", `--timeout is "soon": write a number with its unit, as in --timeout 30s`},
		{"task wait a --timeout", "--timeout has no value: write --timeout 30s"},
		{"task list --limit", "--limit has no value: write --limit 50"},
		{"task list --type", "--type has no value: write --type VALUE"},
		{"task list --limt 5", "there is no flag --limt. Is --limit meant? (see osp task list --help)"},
		{"task list --fastest", "there is no flag --fastest (see"},
		{"task list -z", "there is no flag -z (see osp task list --help)"},
		{"task list -kosp_secret", "there is no flag -k (see"},
		{"task list -é", "there is no flag -é (see"},
		{"task list -o yaml", `--output is "yaml": write table, json, ndjson, id`},
		{"task nothing", `there is no command "osp task nothing". There are answer, cancel, get, `},
		{"human lst", `there is no command "osp human lst". Is list meant? There is list (see`},
		{"task lst --all", `there is no command "osp task lst". Is list meant? There are answer, cancel, get, `},
		{"pause typ a --reason r", `there is no command "osp pause typ". Is type meant? There are list, queue, service, type (see osp pause --help)`},
		{"task resolve a b --reason r", "--action is missing: write retry, skip or done"},
		{"task cancel", "ID is missing"},
		{"task cancel a --type x", "flags that say which tasks need --all-matching"},
		{"task cancel a --all-matching --type x", "write ids or --all-matching, not both"},
		{"task cancel --all-matching", "--all-matching needs a flag that says which tasks"},
		{"task retry a b --watch", "--wait and --watch are for one task"},
		{"pause type a", "--reason is missing: say why"},
		{"workflow activate a 1", "--reason is missing: say why"},
		{"workflow activate a one --reason r", `VERSION is "one": write its number`},
		{"workflow deploy x --activate", "--reason is missing: say why"},
		{"workflow deploy /nowhere/x", "cannot be read"},
		{"task get a --profile none", `there is no profile "none": osp profile list`},
	}
	for _, c := range cases {
		a := newAPI()
		r := setting{env: map[string]string{"OSP_URL": "http://osp.test", "HOME": t.TempDir()}, transport: a}.run(t.Context(), strings.Split(c.args, " ")...)
		if r.code != exitUsage && !strings.Contains(c.says, "none of the others") || !strings.Contains(r.err, c.says) || len(a.got) > 0 {
			t.Errorf("osp %s: code %d after %d requests: %s", c.args, r.code, len(a.got), r.err)
		}
	}
}

// pages answers with tasks t0 to t(n-1), in pages of 200 at most.
func pages(n int) *api {
	a := newAPI()
	for from := 0; from < n; from += 200 {
		var list []string
		for i := from; i < min(n, from+200); i++ {
			list = append(list, fmt.Sprintf(`{"id":"t%d","type":"work","state":"failed","error":"no\u001b[2J","created_at":"2026-11-24T11:00:00Z"}`, i))
		}
		next := ""
		if from+200 < n {
			next = fmt.Sprintf(`,"next":"after%d"`, from+199)
		}
		a.says("GET /v1/tasks", 200, `{"tasks":[`+strings.Join(list, ",")+`]`+next+`}`)
	}
	return a
}

func TestLists(t *testing.T) {
	at := func(a *api, args ...string) ran {
		s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a, now: func() time.Time { return noon }}
		return s.run(t.Context(), append([]string{"task", "list"}, args...)...)
	}
	a := pages(450)
	if r := at(a, "--all", "-o", "ndjson"); strings.Count(r.out, "\n") != 450 || strings.Contains(r.out, "\x1b") || r.err != "" {
		t.Errorf("%d lines: %s", strings.Count(r.out, "\n"), r.err)
	}
	if got, want := a.requests(), "GET /v1/tasks?limit=200\nGET /v1/tasks?cursor=after199&limit=200\nGET /v1/tasks?cursor=after399&limit=200"; got != want {
		t.Errorf("requests\n%s\nwant\n%s", got, want)
	}
	at(pages(1), "-o", "json").is(t, 0, `[{"id":"t0",`, "")
	at(newAPI().says("GET /v1/tasks", 200, `{"tasks":[]}`), "-o", "json").is(t, 0, "[]\n", "")
	at(newAPI().says("GET /v1/tasks", 200, `{"tasks":[]}`)).is(t, 0, "", "No such task is listed; what has happened just now is listed a moment later.")
	at(pages(201), "--limit", "200", "-o", "id").is(t, 0, "t199\n", "There are more: --limit says how many to list")
	at(pages(2)).is(t, 0, "ID  TYPE  STATE   AGE  ERROR\n", "")
	at(newAPI().says("GET /v1/tasks", 200, `{"ok":true}`)).is(t, 8, "", "what answers at http://osp.test is not osp")
	if r := at(pages(2)); !strings.Contains(r.out, `t1  work  failed  1 h  no\x1b[2J`) {
		t.Errorf("the table is\n%s", r.out)
	}
	a = pages(1)
	at(a, "--state", "stuck", "--status", "running", "--type", "w", "--service", "s", "--user", "u", "--search", "x y", "--since", "1h", "--until", "2026-11-25T00:00:00Z", "--limit", "7")
	q, _ := url.ParseQuery(a.got[0].query)
	if got, want := fmt.Sprint(q), "map[from:[2026-11-24T11:00:00Z] limit:[7] search:[x y] service:[s] state:[stuck] status:[running] type:[w] until:[2026-11-25T00:00:00Z] user_id:[u]]"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

func TestManyTasksAtOnce(t *testing.T) {
	const plan, first, second = `{"matched":3,"done":0,"refused":[],"next":null}`,
		`{"matched":2,"done":2,"refused":[],"next":"c1"}`, `{"matched":1,"done":0,"refused":[{"id":"t9","detail":"it has\u001b ended"}],"next":null}`
	a := newAPI()
	for _, answer := range []string{plan, first, second} {
		a.says("POST /v1/tasks/bulk/cancel", 200, answer)
	}
	r := without(t, a, "task", "cancel", "--all-matching", "--type", "work", "--since", "2026-11-24T00:00:00Z", "--reason", "closed", "--yes")
	r.is(t, 1, "Cancelled: 2.\n", `t9: it has\x1b ended`)
	want := []string{
		`{"filter":{"created_after":"2026-11-24T00:00:00Z","type":"work"},"reason":"closed","dry_run":true}`,
		`{"filter":{"created_after":"2026-11-24T00:00:00Z","type":"work"},"reason":"closed"}`,
		`{"filter":{"created_after":"2026-11-24T00:00:00Z","type":"work"},"reason":"closed","cursor":"c1"}`,
	}
	for i, w := range want {
		if len(a.got) != len(want) || a.got[i].body != w || a.got[i].header.Get("Idempotency-Key") != "made" {
			t.Fatalf("request %d of %d is %s, want %s", i, len(a.got), a.got[i].body, w)
		}
	}

	a = newAPI().says("POST /v1/tasks/bulk/retry", 200, plan)
	without(t, a, "task", "retry", "--all-matching", "--state", "failed").is(t, 2, "", "nothing was done: there is nobody to ask; --yes does it")
	without(t, a, "task", "retry", "--all-matching", "--state", "failed", "--dry-run").is(t, 0, "3 tasks match (state failed).", "")
	if n := strings.Count(a.requests(), "bulk"); n != 2 || strings.Contains(a.got[1].body, `"dry_run":false`) {
		t.Errorf("%d requests, the last %s", n, a.got[1].body)
	}
	none := newAPI().says("POST /v1/tasks/bulk/retry", 200, `{"matched":0,"done":0,"refused":[],"next":null}`)
	without(t, none, "task", "retry", "--all-matching", "--state", "failed", "--yes").is(t, 0, "", "No tasks match (state failed).")

	a = newAPI().says("POST /v1/tasks/t1/cancel", 202, task("compensating", "")).says("POST /v1/tasks/t2/cancel", 409, `{"title":"It has ended","status":409}`)
	without(t, a, "task", "cancel", "t1", "t2", "--reason", "no").is(t, 1, "t1  compensating\n", "Cancelled: 1 of 2; then:\nosp: It has ended (409)")

	a = newAPI().says("POST /v1/tasks/a/cancel", 202, task("compensating", "")).says("POST /v1/tasks/true/cancel", 202, task("compensating", ""))
	without(t, a, "task", "cancel", "a", "true", "--yes").is(t, 0, "t1  compensating\nt1  compensating\n", "") // an id, no value of --yes
}

// nothing is an answer without a body.
func nothing(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestPausesAndQueues(t *testing.T) {
	a := newAPI().says("PUT /v1/pauses/type/orders.place", 200, `{"kind":"type"}`)
	a.says("PUT /v1/pauses/type/orders.plaice", 200, `{"kind":"type","warnings":[{"parameter":"name","detail":"Is orders.place meant?"}]}`)
	a.on("DELETE /v1/pauses/type/orders.place", nothing)
	a.says("GET /v1/pauses", 200, `{"items":[{"kind":"type","name":"orders.place"},{"kind":"queue","name":"mail","by":"ada","reason":"it\u009b2J rains","since":"2026-11-24T11:59:00Z"}]}`)
	a.says("GET /v1/queues", 200, `{"items":[{"name":"mail","weight":3,"pending":7,"active":1,"scheduled":0,"retry":2,"paused":true,"oldest_waiting_seconds":75.5},{"name":"low","paused":true,"undo_paused":true},{"name":"bulk","unserved":true}]}`)
	s := setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a, now: func() time.Time { return noon }}
	run := func(line string) ran { return s.run(t.Context(), strings.Split(line, " ")...) }
	run("pause type orders.place --reason closed").is(t, 0, "The type orders.place is paused. To let it go on: osp resume type orders.place", "")
	a.on("DELETE /v1/pauses/type/mail", nothing)
	run("resume type mail").is(t, 0, "The type mail was not paused.", "")
	run("resume type orders.place").is(t, 0, "The type orders.place goes on.", "")
	a.on("DELETE /v1/pauses/type/orders.plaice", nothing)
	run("resume type orders.plaice").is(t, 0, "The type orders.plaice was not paused. Is orders.place meant?", "")
	run("resume type orders.place -o json").is(t, 0, "", "")
	run("pause type orders.plaice --reason closed").is(t, 0, "The type orders.plaice is paused.", "warning: name: Is orders.place meant?")
	run("pause list").is(t, 0, "queue  mail          1 min     ada  it\\u009b2J rains", "")
	run("queue list").is(t, 0, "mail   paused               3       7        1       0          2      1 min 15 s\nlow    stopped, with undos  0 ", "")
	run("queue list").is(t, 0, "bulk   open, no worker      0 ", "")
	s.env["CLICOLOR_FORCE"] = "1"
	run("queue list").is(t, 0, "\x1b[33mopen, no worker\x1b[0m", "")
	run("queue list -o json").is(t, 0, `[{"name":"mail",`, "")
	if a.got[0].body != `{"reason":"closed"}` {
		t.Errorf("sent %s", a.got[0].body)
	}
	run("queue pause other --reason r").is(t, 1, "", "This API is older than the command")
}

func TestARequestInAFileIsStarted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "request.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"id":"mine","type":"http.saga","queue":"low","input":{"steps":[]},"webhook":{"url":"https://a.test"}}`)
	a := newAPI().says("POST /v1/tasks", 202, done)
	s := setting{transport: a}
	s.run(t.Context(), "task", "start", "@"+file, "--queue", "high").is(t, 0, "", "")
	want := `{"type":"http.saga","id":"mine","input":{"steps":[]},"queue":"high","webhook":{"url":"https://a.test"}}`
	if a.got[0].body != want {
		t.Errorf("sent %s\nwant %s", a.got[0].body, want)
	}
	s.run(t.Context(), "task", "start", "@"+file, "--input", "{}").is(t, 2, "", "leave --input away")
	s.run(t.Context(), "task", "start", "@/nowhere").is(t, 2, "", "cannot be read")
	write(`{"type":"http.saga","inputs":{}}`)
	s.run(t.Context(), "task", "start", "@"+file).is(t, 2, "", `unknown field "inputs"`)
}

func TestAnAnswerIsGivenAndARejectionHasAReason(t *testing.T) {
	a := newAPI()
	s := setting{transport: a}
	s.run(t.Context(), "task", "answer", "t1", "approve").is(t, 2, "", "--answer is missing: write what to answer, {} where that is nothing, or --reject and --reason")
	s.run(t.Context(), "task", "answer", "t1", "approve", "--reject").is(t, 2, "", "--reason is missing")
	s.run(t.Context(), "human", "list", "--help").is(t, 0, "osp task answer ID STEP --answer '{…}', or --reject --reason TEXT", "")
	if len(a.got) > 0 {
		t.Errorf("something was sent: %s", a.requests())
	}
	a.says("POST /v1/tasks/t1/human/approve", 202, `{"outcome":"completed"}`)
	s.run(t.Context(), "task", "answer", "t1", "approve", "--answer", "{}").is(t, 0, "The answer has been recorded: completed.", "")
	if want := `{"outcome":"completed","output":{}}`; a.got[0].body != want {
		t.Errorf("sent %s, want %s", a.got[0].body, want)
	}
}

// A task shows that it is cancelled only when a worker has seen it.
func TestWhoCancelsReadsWhatComesNext(t *testing.T) {
	soon := "It is to be cancelled: what it began is undone next."
	for _, c := range []struct {
		state, args string
		says        bool
	}{{"running", "", true}, {"stuck", "", false}, {"running", "-o json", false}, {"cancelled", "", false}} {
		a := newAPI().says("POST /v1/tasks/t1/cancel", 202, task(c.state, ""))
		r := without(t, a, append([]string{"task", "cancel", "t1"}, strings.Fields(c.args)...)...)
		if c.state == "stuck" {
			r.is(t, 0, "", "It is stuck, and stays so until somebody decides about its undo: osp task resolve.")
		}
		if got := strings.Contains(r.err, soon); r.code != 0 || got != c.says {
			t.Errorf("%s %s: code %d, %q", c.state, c.args, r.code, r.err)
		}
	}
}
