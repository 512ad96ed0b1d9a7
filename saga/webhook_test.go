package saga

import (
	"errors"
	"testing"
	"time"
)

// A release without webhooks would write the last row of a task and tell nobody: it leaves those alone that are told of.
func TestATaskThatIsToldOfIsLeftAloneByReleasesThatTellNobody(t *testing.T) {
	for _, c := range []struct {
		webhook *TaskWebhook
		flags   Flags
	}{{nil, 0}, {&TaskWebhook{URL: "https://a.example/"}, 1 << 6}} { // the releases before knew six flags
		body, err := Encode(Created{ID: "a", Webhook: c.webhook}.Begins())
		if err != nil {
			t.Fatal(err)
		}
		e, err := Decode(Header(1, time.Unix(1, 0)) + string(body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Fold([]Event{e}); err != nil || e.Flags != c.flags {
			t.Errorf("with webhook %v: flags %b, %v", c.webhook, e.Flags, err)
		}
		e.Flags |= allFlags + 1
		if _, err := Fold([]Event{e}); !errors.Is(err, ErrUnknownEvent) {
			t.Errorf("with a flag of a later release: %v", err)
		}
	}
}

func TestWhatAWebhookWants(t *testing.T) {
	noon := time.Unix(1_790_000_000, 0)
	hook := Webhook{Service: "shop", Events: []WebhookEvent{TaskFailed, TaskStuck}, Types: []string{"order"}, Enabled: true, Since: noon}
	for _, c := range []struct {
		name  string
		kind  EventKind
		tweak func(*Webhook, *Created, *Event)
		want  bool
	}{
		{"what it asks for", KindFailed, nil, true},
		{"the other thing", KindStuck, nil, true},
		{"what it does not ask for", KindCompleted, nil, false},
		{"what nobody can ask for", KindStepDone, func(w *Webhook, _ *Created, _ *Event) { w.Events = WebhookEvents }, false},
		{"of another service", KindFailed, func(_ *Webhook, c *Created, _ *Event) { c.Service = "bar" }, false},
		{"of no service", KindFailed, func(_ *Webhook, c *Created, _ *Event) { c.Service = "" }, false},
		{"of any service", KindFailed, func(w *Webhook, _ *Created, _ *Event) { w.Service = "" }, true},
		{"of another type", KindFailed, func(_ *Webhook, c *Created, _ *Event) { c.Type = "refund" }, false},
		{"of any type", KindFailed, func(w *Webhook, c *Created, _ *Event) { w.Types, c.Type = nil, "refund" }, true},
		{"while it is disabled", KindFailed, func(w *Webhook, _ *Created, _ *Event) { w.Enabled = false }, false},
		{"from before", KindFailed, func(_ *Webhook, _ *Created, e *Event) { e.At = noon.Add(-time.Microsecond) }, false},
		{"of that very moment", KindFailed, func(_ *Webhook, _ *Created, e *Event) { e.At = noon }, true},
	} {
		w, created, e := hook, Created{Type: "order", Service: "shop"}, Event{Kind: c.kind, At: noon.Add(time.Second)}
		if c.tweak != nil {
			c.tweak(&w, &created, &e)
		}
		if got := w.Wants(created, e); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
