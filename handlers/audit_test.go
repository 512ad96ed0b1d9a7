package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// book is an audit in memory. It fails when it is told to.
type book struct {
	mu    sync.Mutex
	notes []saga.Action
	fail  error
	asked saga.ActionQuery
	gate  func(saga.Action) error
}

func (b *book) NoteAction(ctx context.Context, a saga.Action) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gate != nil {
		if err := b.gate(a); err != nil {
			return err
		}
	}
	if b.fail == nil && ctx.Err() == nil {
		b.notes = append(b.notes, a)
	}
	return errors.Join(b.fail, ctx.Err())
}

func (b *book) Actions(_ context.Context, q saga.ActionQuery) ([]saga.Action, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = q
	list := slices.Clone(b.notes)
	slices.Reverse(list)
	return list[:min(len(list), q.Limit)], b.fail
}

// told is what the audit has, in one line for each entry.
func (b *book) told() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := make([]string, len(b.notes))
	for i, n := range b.notes {
		lines[i] = strings.TrimSpace(fmt.Sprintf("%s %s %s by %s: %s", n.Outcome, n.Name, strings.TrimSpace(n.Kind+" "+n.Subject), n.By, n.Reason))
		for _, word := range slices.Sorted(keysOf(n.Details)) {
			lines[i] += " " + word + "=" + n.Details[word]
		}
	}
	return strings.Join(lines, "\n")
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

const byOps = "Authorization: Bearer " + operatorKey

func TestEveryActionIsNotedBeforeItIsDoneAndAfter(t *testing.T) {
	for _, c := range []struct{ line, body, want string }{
		{"POST /v1/tasks/a/cancel", `{"reason":"the guests have gone"}`, "cancel task a by ops: the guests have gone"},
		{"POST /v1/tasks/a/cancel", ``, "cancel task a by ops:"},
		{"POST /v1/tasks/done/retry", `{"reason":"mended"}`, "retry task done by ops: mended"},
		{"POST /v1/tasks/a/signals/go", `{"reason":"private","step":"private"}`, "signal task a by ops: name=go"},
		{"POST /v1/tasks/a/human/ask", `{"outcome":"completed","output":{"private":1},"reason":"fine"}`, "answer task a by ops: fine outcome=completed step=ask"},
		{"POST /v1/tasks/stuck/resolve", `{"step":"x","action":"skip","reason":"paid by hand"}`, "resolve task stuck by ops: paid by hand action=skip step=x"},
		{"POST /v1/dead-letters/resend", `{"ids":["a","b"],"reason":"mended"}`, `resend dead-letters by ops: mended ids=["a","b"]`},
		{"POST /v1/deletions", `{"task":"done","reason":"asked for"}`, "delete task done by ops: asked for"},
		{"POST /v1/deletions", `{"service":"shop_1","reason":"left","dry_run":true}`, "delete service shop_1 by ops: left dry_run=true service=shop_1"},
		{"POST /v1/workflows?reason=new", `id: flow`, "deploy workflow flow by ops: new"},
		{"POST /v1/workflows/flow/state?service=", `{"version":1,"state":"active","reason":"go"}`, "change-version workflow flow by ops: go state=active version=1"},
		{"POST /v1/webhooks", `{"url":"https://private.example/","secret_name":"KEY","service":"shop_1","reason":"a till"}`, "add-webhook webhook req-1 by ops: a till service=shop_1"},
		{"PATCH /v1/webhooks/w1", `{"enabled":false,"url":"https://private.example/","reason":"noisy"}`, "change-webhook webhook w1 by ops: noisy"},
		{"DELETE /v1/webhooks/w1", ``, "remove-webhook webhook w1 by ops:"},
		{"POST /v1/webhooks/w1/test", ``, "test-webhook webhook w1 by ops:"},
	} {
		w := begun(t, guarded)
		for _, id := range []string{"done", "stuck"} {
			if _, _, err := w.fake.Start(t.Context(), saga.Request{ID: id, Type: "demo", Input: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
		w.fake.happen("done", saga.Event{Kind: saga.KindCompleted})
		w.fake.happen("stuck", saga.Event{Kind: saga.KindCompensationStarted}, saga.Event{Kind: saga.KindStuck, Path: "x"})
		if _, _, err := w.fake.Deploy(t.Context(), "", []byte("id: flow"), "ann", ""); err != nil {
			t.Fatal(err)
		}
		media := "Content-Type: application/json"
		if strings.HasPrefix(c.body, "id:") {
			media = "Content-Type: application/yaml"
		}
		a := w.call(c.line, c.body, byOps, media)
		if a.Code >= 300 {
			t.Errorf("%s: %d %s", c.line, a.Code, a.Body)
		}
		begun, done, _ := strings.Cut(w.book.told(), "\n")
		if want := "done " + c.want; done != want {
			t.Errorf("%s: noted %s\nwant %s", c.line, done, want)
		}
		if name, _, _ := strings.Cut(c.want, " "); !strings.HasPrefix(begun, "begun "+name+" ") || w.book.notes[0].ID != w.book.notes[1].ID {
			t.Errorf("%s: before it is done: %s", c.line, begun)
		}
		if strings.Contains(w.book.told(), "private") {
			t.Errorf("%s: %s", c.line, w.book.told())
		}
		if n := w.book.notes[1]; n.RequestID != "req-1" || n.At.IsZero() || n.UserID != "" {
			t.Errorf("%s: %+v", c.line, n)
		}
	}
}

func TestEveryRouteThatChangesSomethingIsInTheAudit(t *testing.T) {
	// What starts tasks is in their journals, and sessions note themselves.
	apart := []string{
		"/v1/tasks", "/v1/tasks/batch", "/v1/executions", "/v1/signals/:name", "/v1/hooks/entities", "/ui/session",
	}
	for _, r := range newWorld(t).api.routes() {
		changes := r.method != http.MethodGet && !slices.Contains(apart, r.path)
		if changes != (r.audited != "") {
			t.Errorf("%s %s: audited as %q", r.method, r.path, r.audited)
		}
	}
}

func TestWhatCannotBeNotedIsNotDone(t *testing.T) {
	w := begun(t, guarded)
	before := len(w.fake.journals["a"])
	w.book.fail = fmt.Errorf("%w: no connection", saga.ErrUnavailable)
	w.must(503, "POST /v1/tasks/a/cancel", "", byOps)
	if len(w.fake.journals["a"]) != before {
		t.Error("it is cancelled")
	}
	// Once it is done, its end may be lacking: the log says so.
	w.book.fail, w.book.gate = nil, func(a saga.Action) error {
		if a.Outcome != saga.OutcomeBegun {
			return saga.ErrUnavailable
		}
		return nil
	}
	w.must(202, "POST /v1/tasks/a/cancel", `{"reason":"why"}`, byOps)
	if w.book.told() != "begun cancel task a by ops:" || !strings.Contains(w.log.String(), "the audit lacks how an action ended") {
		t.Errorf("got %s; log %s", w.book.told(), w.log)
	}
}

func TestWhatBecameOfAnAction(t *testing.T) {
	for _, c := range []struct {
		change func(*world)
		line   string
		want   string
	}{
		{func(*world) {}, "POST /v1/tasks/nowhere/cancel", "refused cancel task nowhere by ops:"},
		{func(w *world) { w.fake.fail = saga.ErrUnavailable }, "POST /v1/tasks/a/cancel", "failed cancel task a by ops:"},
		{func(w *world) { w.fake.panic = "at the disco" }, "POST /v1/tasks/a/cancel", "failed cancel task a by ops:"},
		{func(*world) {}, "POST /v1/tasks/%00%ff/cancel", "refused cancel task ? by ops:"},
		{func(*world) {}, "POST /v1/tasks/" + strings.Repeat("x", 500) + "/cancel", "refused cancel task " + strings.Repeat("x", 200) + "… by ops:"},
	} {
		w := begun(t, guarded)
		c.change(w)
		w.call(c.line, "", byOps)
		if lines := strings.Split(w.book.told(), "\n"); len(lines) != 2 || lines[1] != c.want {
			t.Errorf("%s: %q", c.line, lines)
		}
	}
	w := newWorld(t, guarded)
	w.must(403, "POST /v1/tasks/a/cancel", "", "Authorization: Bearer "+readerKey)
	w.must(401, "POST /v1/tasks/a/cancel", "")
	w.must(200, "POST /v1/workflows?validate=only", `id: flow`, byOps, "Content-Type: application/yaml")
	if w.book.told() != "" {
		t.Errorf("nothing was done, and nobody may fill the audit by that: %s", w.book.told())
	}
	w = begun(t, guarded)
	w.must(202, "POST /v1/tasks/a/cancel?validate=only", "", byOps)
	if !strings.Contains(w.book.told(), "done cancel task a") {
		t.Error("a parameter keeps an action out of the audit")
	}
}

func TestOfUsersOnlyWhatWasDoneIsNoted(t *testing.T) {
	for _, p := range []Principal{{Name: "user:" + alice, Role: RoleStarter, Owner: alice}, {Name: "till", Role: RoleStarter, Service: "shop_1"}} {
		w, _ := street(t, p)
		w.must(404, "POST /v1/tasks/theirs/cancel", "", bearing)
		w.must(409, "POST /v1/tasks/mine/cancel", "", bearing)
		if w.book.told() != "" {
			t.Errorf("%s fills the audit: %s", p.Name, w.book.told())
		}
		w.must(202, "POST /v1/tasks/mine/retry", `{"reason":"mended"}`, bearing)
		if got := w.book.told(); got != "done retry task mine by "+p.Name+": mended" || w.book.notes[0].UserID != p.Owner {
			t.Errorf("got %s %+v", got, w.book.notes)
		}
		w.fake.fail = saga.ErrUnavailable
		w.must(503, "POST /v1/tasks/mine/signals/go", "1", bearing)
	}
}

func TestWhoComesAndGoesIsInTheAudit(t *testing.T) {
	s := newAuth(t)
	d := newDesk(t, s.users)
	cookie := d.enter(readerKey)
	d.must(204, "DELETE /ui/session", "", cookie)
	d.must(204, "DELETE /ui/session", "", cookie)
	d.must(401, "POST /ui/session", `{"password":"a wrong password"}`)
	d.must(401, "POST /ui/session", `{"email":"alice@example.com","password":"a wrong password"}`)
	d.must(200, "POST /ui/session", asAlice)
	want := strings.Join([]string{
		"done sign-in session by dash: address=192.0.2.1 way=key", "done sign-out session by dash: address=192.0.2.1",
		"refused sign-in session by : address=192.0.2.1 way=password", "refused sign-in session by : address=192.0.2.1 way=supabase",
		"done sign-in session by user:" + alice + ": address=192.0.2.1 way=supabase",
	}, "\n")
	if got := d.book.told(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	sessions := d.shelf.size()
	d.book.fail = saga.ErrUnavailable
	d.must(503, "POST /ui/session", `{"password":"`+operatorPassword+`"}`)
	if d.shelf.size() != sessions {
		t.Error("a session that is in no audit")
	}
	d.must(401, "POST /ui/session", `{"password":"wrong"}`)
}

func TestTheMonitorIsInTheAudit(t *testing.T) {
	w := newWorld(t, guarded)
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	w.api.Any("/monitor/*any", w.api.Monitor(page, page)...)
	for _, r := range []struct {
		line, key string
		status    int
	}{
		{"GET /monitor/", operatorKey, 204},
		{"POST /monitor/api/queues/default:pause", operatorKey, 204},
		{"POST /monitor/api/queues/default:pause", readerKey, 403},
		{"GET /monitor/", readerKey, 204},
	} {
		if rec := serve(w, request(t, r.line, "", "Authorization: Bearer "+r.key)); rec.Code != r.status {
			t.Errorf("%s: %d", r.line, rec.Code)
		}
	}
	const entry = "monitor queue /monitor/api/queues/default:pause by ops: method=POST"
	if got := w.book.told(); got != "begun "+entry+"\ndone "+entry {
		t.Errorf("got %s", got)
	}
	w.book.fail = saga.ErrUnavailable
	if rec := serve(w, request(t, "POST /monitor/api/queues/default:pause", "", byOps)); rec.Code != 503 {
		t.Errorf("got %d", rec.Code)
	}
}

func TestTheAuditIsRead(t *testing.T) {
	w := begun(t, guarded)
	w.must(202, "POST /v1/tasks/a/cancel", `{"reason":"why"}`, byOps)
	a := w.must(200, "GET /v1/audit?action=cancel&subject=a&by=ops&limit=1", "", byOps)
	if q := w.book.asked; q != (saga.ActionQuery{Name: "cancel", Subject: "a", By: "ops", Limit: 2}) {
		t.Errorf("asked %+v", q)
	}
	if a.json("entries.0.action") != "cancel" || a.json("entries.0.reason") != "why" || a.json("entries.0.outcome") != "done" || a.json("next") != "req-1" {
		t.Errorf("got %s", a.Body)
	}
	w.must(200, "GET /v1/audit?cursor=req-1", "", byOps)
	if w.book.asked != (saga.ActionQuery{Before: "req-1", Limit: 51}) {
		t.Errorf("asked %+v", w.book.asked)
	}
	for query, fault := range map[string]string{
		"limit=0": "limit", "limit=201": "limit", "cursor=%00": "cursor", "cursor=a%20b": "cursor", "who=ops": "who", "by=" + strings.Repeat("x", 201): "by",
		"subject=a&subject=b": "subject",
	} {
		if a := w.must(400, "GET /v1/audit?"+query, "", byOps); a.faults() != "parameter "+fault {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	w.must(403, "GET /v1/audit", "", "Authorization: Bearer "+starterKey)
	w.must(401, "GET /v1/audit", "")
	w.book.fail = fmt.Errorf("%w: no connection", saga.ErrUnavailable)
	w.must(503, "GET /v1/audit", "", byOps)
	if a := newWorld(t, func(c *Config) { c.Audit = nil }).must(200, "GET /v1/audit", ""); strings.TrimSpace(a.Body.String()) != `{"entries":[]}` {
		t.Errorf("got %s", a.Body)
	}
}

func TestALongBodyHasNoWords(t *testing.T) {
	n := &note{saga.Action{Details: map[string]string{}}}
	n.hear([]byte(`{"reason":"` + strings.Repeat("x", 2001) + `","step":"a\u0000b","version":7,"state":null}`))
	if n.Reason != "" && len(n.Reason) > maxReason || n.Details["step"] != "ab" || n.Details["version"] != "7" || len(n.Details) != 2 {
		t.Errorf("got %+v", n)
	}
	gin.SetMode(gin.ReleaseMode)
	e := &earful{ReadCloser: http.NoBody}
	if e.whole() != nil {
		t.Error("nothing was heard")
	}
	e.heard.WriteString(strings.Repeat("x", maxWords+1))
	if e.whole() != nil {
		t.Error("half a body is taken for a whole one")
	}
}
