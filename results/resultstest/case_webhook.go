package resultstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// hook adds a webhook of this test.
func (b *bench) hook(name string) saga.Webhook {
	b.Helper()
	w, err := b.AddWebhook(b.Context(), saga.Webhook{
		ID: b.id(name), Service: b.schema, URL: "https://" + name + ".example/a?b", SecretName: "KEY",
		Events: []saga.WebhookEvent{saga.TaskFailed, saga.TaskStuck}, Types: []string{"order"}, Enabled: true, By: "ann", Reason: "for the till",
	})
	b.no(err)
	return w
}

// hooks lists the names of this test's webhooks, page by page.
func (b *bench) hooks() string {
	b.Helper()
	var names []string
	for q := (saga.WebhookQuery{Service: b.schema, Limit: 2}); ; {
		page, err := b.Webhooks(b.Context(), q)
		if b.no(err); len(page) == 0 {
			return strings.Join(names, " ")
		}
		for _, w := range page {
			names = append(names, strings.TrimSuffix(w.ID, fmt.Sprintf("-%d", b.n)))
		}
		q.After = page[len(page)-1].ID
	}
}

// delivery saves a task of the type webhook.deliver.
func (b *bench) delivery(name string, at time.Time, input string) {
	b.Helper()
	_, err := b.Save(b.Context(), results.Rows(saga.Task{
		ID: b.id(name), Type: "webhook.deliver", UserID: b.user, Status: saga.StatusCompleted, State: saga.Completed, Phase: saga.Forward,
		Input: json.RawMessage(input), Output: json.RawMessage(`{"status":204}`), CreatedAt: at, Version: 1,
	}))
	b.no(err)
}

// told lists the names of deliveries, page by page.
func (b *bench) told(q saga.DeliveryQuery) string {
	b.Helper()
	var names []string
	for q.Limit = 2; ; {
		page, err := b.Deliveries(b.Context(), q)
		b.no(err)
		for _, t := range page.Tasks {
			names = append(names, strings.TrimSuffix(t.ID, fmt.Sprintf("-%d", b.n)))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return strings.Join(names, " ")
		}
	}
}

var webhookCases = []testCase{
	{"a webhook is kept as it was added", func(b *bench) {
		added := b.hook("a")
		want := saga.Webhook{
			ID: b.id("a"), Service: b.schema, URL: "https://a.example/a?b", SecretName: "KEY",
			Events: []saga.WebhookEvent{saga.TaskFailed, saga.TaskStuck}, Types: []string{"order"}, Enabled: true, By: "ann", Reason: "for the till",
			CreatedAt: added.CreatedAt, ChangedAt: added.CreatedAt, Since: added.CreatedAt,
		}
		same(b, "added", added, want)
		same(b, "in", added.Since.Location(), time.UTC)
		if added.Since.Unix() < 1_700_000_000 {
			b.Errorf("since %v", added.Since)
		}
		list, err := b.Webhooks(b.Context(), saga.WebhookQuery{ID: b.id("a"), Limit: 5})
		b.no(err)
		same(b, "listed", list, []saga.Webhook{want})
		if _, err := b.AddWebhook(b.Context(), want); err == nil {
			b.Error("another of the same id was added")
		}
	}},
	{"webhooks are listed in the order of their ids", func(b *bench) {
		for _, name := range []string{"c", "B", "a", "d", "e"} {
			b.hook(name)
		}
		same(b, "listed", b.hooks(), "B a c d e")
		b.no(b.RemoveWebhook(b.Context(), b.id("c")))
		same(b, "one removed", b.hooks(), "B a d e")
		if err := b.RemoveWebhook(b.Context(), b.id("c")); !errors.Is(err, saga.ErrNotFound) {
			b.Errorf("removed twice: %v", err)
		}
	}},
	{"a change leaves the rest as it is", func(b *bench) {
		want := b.hook("a")
		change := func(c saga.WebhookChange) saga.Webhook {
			c.ID, c.By, c.Reason = want.ID, "bob", "because"
			w, err := b.ChangeWebhook(b.Context(), c)
			b.no(err)
			if w.ChangedAt.Before(want.ChangedAt) {
				b.Errorf("changed at %v, which is before %v", w.ChangedAt, want.ChangedAt)
			}
			want.By, want.Reason, want.ChangedAt = "bob", "because", w.ChangedAt
			return w
		}
		url, name, types, on, off := "https://b.example/", "OTHER", []string{}, true, false
		got := change(saga.WebhookChange{URL: &url})
		want.URL = url
		same(b, "url", got, want)
		got = change(saga.WebhookChange{SecretName: &name, Events: &[]saga.WebhookEvent{saga.TaskCompleted}, Types: &types})
		want.SecretName, want.Events, want.Types = name, []saga.WebhookEvent{saga.TaskCompleted}, nil
		same(b, "secret, events and types", got, want)
		got = change(saga.WebhookChange{Enabled: &on})
		same(b, "on again", got, want)
		got = change(saga.WebhookChange{Enabled: &off})
		want.Enabled = false
		same(b, "off", got, want)
		for tries := 0; !got.Since.After(want.Since); tries++ { // the clock of some stores stands still for a millisecond
			if tries == 1000 {
				b.Fatalf("since %v, as before", got.Since)
			}
			change(saga.WebhookChange{Enabled: &off})
			got = change(saga.WebhookChange{Enabled: &on})
		}
		want.Enabled, want.Since = true, got.Since
		same(b, "on", got, want)
		if _, err := b.ChangeWebhook(b.Context(), saga.WebhookChange{ID: b.id("b")}); !errors.Is(err, saga.ErrNotFound) {
			b.Errorf("a change of none: %v", err)
		}
	}},
	{"a change about another URL changes nothing", func(b *bench) {
		want, off := b.hook("a"), false
		got, err := b.ChangeWebhook(b.Context(), saga.WebhookChange{ID: want.ID, Enabled: &off, By: "osp", Reason: "gone", While: "https://was.example/"})
		b.no(err)
		same(b, "changed", got, want)
		got, err = b.ChangeWebhook(b.Context(), saga.WebhookChange{ID: want.ID, Enabled: &off, By: "osp", Reason: "gone", While: want.URL})
		b.no(err)
		same(b, "about this one", got.Enabled, false)
	}},
	{"a deleted service's webhooks are deleted", func(b *bench) {
		b.shop()
		b.hook("of-the-service")
		of := b.schema
		b.schema += "x"
		b.hook("of-another")
		b.schema = of
		b.delete(saga.SubjectService, b.schema)
		same(b, "of the service", b.hooks(), "")
		b.schema += "x"
		same(b, "of another", b.hooks(), "of-another")
	}},
	{"deliveries are found by webhook and by task", func(b *bench) {
		at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
		hook, task := b.id("hook"), b.id("order")
		for i, input := range []string{
			`{"webhook":"` + hook + `","task":"` + task + `"}`, `{"webhook":"other","task":"` + task + `"}`, `{"webhook":"` + hook + `"}`, `null`,
			`{"webhook":"` + hook + `","task":"other"}`,
		} {
			b.delivery(fmt.Sprintf("d%d", i), at.Add(time.Duration(i)*time.Second), input)
		}
		_, err := b.Save(b.Context(), results.Rows(saga.Task{
			ID: b.id("x"), Type: "other", UserID: b.user, Status: saga.StatusCompleted, State: saga.Completed, Phase: saga.Forward,
			Input: json.RawMessage(`{"webhook":"` + hook + `"}`), CreatedAt: at, Version: 1,
		}))
		b.no(err)
		same(b, "of the webhook", b.told(saga.DeliveryQuery{Webhook: hook}), "d4 d2 d0")
		same(b, "of the task", b.told(saga.DeliveryQuery{Task: task}), "d1 d0")
		same(b, "of both", b.told(saga.DeliveryQuery{Webhook: hook, Task: task}), "d0")
		if _, err := b.Deliveries(b.Context(), saga.DeliveryQuery{Webhook: hook, Cursor: "?"}); err == nil {
			b.Error("a cursor that is none was taken")
		}
	}},
}
