package uitest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/handlers/ui"
)

// down is the answer of a server that cannot.
type down struct{}

// told is an API that answers what a test says, by path, and keeps what it is sent.
type told struct {
	session dict
	answers map[string]any

	mu    sync.Mutex
	sent  []string
	asked map[string]bool
}

func (a *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, ui.Root) && r.URL.Path != "/ui/session" {
		ui.New().ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[r.URL.Path] = true
	answer, known := a.answers[r.URL.Path]
	switch {
	case r.URL.Path == "/ui/session":
		answer, known = a.session, true
	case r.Method != http.MethodGet:
		a.sent = append(a.sent, r.Method+" "+r.URL.Path+" "+string(body))
		answer, known = dict{"resent": 1, "matched": 0}, true
	}
	w.Header().Set("Content-Type", "application/json")
	if answer == (down{}) {
		w.WriteHeader(http.StatusServiceUnavailable)
	} else if !known {
		w.WriteHeader(http.StatusForbidden)
		answer = dict{"title": "Not for you", "status": http.StatusForbidden}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// wasSent waits until a request has come.
func (a *told) wasSent(t *testing.T, request string) {
	t.Helper()
	sent := func() []string {
		a.mu.Lock()
		defer a.mu.Unlock()
		return slices.Clone(a.sent)
	}
	until(t, func() bool { return slices.Contains(sent(), request) }, func() any { return sent() })
}

// tells starts such an API with a page that looks at it.
func tells(t *testing.T, session dict, answers map[string]any) (*told, *page, string) {
	t.Helper()
	a := &told{session: session, answers: answers, asked: map[string]bool{}}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return a, browse(t), srv.URL
}

// hostile are answers with script wherever there is a text.
func hostile() map[string]any {
	now := time.Now().UTC().Truncate(time.Minute)
	at := now.Format(time.RFC3339)
	task := dict{
		"id": script, "type": script, "service": script, "state": "stuck", "status": "running", "steps": []any{}, "error": script, "created_at": at,
		"input": dict{"event": script, "task": script},
	}
	version := func(n int, state string) dict {
		return dict{"workflow": script, "service": script, "version": n, "state": state, "by": script, "created_at": at}
	}
	var hour []dict
	for i := range 60 {
		hour = append(hour, dict{"at": now.Add(time.Duration(i-59)*time.Minute - 24*time.Hour).Format(time.RFC3339), "started": i, "completed": i % 7, "failed": i % 3, "cancelled": i % 2})
	}
	definition := dict{"id": script, "name": script, "description": script, "trigger": dict{"type": script, "cron": script}, "steps": []dict{
		{"id": script, "name": script, "type": "activity", "activity": dict{"type": script}, "compensate": dict{"type": script}},
		{"id": "constructor", "type": "constructor"},
		{"id": "if", "type": "condition", "condition": dict{"expression": script, "true_steps": []string{"if", "child", "gone"}}},
		{"id": "child", "type": "child_workflow", "child_workflow": dict{"workflow_id": script}},
	}}
	workflow := "/v1/workflows/" + script
	return map[string]any{
		"/v1/overview": dict{
			"states": dict{"stuck": 1}, "stuck": 1, "dead_letters": 1, "unwritten": 2, "backlog": 3, "oldest_waiting_seconds": 400.5, "throughput": hour,
			"workers": []dict{{"id": script, "host": script, "queues": []string{script}, "concurrency": 4, "active": 3, "started_at": at}},
		},
		"/v1/queues": dict{"items": []dict{{"name": script, "weight": 1, "pending": 3, "active": 3, "scheduled": 0, "retry": 0, "paused": true, "oldest_waiting_seconds": 400.5}}},
		"/v1/pauses": dict{"items": []dict{{"kind": "queue", "name": script, "by": script, "reason": script, "since": at}}},
		"/v1/tasks":  dict{"tasks": []dict{task}}, "/v1/tasks/counts": dict{"state": dict{"stuck": 1}},
		"/v1/dead-letters": dict{"dead_letters": []dict{{"id": script, "type": script, "version": 1, "at": at, "error": script}}},
		"/v1/types":        dict{"types": []dict{{"name": script, "description": script, "access": "open", "input_schema": dict{script: script}}}},
		"/v1/workflows":    dict{"versions": []dict{version(2, "active")}},
		workflow:           dict{"versions": []dict{version(2, "active"), version(1, "deprecated")}}, workflow + "/versions/2": merged(version(2, "active"), dict{"definition": definition}),
		workflow + "/diff":  dict{"differences": []dict{{"pointer": script, "old": script, "new": dict{script: script}}}},
		workflow + "/audit": dict{"notes": []dict{{"id": 1, "at": at, "version": 1, "action": script, "by": script, "reason": script}}},
		"/v1/webhooks": dict{"webhooks": []dict{{
			"id": "w1", "url": script, "service": script, "secret_name": script, "events": []string{script}, "types": []string{script}, "enabled": false,
			"by": script, "reason": script, "changed_at": at,
		}}},
		"/v1/webhooks/w1/deliveries": dict{"tasks": []dict{merged(task, dict{"id": "d1", "state": "failed"})}},
	}
}

// Script in names of workers, queues and workflows, in reasons and in definitions is shown as what it is.
func TestScriptIsShownAsTextOnThePagesOfOperators(t *testing.T) {
	_, p, base := tells(t, dict{"signed_in": true, "name": script, "role": "operator"}, hostile())
	for path, least := range map[string]int{"/ui/": 15, "/ui/workflows": 4, "/ui/workflows/" + url.PathEscape(script): 15, "/ui/webhooks": 4} {
		p.open(base + path)
		p.wait(`document.body.innerText.split(` + quote(script) + `).length > ` + strconv.Itoa(least))
		read[any](p, `document.querySelectorAll('details').forEach(d => { d.open = true })`)
		p.wait(`!document.querySelector('.skeleton')`)
		p.looks("script" + strings.ReplaceAll(path[:min(len(path), 14)], "/", "-"))
		if read[bool](p, `'pwned' in window || Boolean(document.querySelector('img, main script'))`) {
			t.Fatalf("script was run, or made markup of, at %s", path)
		}
	}
}

// Who may see some tasks only has an overview of these, and nothing is asked for in their name that they may not see.
func TestUsersHaveAnOverviewOfTheirOwn(t *testing.T) {
	mine := dict{"id": "mine", "type": "order.place", "state": "completed", "steps": []any{}, "created_at": time.Now().UTC().Format(time.RFC3339)}
	a, p, base := tells(t, dict{"signed_in": true, "name": "ada", "role": "starter", "user_id": "u1"}, map[string]any{
		"/v1/tasks/counts": dict{"state": dict{"completed": 41}}, "/v1/tasks": dict{"tasks": []dict{mine}},
		"/v1/tasks/mine": mine, "/v1/tasks/told": merged(mine, dict{"id": "told", "type": "webhook.deliver"}),
	})
	p.open(base + "/ui/")
	p.says("You see the tasks that are yours to see.")
	p.says("41")
	p.wait(section("latest") + `.includes('order.place mine')`)
	p.looks("overview-own")
	if nav := read[string](p, `document.querySelector('nav').innerText.replace(/\s+/g, ' ')`); nav != "Overview Tasks Workflows Human tasks" {
		t.Errorf("they are led to %s", nav)
	}
	p.requestsMayFail() // there is no stream
	p.open(base + "/ui/tasks/mine")
	p.says("Run again …")
	p.open(base + "/ui/tasks/told")
	p.wait(`document.querySelector('h1').innerText === 'webhook.deliver'`)
	if strings.Contains(p.text(), "Run again") {
		t.Error("a user is offered to run again what is not theirs to start")
	}
	p.open(base + "/ui/tasks")
	p.press("All of them …")
	p.says("every task that is yours to see")
	p.fill("reason", "it rains")
	p.press("Count them")
	a.wasSent(t, `POST /v1/tasks/bulk/cancel {"filter":{"user_id":"u1"},"reason":"it rains","dry_run":true}`)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked["/v1/overview"] || a.asked["/v1/queues"] {
		t.Errorf("asked for %v", a.asked)
	}
}

// Readers see which versions there are, without what is for operators.
func TestReadersSeeNoContentsOfVersions(t *testing.T) {
	a, p, base := tells(t, dict{"signed_in": true, "name": "ada", "role": "reader"}, map[string]any{
		"/v1/workflows/parcel": dict{"versions": []dict{{"workflow": "parcel", "version": 1, "state": "active", "by": "bob", "created_at": "2026-11-01T10:00:00Z"}}},
	})
	p.open(base + "/ui/workflows/parcel")
	p.says("is for operators to see")
	p.says("Version 1")
	p.looks("workflow-reader")
	if nav := read[string](p, `document.querySelector('nav').innerText.replace(/\s+/g, ' ')`); nav != "Overview Tasks Workflows Monitor" {
		t.Errorf("a reader is led to %s", nav)
	}
	if strings.Contains(p.text(), "Deprecate") {
		t.Error("a reader is offered to change a version")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked["/v1/workflows/parcel/versions/1"] || a.asked["/v1/workflows/parcel/audit"] {
		t.Errorf("asked for %v", a.asked)
	}
}

// An operator enables a webhook again, and has deliveries and dead letters sent once more.
func TestAnOperatorSendsOnceMore(t *testing.T) {
	answers := hostile()
	a, p, base := tells(t, dict{"signed_in": true, "name": "ada", "role": "operator"}, answers)
	p.open(base + "/ui/webhooks")
	p.press("Enable …")
	p.fill("reason", "it is back")
	p.press("Enable")
	p.says("The webhook is enabled.")
	a.wasSent(t, `PATCH /v1/webhooks/w1 {"enabled":true,"reason":"it is back"}`)
	p.press("Deliveries")
	p.press("Send again …")
	p.press("Send again")
	p.says("It is sent once more.")
	a.wasSent(t, "POST /v1/tasks/d1/retry ")
	p.press("Test …")
	p.press("Send")
	p.says("The test is on its way")
	a.wasSent(t, "POST /v1/webhooks/w1/test ")

	p.open(base + "/ui/")
	p.press("Send all again …")
	p.wait(`/^\d\d:\d\d$/.test(document.querySelector('.hours span').innerText)`) // a time, though it is of the day before
	p.wait(`[...document.querySelectorAll('.chart title')].every(e => /^\d\d:\d\d: /.test(e.textContent))`)
	p.fill("reason", "the column is wider")
	p.press("Send again")
	a.wasSent(t, `POST /v1/dead-letters/resend {"all":true,"reason":"the column is wider"}`)
	p.wait(`!document.querySelector('dialog')`)

	// What is not answered any more is told, and what was there stays.
	p.requestsMayFail()
	a.mu.Lock()
	answers["/v1/queues"] = down{}
	a.mu.Unlock()
	p.says("Not up to date since")
	p.says("1 task is stuck")
}
