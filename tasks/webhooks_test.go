package tasks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// verify checks a message as a receiver does, with the library of the standard. Its time is the world's, which may be ahead.
func verify(t *testing.T, m message, secret string) error {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return w.VerifyIgnoringTimestamp(m.body, m.header)
}

func TestTheEndOfATaskIsTold(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	task := s.ends(saga.Request{
		ID: "order-1", Type: "good", Input: json.RawMessage(`{"n": 1.50, "who": "Zoë <z>"}`), Service: "shop_1", Owner: owner,
		Webhook: &saga.TaskWebhook{URL: r.URL + "/told?a=b", Secret: "KEY"},
	})
	told := s.delivers(task.ID)
	if told.State != saga.Completed || string(told.Output) != `{"status":204}` || told.UserID != owner || told.Service != "shop_1" || told.Type != "webhook.deliver" {
		t.Errorf("the delivery is %+v", told)
	}
	m := r.one(t)
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	same(t, "body", m.body, fmt.Sprintf(`{"type":"task.completed","timestamp":%q,"data":{"id":"order-1","type":"good","service":"shop_1",
		"user_id":%q,"status":"completed","state":"completed","output":{"n":1.50,"who":"Zoë <z>"},
		"created_at":%q,"started_at":%q,"completed_at":%q}}`,
		at(*task.CompletedAt), owner, at(task.CreatedAt), at(*task.StartedAt), at(*task.CompletedAt)))
	if err := verify(t, m, oneSecret); err != nil {
		t.Errorf("the library of the standard says: %v; %v", err, m.header)
	}
	if m.header.Get("Content-Type") != "application/json" || m.late() > time.Minute {
		t.Errorf("headers %v", m.header)
	}
	if again := s.tell(told.ID); len(again) != 0 {
		t.Errorf("a delivery is told of: %v", again)
	}
	if text := s.keeps([]string{oneSecret, oneSecret[10:]}, task.ID, told.ID); text != "" {
		t.Errorf("the secret is kept: %s", text)
	}
}

func TestWhatIsToldAndToWhom(t *testing.T) {
	for _, c := range []struct {
		typeName string
		limit    func(*saga.Webhook)
		want     string
	}{
		{"good", func(*saga.Webhook) {}, "task.completed"},
		{"bad", func(*saga.Webhook) {}, "task.failed"},
		{"jammed", func(*saga.Webhook) {}, "task.stuck"},
		{"good", func(w *saga.Webhook) { w.Events = []saga.WebhookEvent{saga.TaskFailed} }, ""},
		{"bad", func(w *saga.Webhook) { w.Events = []saga.WebhookEvent{saga.TaskFailed} }, "task.failed"},
		{"good", func(w *saga.Webhook) { w.Service = "shop_1" }, "task.completed"},
		{"good", func(w *saga.Webhook) { w.Service = "shop_2" }, ""},
		{"good", func(w *saga.Webhook) { w.Types = []string{"bad"} }, ""},
		{"good", func(w *saga.Webhook) { w.Types = []string{"bad", "good"} }, "task.completed"},
		{"good", func(w *saga.Webhook) { w.Enabled = false }, ""},
		{"good", func(w *saga.Webhook) { w.Since = time.Now().Add(time.Hour) }, ""},
	} {
		s := newSwitchboard(t)
		r := newReceiver(s)
		s.add("w1", r.URL, c.limit)
		task := s.ends(saga.Request{Type: c.typeName, Input: json.RawMessage(`7`), Service: "shop_1", Owner: owner})
		begun := s.tell(task.ID)
		for _, id := range begun {
			s.settle(id)
			if d := s.get(id); d.UserID != saga.NilOwner || d.State != saga.Completed {
				t.Errorf("%+v: the delivery is %+v", c, d)
			}
		}
		got := ""
		for _, m := range r.all() {
			var body struct{ Type string }
			if err := json.Unmarshal(m.body, &body); err != nil {
				t.Fatal(err)
			}
			got += body.Type
		}
		if got != c.want || len(begun) != len(r.all()) {
			t.Errorf("of a %s task with %+v it was told %q, want %q", c.typeName, s.source.list[0], got, c.want)
		}
	}
}

func TestWhatATaskIsStuckOnIsTold(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL)
	task := s.ends(saga.Request{ID: "t1", Type: "jammed", Input: json.RawMessage(`7`)})
	stuck := s.tell(task.ID)
	if _, err := s.dispatcher.Resolve(t.Context(), "t1", saga.Resolution{Step: "first", Action: saga.ResolveSkip, Reason: "r", By: "ann"}); err != nil {
		t.Fatal(err)
	}
	s.settle("t1")
	s.settle(stuck[0]) // only now: it tells how it was then
	begun := s.tell("t1")
	for _, id := range begun {
		s.settle(id)
	}
	all := r.all()
	if len(all) != 2 || len(begun) != 1 {
		t.Fatalf("told %d times, begun %v", len(all), begun)
	}
	var first, second struct {
		Type string
		Data map[string]any
	}
	_, _ = json.Unmarshal(all[0].body, &first), json.Unmarshal(all[1].body, &second)
	if first.Type != "task.stuck" || first.Data["state"] != "stuck" || first.Data["status"] != "running" ||
		fmt.Sprint(first.Data["stuck_on"]) != "[map[error:the drawer does not open step:first]]" || first.Data["completed_at"] != nil {
		t.Errorf("first it was told %s", all[0].body)
	}
	if second.Type != "task.failed" || second.Data["state"] != "failed" || fmt.Sprint(second.Data["not_undone"]) != "[first]" || second.Data["stuck_on"] != nil {
		t.Errorf("then it was told %s", all[1].body)
	}
}

// A journal that is made again may have something else in the event's place.
func TestATaskWhoseEventIsLostIsToldOfAsItIs(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL)
	task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
	news := s.news(task.ID)
	news.Events[0].Seq = 2
	s.queue.take()
	if left := s.hooks.Tell(t.Context(), []saga.News{news}); len(left) > 0 {
		t.Fatalf("left %v", left)
	}
	for _, id := range s.queue.take() {
		s.settle(id)
	}
	if body := string(r.one(t).body); !strings.Contains(body, `"state":"completed"`) {
		t.Errorf("told %s", body)
	}
}

func TestWhatWasToldIsNotToldAgain(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL)
	task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
	first := s.delivers(task.ID)
	if again := s.tell(task.ID); len(again) != 0 {
		t.Errorf("delivered once more by %v", again)
	}
	if told := s.tell(first.ID); len(told) != 0 { // that would go on for ever
		t.Errorf("the end of a delivery is told by %v", told)
	}
	// Much later the journal has forgotten the delivery, and the row knows of it.
	s.rows[first.ID] = first
	s.skipped.Add(int64(30 * 24 * time.Hour))
	if _, err := s.journal.Clean(t.Context(), []saga.Flushed{{ID: first.ID, Version: first.Version, Stored: first.Version}}); err != nil {
		t.Fatal(err)
	}
	s.skipped.Add(int64(30 * 24 * time.Hour))
	if again := s.tell(task.ID); len(again) != 0 || len(r.all()) != 1 {
		t.Errorf("delivered once more by %v", again)
	}
}

// The row of a delivery may be deleted while the journal still refuses its id: it was told all the same.
func TestADeliveryWhoseRowIsDeletedWasTold(t *testing.T) {
	s := newSwitchboard(t)
	s.add("w1", newReceiver(s).URL)
	task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
	d := s.delivers(task.ID)
	news := s.news(task.ID)
	if _, err := s.journal.Clean(t.Context(), []saga.Flushed{{ID: d.ID, Version: d.Version, Stored: d.Version}}); err != nil {
		t.Fatal(err)
	}
	if left, err := s.journal.Forget(t.Context(), []string{d.ID}); err != nil || len(left) > 0 {
		t.Fatal(err)
	}
	if left := s.hooks.Tell(t.Context(), []saga.News{news}); len(left) > 0 {
		t.Errorf("left %v: %s", left, s.log)
	}
}

func TestAllThatIsNotStartedIsOneLineInTheLog(t *testing.T) {
	s := newSwitchboard(t)
	s.add("w1", newReceiver(s).URL)
	s.add("w2", newReceiver(s).URL)
	var news []saga.News
	for range 5 {
		news = append(news, s.news(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID))
	}
	delete(s.dispatcher.Queues, "default")
	if left := s.hooks.Tell(t.Context(), news); len(left) != 5 {
		t.Errorf("left %v", left)
	}
	if n := strings.Count(s.log.String(), "\n"); n != 1 || !strings.Contains(s.log.String(), "deliveries=10") {
		t.Errorf("%d lines: %s", n, s.log)
	}
}

func TestWhileNobodyKnowsTheWebhooksItIsToBeToldAgain(t *testing.T) {
	s := newSwitchboard(t)
	s.source.err = errors.New("away")
	task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
	if left := s.hooks.Tell(t.Context(), []saga.News{s.news(task.ID)}); fmt.Sprint(left) != "["+task.ID+"]" {
		t.Fatalf("left %v", left)
	}
	r := newReceiver(s)
	s.source.err = nil
	s.add("w1", r.URL)
	s.delivers(task.ID)
	r.one(t)
}

// Webhooks are asked for once for all that is told together, and not when deliveries end.
func TestWebhooksAreAskedForOncePerBatch(t *testing.T) {
	s := newSwitchboard(t)
	var ids []string
	for range 20 {
		ids = append(ids, s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	}
	s.add("w1", newReceiver(s).URL)
	begun := s.tell(ids...)
	if len(begun) != 20 || s.source.asked != 1 {
		t.Errorf("for %d deliveries the source was asked %d times", len(begun), s.source.asked)
	}
	for _, id := range begun {
		s.settle(id)
	}
	before := s.source.asked
	if more := s.tell(begun...); len(more) > 0 || s.source.asked != before {
		t.Errorf("for the ends of deliveries the source was asked, and begun %v", more)
	}
}

// A webhook that another process has registered is told of what happens next.
func TestAWebhookIsToldOfAllThatComesAfterIt(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	still := s.now() // however slow this machine is
	s.hooks.Now = func() time.Time { return still }
	s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID) // it hears of the webhooks
	elsewhere := &tasks.Webhooks{Source: s.source, HTTP: s.hooks.HTTP, Tasks: s.dispatcher, Log: s.hooks.Log, Now: s.now}
	_, err := elsewhere.AddWebhook(t.Context(), saga.Webhook{ID: "w1", URL: r.URL, SecretName: "KEY", Events: saga.WebhookEvents, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	r.one(t)
}

func TestALargeOutputIsLeftOut(t *testing.T) {
	for size, want := range map[int]bool{256 << 10: false, 256<<10 + 1: true} {
		s := newSwitchboard(t)
		r := newReceiver(s)
		input := `"` + strings.Repeat("x", size-2) + `"`
		task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(input), Webhook: &saga.TaskWebhook{URL: r.URL}})
		s.delivers(task.ID)
		m := r.one(t)
		var body struct {
			Data struct {
				Output        json.RawMessage
				OutputOmitted bool `json:"output_omitted"`
			}
		}
		if err := json.Unmarshal(m.body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Data.OutputOmitted != want || (body.Data.Output == nil) != want {
			t.Errorf("an output of %d bytes: omitted %t, of the body's %d bytes", size, body.Data.OutputOmitted, len(m.body))
		}
		if m.header.Get("Webhook-Signature") != "" || m.header.Get("Webhook-Id") == "" {
			t.Errorf("without a secret: %v", m.header)
		}
	}
}

// A delivery has nothing of the task in it, so that nothing stays behind when the task is deleted.
func TestADeletedTaskIsNotToldOf(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL)
	task := s.ends(saga.Request{ID: "t1", Type: "good", Input: json.RawMessage(`"private"`)})
	begun := s.tell(task.ID)
	if text := s.keeps([]string{"private"}, begun...); text != "" {
		t.Error("the delivery keeps the task's data")
	}
	if _, err := s.journal.Clean(t.Context(), []saga.Flushed{{ID: "t1", Version: task.Version, Stored: task.Version}}); err != nil {
		t.Fatal(err)
	}
	s.skipped.Add(int64(30 * 24 * time.Hour)) // its journal is gone, and there is no row
	s.settle(begun[0])
	if d := s.get(begun[0]); d.State != saga.Failed || !strings.Contains(d.Error, "it has been deleted") || len(r.all()) != 0 {
		t.Errorf("the delivery is %s: %s", d.State, d.Error)
	}
}

func TestClientsDoNotStartDeliveries(t *testing.T) {
	s := newSwitchboard(t)
	_, _, err := s.dispatcher.Start(t.Context(), saga.Request{Type: "webhook.deliver", Input: json.RawMessage(`{"task":"t1","to":{"url":"https://x.example"}}`)})
	if !errors.Is(err, saga.ErrUnknownType) {
		t.Errorf("start: %v", err)
	}
	for _, listed := range s.dispatcher.Types() {
		if listed.Name == "webhook.deliver" {
			t.Error("it is listed")
		}
	}
}

func TestTheWebhookIsPartOfTheRequest(t *testing.T) {
	s := newSwitchboard(t)
	request := func(w *saga.TaskWebhook) saga.Request {
		return saga.Request{ID: "t1", Type: "good", Input: json.RawMessage(`7`), Webhook: w}
	}
	s.ends(request(&saga.TaskWebhook{URL: "https://a.example/", Secret: "KEY"}))
	for name, c := range map[string]struct {
		w        *saga.TaskWebhook
		conflict bool
	}{
		"the same":         {&saga.TaskWebhook{URL: "https://a.example/", Secret: "KEY"}, false},
		"another URL":      {&saga.TaskWebhook{URL: "https://b.example/", Secret: "KEY"}, true},
		"another secret":   {&saga.TaskWebhook{URL: "https://a.example/", Secret: "KEY2"}, true},
		"without a secret": {&saga.TaskWebhook{URL: "https://a.example/"}, true},
		"without":          {nil, true},
	} {
		if _, _, err := s.dispatcher.Start(t.Context(), request(c.w)); errors.Is(err, saga.ErrConflict) != c.conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := s.dispatcher.Retry(t.Context(), "t1", "ann")
	if err != nil {
		t.Fatal(err)
	}
	if c := s.record(again.ID).Created.Webhook; c == nil || c.URL != "https://a.example/" || c.Secret != "KEY" {
		t.Errorf("the retry tells %+v", c)
	}
}

func TestURLsThatNoWebhookMayHave(t *testing.T) {
	s := newSwitchboard(t)
	for _, c := range []struct {
		url    string
		public bool
		want   string
	}{
		{"https://a.example/x?y=1", true, ""},
		{"http://127.0.0.1:8080/", false, ""}, // OSP_HTTP_ALLOW_PRIVATE is on here
		{"http://a.example/", true, "A webhook's URL begins with https://"},
		{"https://127.0.0.1/", true, "The address 127.0.0.1 is refused"},
		{"https://[::1]/", true, "The address ::1 is refused"},
		{"https://169.254.169.254/latest", true, "is refused"},
		{"https://2130706433/", false, "is a number"},
		{"ftp://a.example/", false, "A URL begins with http:// or https://"},
		{"a.example", false, "A URL begins with http:// or https://"},
		{"", false, "A URL begins with"},
		{"https://", false, "is not a host"},
		{"https://u:p@a.example/", false, "may not hold a user"},
		{"https://a.example:99999/", false, "is not a port"},
		{"https://a.example/#part", false, "A fragment"},
		{"https://a.example/${secrets.KEY}", false, "taken as it is"},
		{"https://a.example/\x00", false, "not a valid URL"},
		{"https://a.example/" + strings.Repeat("x", 2048), false, "at most 2048 are allowed"},
	} {
		_, _, err := s.dispatcher.Start(t.Context(), saga.Request{Type: "good", Input: json.RawMessage(`7`), Webhook: &saga.TaskWebhook{URL: c.url, Public: c.public}})
		got := complaints(t, err)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || got != "" && !strings.HasPrefix(got, "/webhook/url: ") {
			t.Errorf("%.80q: %q, want %q", c.url, got, c.want)
		}
		if c.public {
			continue
		}
		_, err = s.hooks.AddWebhook(t.Context(), saga.Webhook{ID: "x", URL: c.url})
		if got := complaints(t, err); !strings.Contains(got, c.want) || got != "" && !strings.HasPrefix(got, "/url: ") {
			t.Errorf("a webhook of %.80q: %q, want %q", c.url, got, c.want)
		}
		_, err = s.hooks.ChangeWebhook(t.Context(), saga.WebhookChange{ID: "x", URL: &c.url})
		if got := complaints(t, err); !strings.Contains(got, c.want) || got != "" && !strings.HasPrefix(got, "/url: ") {
			t.Errorf("a change to %.80q: %q, want %q", c.url, got, c.want)
		}
	}
}

// What was let through when the task was started is looked at again: its name may lead elsewhere by now.
func TestAPrivateAddressIsNotCalledForOneWhoIsLimited(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`), Webhook: &saga.TaskWebhook{
		URL: strings.Replace(r.URL, "http://127.0.0.1", "https://localhost", 1), Public: true,
	}})
	d := s.delivers(task.ID)
	if d.State != saga.Failed || !strings.Contains(d.Error, "its address is refused") || len(d.Steps) != 1 || d.Steps[0].Attempts != 1 || len(r.all()) != 0 {
		t.Errorf("the delivery is %s: %s", d.State, d.Error)
	}
}

func TestAWebhookIsTested(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL, func(w *saga.Webhook) { w.Enabled = false })
	for range 2 {
		task, err := s.hooks.TestWebhook(t.Context(), "w1", "ann")
		if err != nil {
			t.Fatal(err)
		}
		s.settle(task.ID)
		if d := s.get(task.ID); d.State != saga.Completed {
			t.Errorf("the test is %s: %s", d.State, d.Error)
		}
	}
	all := r.all()
	if len(all) != 2 || !strings.HasPrefix(string(all[0].body), `{"type":"webhook.test","timestamp":"`) ||
		!strings.HasSuffix(string(all[0].body), `"data":{"webhook":"w1"}}`) || verify(t, all[0], oneSecret) != nil {
		t.Errorf("told %d times: %s", len(all), all[0].body)
	}
	if all[0].header.Get("Webhook-Id") == all[1].header.Get("Webhook-Id") {
		t.Error("two tests are one message")
	}
	if _, err := s.hooks.TestWebhook(t.Context(), "w2", "ann"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("a test of none: %v", err)
	}
}

var _ http.Handler = (*receiver)(nil)
