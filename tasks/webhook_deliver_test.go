package tasks_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// asked starts a task that is told to a receiver.
func (s *switchboard) asked(r *receiver, secret string) saga.Task {
	s.t.Helper()
	return s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`), Webhook: &saga.TaskWebhook{URL: r.URL, Secret: secret}})
}

func status(code int, headers ...string) http.HandlerFunc {
	return reply(code, `{"says":"no"}`, headers...)
}

func TestADeliveryIsTriedForDays(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s, status(500))
	task := s.asked(r, "KEY")
	d := s.delivers(task.ID)
	if d.State != saga.Failed || !strings.HasSuffix(d.Error, `: 500 Internal Server Error: {"says":"no"}`) || len(d.NotUndone) > 0 || d.Steps[0].Attempts != 10 {
		t.Errorf("the delivery is %s: %s; %+v", d.State, d.Error, d.Steps)
	}
	all := r.all()
	waits := []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
	if len(all) != len(waits)+1 {
		t.Fatalf("%d attempts, want %d", len(all), len(waits)+1)
	}
	for i, wait := range waits {
		got := all[i+1].at.Sub(all[i].at)
		jittered := wait + wait/10 // half of the random fifth
		if got < jittered || got > jittered+time.Minute {
			t.Errorf("attempt %d came %v after the one before, want %v", i+2, got, jittered)
		}
		if string(all[i+1].body) != string(all[0].body) || all[i+1].header.Get("Webhook-Id") != all[0].header.Get("Webhook-Id") {
			t.Errorf("attempt %d is another message", i+2)
		}
		if all[i+1].late() > time.Minute || verify(t, all[i+1], oneSecret) != nil {
			t.Errorf("attempt %d came %v after its time and is signed for %v", i+2, all[i+1].late(), verify(t, all[i+1], oneSecret))
		}
	}
}

func TestAnswersOfReceivers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		again  time.Duration // after which it is told again; zero: it is not
		state  saga.State
	}{
		{"200", reply(200, strings.Repeat("x", 2<<20)), 0, saga.Completed}, // whatever it says
		{"202", status(202), 0, saga.Completed},
		{"a redirect is not followed", status(307, "Location", "/elsewhere"), 5 * time.Second, saga.Completed},
		{"moved", status(301, "Location", "https://elsewhere.example/"), 5 * time.Second, saga.Completed},
		{"400", status(400), 5 * time.Second, saga.Completed},
		{"401", status(401), 5 * time.Second, saga.Completed},
		{"404", status(404), 5 * time.Second, saga.Completed},
		{"409", status(409), 5 * time.Second, saga.Completed},
		{"gone", status(410), 0, saga.Failed},
		{"it asks for time", status(429, "Retry-After", "7200"), 2 * time.Hour, saga.Completed},
		{"it asks for less time than it gets", status(503, "Retry-After", "1"), 5 * time.Second, saga.Completed},
		{"it asks for a month", status(503, "Retry-After", "2592000"), 24 * time.Hour, saga.Completed},
		{"it hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 5 * time.Second, saga.Completed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSwitchboard(t)
			r := newReceiver(s, c.answer, status(204))
			d := s.delivers(s.asked(r, "").ID)
			all := r.all()
			if d.State != c.state || len(all) != 1 && c.again == 0 || len(all) != 2 && c.again > 0 {
				t.Fatalf("told %d times, the delivery is %s: %s", len(all), d.State, d.Error)
			}
			if c.again > 0 {
				if got, want := all[1].at.Sub(all[0].at), c.again+c.again/10; got < want || got > want+time.Minute {
					t.Errorf("told again after %v, want %v", got, want)
				}
			}
		})
	}
}

func TestGoneDisablesTheWebhook(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s, status(410))
	s.add("w1", r.URL)
	first, second := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}), s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
	begun := s.tell(first.ID, second.ID)
	for _, id := range begun {
		s.settle(id)
	}
	if len(begun) != 2 || len(r.all()) != 1 {
		t.Errorf("of %d deliveries %d arrived, not 1", len(begun), len(r.all()))
	}
	if d := s.get(begun[0]); d.State != saga.Failed || !strings.HasSuffix(d.Error, "; the webhook is disabled") {
		t.Errorf("the first is %s: %s", d.State, d.Error)
	}
	if d := s.get(begun[1]); d.State != saga.Failed || d.Error != "step deliver: webhook w1: it is disabled" {
		t.Errorf("the second is %s: %s", d.State, d.Error)
	}
	w, err := s.hooks.Webhook(t.Context(), "w1")
	if err != nil || w.Enabled || w.Reason != "the receiver answered 410 Gone to delivery "+begun[0] || w.By != "osp" {
		t.Errorf("the webhook is %+v, %v", w, err)
	}
	if more := s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID); len(more) > 0 {
		t.Errorf("it is told of what comes after: %v", more)
	}
}

func TestGoneIsTriedAgainUntilTheWebhookIsDisabled(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	r.answers = []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
		s.source.mu.Lock()
		s.source.err = fmt.Errorf("away")
		s.source.mu.Unlock()
		w.WriteHeader(410)
	}, func(w http.ResponseWriter, _ *http.Request) {
		s.source.mu.Lock()
		s.source.err = nil
		s.source.mu.Unlock()
		w.WriteHeader(410)
	}}
	s.add("w1", r.URL)
	d := s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	if w, err := s.hooks.Webhook(t.Context(), "w1"); err != nil || w.Enabled || len(r.all()) != 2 || d.State != saga.Failed {
		t.Errorf("after %d answers the webhook is %+v, the delivery %s: %s", len(r.all()), w, d.State, d.Error)
	}
}

func TestAWebhookThatWasMovedIsNotDisabledForWhereItWas(t *testing.T) {
	s := newSwitchboard(t)
	r, elsewhere := newReceiver(s), newReceiver(s)
	r.answers = []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
		if _, err := s.hooks.ChangeWebhook(t.Context(), saga.WebhookChange{ID: "w1", URL: &elsewhere.URL}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(410)
	}}
	s.add("w1", r.URL)
	d := s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	if w, err := s.hooks.Webhook(t.Context(), "w1"); err != nil || !w.Enabled {
		t.Errorf("the webhook is %+v, %v", w, err)
	}
	if d.State != saga.Completed || len(r.all()) != 1 || len(elsewhere.all()) != 1 {
		t.Errorf("told %d times where it was and %d times where it is, the delivery is %s: %s", len(r.all()), len(elsewhere.all()), d.State, d.Error)
	}
}

func TestADeliveryGoesWhereTheWebhookIsByNow(t *testing.T) {
	s := newSwitchboard(t)
	was, is := newReceiver(s, status(500)), newReceiver(s)
	s.add("w1", was.URL)
	begun := s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	_ = s.runner.Run(t.Context(), begun[0])
	if _, err := s.hooks.ChangeWebhook(t.Context(), saga.WebhookChange{ID: "w1", URL: &is.URL}); err != nil {
		t.Fatal(err)
	}
	s.settle(begun[0])
	was.one(t)
	is.one(t)

	gone := s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	if err := s.hooks.RemoveWebhook(t.Context(), "w1"); err != nil {
		t.Fatal(err)
	}
	s.settle(gone[0])
	if d := s.get(gone[0]); d.State != saga.Failed || d.Error != "step deliver: webhook w1: it has been removed" {
		t.Errorf("with the webhook removed it is %s: %s", d.State, d.Error)
	}
}

// A worker that has heard of the webhooks a moment ago does not take one for removed or disabled that is not so any longer.
func TestWhatWasHeardOfAWebhookEndsNoDelivery(t *testing.T) {
	for name, prepare := range map[string]func(s *switchboard, url string) (change func(elsewhere *tasks.Webhooks) error){
		"just registered": func(_ *switchboard, url string) func(*tasks.Webhooks) error {
			return func(elsewhere *tasks.Webhooks) error {
				_, err := elsewhere.AddWebhook(t.Context(), saga.Webhook{ID: "w1", URL: url, SecretName: "KEY", Events: saga.WebhookEvents, Enabled: true})
				return err
			}
		},
		"just enabled": func(s *switchboard, url string) func(*tasks.Webhooks) error {
			s.add("w1", url, func(w *saga.Webhook) { w.Enabled = false })
			return func(elsewhere *tasks.Webhooks) error {
				on := true
				_, err := elsewhere.ChangeWebhook(t.Context(), saga.WebhookChange{ID: "w1", Enabled: &on})
				return err
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSwitchboard(t)
			r := newReceiver(s)
			change := prepare(s, r.URL)
			still := s.now() // however slow this machine is
			s.hooks.Now = func() time.Time { return still }
			s.add("another", r.URL, func(w *saga.Webhook) { w.Enabled = false })
			s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID) // it hears of the webhooks
			elsewhere := &tasks.Webhooks{Source: s.source, HTTP: s.hooks.HTTP, Tasks: s.dispatcher, Log: s.hooks.Log, Now: s.now}
			if err := change(elsewhere); err != nil {
				t.Fatal(err)
			}
			task := s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)})
			s.queue.take()
			if left := elsewhere.Tell(t.Context(), []saga.News{s.news(task.ID)}); len(left) > 0 {
				t.Fatalf("left %v", left)
			}
			begun := s.queue.take()
			if len(begun) != 1 {
				t.Fatalf("begun %v", begun)
			}
			s.source.mu.Lock()
			s.source.err = fmt.Errorf("away")
			s.source.mu.Unlock()
			_ = s.runner.Run(t.Context(), begun[0])
			if d := s.get(begun[0]); d.State != saga.Waiting || len(r.all()) > 0 {
				t.Errorf("while nobody can tell it is %s: %s", d.State, d.Error)
			}
			s.source.mu.Lock()
			s.source.err = nil
			s.source.mu.Unlock()
			s.settle(begun[0])
			if d := s.get(begun[0]); d.State != saga.Completed || len(r.all()) != 1 {
				t.Errorf("told %d times, the delivery is %s: %s", len(r.all()), d.State, d.Error)
			}
		})
	}
}

// While the result store is away, deliveries go where the webhook was when it was last seen.
func TestDeliveriesGoOnWhileTheSourceIsAway(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s, status(500), status(204))
	s.add("w1", r.URL)
	begun := s.tell(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	s.source.mu.Lock()
	s.source.err = fmt.Errorf("away")
	s.source.mu.Unlock()
	s.settle(begun[0])
	if d := s.get(begun[0]); d.State != saga.Completed || len(r.all()) != 2 {
		t.Errorf("told %d times, the delivery is %s: %s", len(r.all()), d.State, d.Error)
	}
}

func TestADeliveryIsSentOnceMore(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s)
	s.add("w1", r.URL)
	d := s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	again, err := s.dispatcher.Retry(t.Context(), d.ID, "ann")
	if err != nil {
		t.Fatal(err)
	}
	s.settle(again.ID)
	all := r.all()
	if len(all) != 2 || all[0].header.Get("Webhook-Id") != all[1].header.Get("Webhook-Id") || string(all[0].body) != string(all[1].body) {
		t.Errorf("told %d times, as %v", len(all), all)
	}
	if first, second := s.record(d.ID).Created, s.record(again.ID).Created; second.RetryOf != d.ID || first.LimitKey != "w1" || second.LimitKey != "w1" {
		t.Errorf("limits %q and %q, a retry of %q", first.LimitKey, second.LimitKey, second.RetryOf)
	}
}

// While a secret is exchanged receivers may have either.
func TestSeveralSecretsSign(t *testing.T) {
	for _, written := range []string{oneSecret + "," + otherSecret, oneSecret + " " + otherSecret + "\n", otherSecret + ", " + oneSecret} {
		s := newSwitchboard(t)
		s.secrets["KEY"] = written
		r := newReceiver(s)
		s.delivers(s.asked(r, "KEY").ID)
		m := r.one(t)
		for _, secret := range []string{oneSecret, otherSecret} {
			if err := verify(t, m, secret); err != nil {
				t.Errorf("%q: %v", written, err)
			}
		}
		if verify(t, m, "whsec_bm9ib2R5cy1zZWNyZXQtb2YtMjQtYnl0ZXMtb3ItbW9yZQ==") == nil {
			t.Error("nobody's secret fits as well")
		}
	}
}

// A secret that cannot sign is an operator's to mend: the delivery waits for that.
func TestSecretsThatCannotSign(t *testing.T) {
	for written, want := range map[string]string{
		"":                                  "the secret KEY is not known to this worker: set OSP_SECRET_KEY",
		"hunter2-hunter2-hunter2":           "the secret KEY cannot sign",
		"whsec_c2hvcnQ=":                    "the secret KEY cannot sign",
		"whsec_not*base64*not*base64*not*b": "the secret KEY cannot sign",
		oneSecret + ",whsec_c2hvcnQ=":       "the secret KEY cannot sign",
		" , ":                               "the secret KEY cannot sign",
	} {
		s := newSwitchboard(t)
		s.secrets["KEY"] = written
		r := newReceiver(s)
		begun := s.tell(s.asked(r, "KEY").ID)
		_ = s.runner.Run(t.Context(), begun[0])
		d := s.get(begun[0])
		if d.State != saga.Waiting || !strings.Contains(d.Steps[0].Error, want) || len(r.all()) > 0 {
			t.Errorf("%q: the delivery is %s: %s", written, d.State, d.Steps[0].Error)
		}
		if text := s.keeps([]string{"hunter2", "c2hvcnQ", "not*base64", oneSecret[6:]}, begun...); text != "" {
			t.Errorf("%q: %q is kept", written, text)
		}
		s.secrets["KEY"] = oneSecret
		s.settle(begun[0])
		if err := verify(t, r.one(t), oneSecret); err != nil {
			t.Errorf("%q: mended, it is signed for nobody: %v", written, err)
		}
	}
}

// What comes after the host of a URL may be a secret: it is in no error.
func TestErrorsTellTheHostAlone(t *testing.T) {
	s := newSwitchboard(t)
	r := newReceiver(s, status(500))
	s.add("w1", r.URL+"/T0K3N/a?key=T0K3N")
	d := s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	if text := s.keeps([]string{"T0K3N"}, d.ID); text != "" || !strings.HasPrefix(d.Error, "step deliver: POST "+r.URL+": 500") {
		t.Errorf("it is kept: %s", d.Error)
	}
	closed := newReceiver(s)
	closed.Close()
	s.source.list[0].URL = closed.URL + "/T0K3N"
	s.skipped.Add(int64(time.Minute))
	d = s.delivers(s.ends(saga.Request{Type: "good", Input: json.RawMessage(`7`)}).ID)
	if text := s.keeps([]string{"T0K3N"}, d.ID); text != "" || !strings.Contains(d.Error, "refused") {
		t.Errorf("it is kept: %s", d.Error)
	}
}
