package handlers

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestAWebhookIsRegistered(t *testing.T) {
	for _, c := range []struct {
		body string
		want saga.Webhook
	}{
		{`{"url":"https://a.example/","secret_name":"KEY"}`, saga.Webhook{URL: "https://a.example/", SecretName: "KEY", Events: saga.WebhookEvents, Enabled: true}},
		{
			`{"url":"https://a.example/","secret_name":"KEY","service":"shop_1","events":["task.stuck","task.failed","task.stuck"],"types":["order"],"enabled":false,"reason":"r"}`,
			saga.Webhook{
				URL: "https://a.example/", SecretName: "KEY", Service: "shop_1", Events: []saga.WebhookEvent{saga.TaskFailed, saga.TaskStuck},
				Types: []string{"order"}, Reason: "r",
			},
		},
	} {
		w := newWorld(t)
		a := w.must(201, "POST /v1/webhooks", c.body)
		got := w.fake.hooks.added
		if a.Header().Get("Location") != "/v1/webhooks/"+got.ID || a.json("id") != got.ID || got.ID == "" || got.By == "" {
			t.Errorf("%s: %s", c.body, a.Body)
		}
		c.want.ID, c.want.By = got.ID, got.By
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: registered %+v, want %+v", c.body, got, c.want)
		}
	}
	a := newWorld(t).must(422, "POST /v1/webhooks", `{"url":"https://refused.example/","secret_name":"KEY"}`)
	if a.slug() != "invalid" || a.faults() != "pointer /url" {
		t.Errorf("refused by those who know: %s", a.Body)
	}
}

func TestWebhooksThatAreWrong(t *testing.T) {
	for _, c := range []struct{ members, faults string }{
		{`"url":"https://a.example/","secret_name":"KEY","service":"no/thing"`, "pointer /service"},
		{`"secret_name":"KEY"`, "pointer /url"},
		{`"url":7,"secret_name":"KEY"`, "pointer /url"},
		{`"url":"https://a.example/` + strings.Repeat("x", 2048) + `","secret_name":"KEY"`, "pointer /url"},
		{`"url":"https://a.example/"`, "pointer /secret_name"},
		{`"url":"https://a.example/","secret_name":"whsec_abc="`, "pointer /secret_name"},
		{`"url":"https://a.example/","secret_name":"${secrets.KEY}"`, "pointer /secret_name"},
		{`"url":"https://a.example/","secret_name":"KEY","events":[]`, "pointer /events"},
		{`"url":"https://a.example/","secret_name":"KEY","events":"task.failed"`, "pointer /events"},
		{`"url":"https://a.example/","secret_name":"KEY","events":["task.failed","task.begun"]`, "pointer /events/1"},
		{`"url":"https://a.example/","secret_name":"KEY","events":["webhook.test"]`, "pointer /events/0"},
		{`"url":"https://a.example/","secret_name":"KEY","types":null`, "pointer /types"},
		{`"url":"https://a.example/","secret_name":"KEY","types":["a",""]`, "pointer /types/1"},
		{`"url":"https://a.example/","secret_name":"KEY","types":["a"` + strings.Repeat(`,"a"`, 100) + `]`, "pointer /types"},
		{`"url":"https://a.example/","secret_name":"KEY","enabled":"yes"`, "pointer /enabled"},
		{`"url":"https://a.example/","secret_name":"KEY","reason":""`, "pointer /reason"},
		{`"url":"https://a.example/","secret_name":"KEY","id":"w1"`, "pointer /id"},
	} {
		w := newWorld(t)
		a := w.must(422, "POST /v1/webhooks", `{`+c.members+`}`)
		if a.faults() != c.faults || w.fake.hooks.added.ID != "" {
			t.Errorf("%.100s: %s", c.members, a.Body)
		}
		if strings.Contains(a.Body.String(), "whsec_abc") {
			t.Errorf("a secret is told: %s", a.Body)
		}
	}
}

func TestAWebhookIsChanged(t *testing.T) {
	url, name, types, off := "https://b.example/", "OTHER", []string{}, false
	for body, want := range map[string]saga.WebhookChange{
		`{"url":"https://b.example/"}`:       {URL: &url},
		`{"secret_name":"OTHER"}`:            {SecretName: &name},
		`{"events":["task.failed"]}`:         {Events: &[]saga.WebhookEvent{saga.TaskFailed}},
		`{"types":[]}`:                       {Types: &types},
		`{"enabled":false,"reason":"noisy"}`: {Enabled: &off, Reason: "noisy"},
	} {
		w := newWorld(t)
		a := w.must(200, "PATCH /v1/webhooks/w1", body)
		got := w.fake.hooks.change
		want.ID, want.By = "w1", got.By
		if !reflect.DeepEqual(got, want) || got.By == "" || a.json("id") != "w1" {
			t.Errorf("%s: changed %+v, want %+v: %s", body, got, want, a.Body)
		}
	}
	for body, faults := range map[string]string{
		`{}`: "pointer ", `{"reason":"r"}`: "pointer ", `{"url":null}`: "pointer /url", `{"secret_name":"a b"}`: "pointer /secret_name",
		`{"events":[1]}`: "pointer /events", `{"types":7}`: "pointer /types", `{"enabled":1}`: "pointer /enabled", `{"enabled":true,"reason":7}`: "pointer /reason",
		`{"service":"shop_1","enabled":true}`: "pointer /service", `{"while":"https://a.example/","enabled":true}`: "pointer /while",
	} {
		w := newWorld(t)
		if a := w.must(422, "PATCH /v1/webhooks/w1", body); a.faults() != faults || w.fake.hooks.change.ID != "" {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
}

func TestAWebhookThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	for line, body := range map[string]string{
		"GET /v1/webhooks/nowhere": "", "PATCH /v1/webhooks/nowhere": `{"enabled":true}`, "DELETE /v1/webhooks/nowhere": "", "POST /v1/webhooks/nowhere/test": "",
	} {
		if a := w.must(404, line, body); a.slug() != "no-such-webhook" {
			t.Errorf("%s: %s", line, a.Body)
		}
	}
}

func TestWebhooksAreListedRemovedAndTested(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /v1/webhooks", ""); a.Body.String() != `{"webhooks":[]}`+"\n" {
		t.Errorf("none: %s", a.Body)
	}
	for i := range 3 {
		hook, _ := w.fake.hook(fmt.Sprint("w", i))
		w.fake.hooks.list = append(w.fake.hooks.list, hook)
	}
	a := w.must(200, "GET /v1/webhooks?service=shop_1&limit=2", "")
	if w.fake.hooks.query != (saga.WebhookQuery{Service: "shop_1", Limit: 3}) || a.json("webhooks.1.id") != "w1" || strings.Contains(a.Body.String(), "w2") {
		t.Errorf("asked for %+v: %s", w.fake.hooks.query, a.Body)
	}
	w.must(200, "GET /v1/webhooks?cursor="+a.json("next"), "")
	if w.fake.hooks.query.After != "w1" {
		t.Errorf("the next page is asked for as %+v", w.fake.hooks.query)
	}
	for query, faults := range map[string]string{"cursor=?": "parameter cursor", "limit=0": "parameter limit", "service=a/b": "parameter service", "id=1": "parameter id"} {
		if a := w.must(400, "GET /v1/webhooks?"+query, ""); a.faults() != faults {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	if a := w.must(200, "GET /v1/webhooks/w1", ""); a.json("secret_name") != "KEY" {
		t.Errorf("got %s", a.Body)
	}
	if w.must(204, "DELETE /v1/webhooks/w1", ""); w.fake.hooks.removed != "w1" {
		t.Errorf("removed %q", w.fake.hooks.removed)
	}
	if a := w.must(202, "POST /v1/webhooks/w1/test", ""); w.fake.hooks.tested != "w1" || a.Header().Get("Location") != "/v1/tasks/d1" {
		t.Errorf("tested %q: %s", w.fake.hooks.tested, a.Body)
	}
}

func TestDeliveriesAreListed(t *testing.T) {
	w := newWorld(t)
	w.fake.hooks.page = saga.Page{Tasks: []saga.Task{{ID: "d1", Type: "webhook.deliver", UserID: saga.NilOwner, Status: saga.StatusPending, State: saga.Pending, Phase: saga.Forward, Input: []byte(`{}`), CreatedAt: noon, Version: 1}}, Next: "n"}
	a := w.must(200, "GET /v1/webhooks/w1/deliveries?limit=7&cursor=c", "")
	if w.fake.hooks.asked != (saga.DeliveryQuery{Webhook: "w1", Cursor: "c", Limit: 7}) || a.json("tasks.0.id") != "d1" || a.json("next") != "n" {
		t.Errorf("asked for %+v: %s", w.fake.hooks.asked, a.Body)
	}
	if a := w.must(400, "GET /v1/webhooks/w1/deliveries?cursor=none", ""); a.faults() != "parameter cursor" {
		t.Errorf("a cursor that is none: %s", a.Body)
	}
	if a := w.must(404, "GET /v1/tasks/t9/deliveries", ""); a.slug() != "no-such-task" {
		t.Errorf("of no task: %s", a.Body)
	}
}

// Whoever may know of a task is shown its own deliveries, and not those that an operator asked for.
func TestDeliveriesOfATaskAreShownToWhoMayKnowOfThem(t *testing.T) {
	for who, want := range map[string]string{"operator": "d1 d2", "alice": "d1", "till of shop_1": "d1 d2"} {
		for _, someone := range people {
			if someone.p.Name != who {
				continue
			}
			w, _ := street(t, someone.p)
			for id, owner := range map[string]string{"d1": alice, "d2": saga.NilOwner} {
				w.fake.hooks.page.Tasks = append(w.fake.hooks.page.Tasks, saga.Task{
					ID: id, Type: "webhook.deliver", UserID: owner, Service: "shop_1", Status: saga.StatusPending, State: saga.Pending, Phase: saga.Forward,
					Input: []byte(`{}`), CreatedAt: noon, Version: 1,
				})
			}
			a := w.must(200, "GET /v1/tasks/mine/deliveries", "", bearing)
			if got := strings.Count(a.Body.String(), `"id":"d`); got != len(strings.Fields(want)) || !strings.Contains(a.Body.String(), `"d1"`) || w.fake.hooks.asked.Task != "mine" {
				t.Errorf("%s is shown %s, want %s", who, a.Body, want)
			}
		}
	}
}

// Whoever is limited keeps no webhook of an operator from being told.
func TestWhoMayCancelDeliveries(t *testing.T) {
	for who, want := range map[string]string{
		"operator": "202 202 2", "starter": "202 202 0", "till of shop_1": "403 202 1", "a till that would be operator": "403 202 1",
	} {
		for _, someone := range people {
			if someone.p.Name != who {
				continue
			}
			begin := func() *world {
				w, _ := street(t, someone.p)
				for id, input := range map[string]string{"theirs-d": `{"webhook":"w1"}`, "own-d": `{"to":{"url":"https://a.example/"}}`} {
					if _, _, err := w.fake.Start(t.Context(), saga.Request{ID: id, Type: "demo", Input: []byte(input), Owner: saga.NilOwner, Service: "shop_1"}); err != nil {
						t.Fatal(err)
					}
					w.fake.journals[id][0].Created.Type = "webhook.deliver" // which clients do not start
				}
				w.fake.list = w.page
				return w
			}
			w := begin()
			got := fmt.Sprint(w.call("POST /v1/tasks/theirs-d/cancel", "", bearing).Code, w.call("POST /v1/tasks/own-d/cancel", "", bearing).Code)
			w = begin()
			w.call(bulkCancel, `{"filter":{"type":"webhook.deliver"}}`, bearing) // which is not for starters
			got += fmt.Sprint(" ", w.cancelled())
			if got != want {
				t.Errorf("%s: %s, want %s", who, got, want)
			}
		}
	}
}

func TestATaskIsStartedWithAWebhook(t *testing.T) {
	for _, c := range []struct {
		who, webhook string
		want         saga.TaskWebhook
		fault        string
	}{
		{"starter", `{"url":"https://a.example/"}`, saga.TaskWebhook{URL: "https://a.example/"}, ""},
		{"starter", `{"url":"https://a.example/","secret":"${secrets.KEY}"}`, saga.TaskWebhook{URL: "https://a.example/", Secret: "KEY"}, ""},
		{"starter", `{"url":"https://a.example/","secret":null}`, saga.TaskWebhook{URL: "https://a.example/"}, ""},
		{"alice", `{"url":"https://a.example/"}`, saga.TaskWebhook{URL: "https://a.example/", Public: true}, ""},
		{"till of shop_1", `{"url":"https://a.example/"}`, saga.TaskWebhook{URL: "https://a.example/", Public: true}, ""},
		{"alice", `{"url":"https://a.example/","secret":"${secrets.KEY}"}`, saga.TaskWebhook{}, "403 /webhook/secret"},
		{"till of shop_1", `{"url":"https://a.example/","secret":"${secrets.KEY}"}`, saga.TaskWebhook{}, "403 /webhook/secret"},
		{"starter", `"https://a.example/"`, saga.TaskWebhook{}, "422 /webhook"},
		{"starter", `{}`, saga.TaskWebhook{}, "422 /webhook/url"},
		{"starter", `{"url":7}`, saga.TaskWebhook{}, "422 /webhook/url"},
		{"starter", `{"url":"https://a.example/","secret":"whsec_abc="}`, saga.TaskWebhook{}, "422 /webhook/secret"},
		{"starter", `{"url":"https://a.example/","secret":"KEY"}`, saga.TaskWebhook{}, "422 /webhook/secret"},
		{"starter", `{"url":"https://a.example/","secret":"x ${secrets.KEY}"}`, saga.TaskWebhook{}, "422 /webhook/secret"},
		{"starter", `{"url":"https://a.example/","public":false}`, saga.TaskWebhook{}, "422 /webhook/public"},
	} {
		for _, someone := range people {
			if someone.p.Name != c.who {
				continue
			}
			w, _ := street(t, someone.p)
			a := w.call("POST /v1/tasks", `{"id":"t1","type":"demo","input":{},"webhook":`+c.webhook+`}`, bearing)
			if c.fault != "" {
				if got := fmt.Sprint(a.Code, " ", strings.TrimPrefix(a.faults(), "pointer ")); got != c.fault || strings.Contains(a.Body.String(), "whsec_abc") {
					t.Errorf("%s as %s: %s: %s", c.webhook, c.who, got, a.Body)
				}
				continue
			}
			if got := w.fake.requests["t1"].Webhook; a.Code != 202 || got == nil || *got != c.want {
				t.Errorf("%s as %s: %d, asks for %+v", c.webhook, c.who, a.Code, got)
			}
		}
	}
	w := newWorld(t)
	if w.must(202, "POST /v1/tasks", `{"id":"t1","type":"demo","input":{},"webhook":null}`); w.fake.requests["t1"].Webhook != nil {
		t.Error("null is a webhook")
	}
}
