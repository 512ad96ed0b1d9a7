package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestASignalStartsTasks(t *testing.T) {
	w := newWorld(t)
	a := w.must(207, "POST /v1/signals/ring.twice", `{"service":"shop","payload":{"n":1},"id":"first"}`)
	if a.json("accepted") != "1" || a.json("items.0.workflow") != "demo" {
		t.Errorf("the answer: %s", a.Body)
	}
	got := w.fake.happened[0]
	if got.service != "shop" || got.by != "anonymous" || got.Trigger != saga.TriggerSignal || got.Subject != "ring.twice" ||
		string(got.Told) != `{"payload":{"n":1},"signal_name":"ring.twice"}` {
		t.Errorf("it was told %+v: %s", got, got.Told)
	}
	for _, c := range []struct{ name, body, key, want string }{
		{"the same again", `{"service":"shop","payload":{"n":1},"id":"first"}`, "", "existing"},
		{"by its key", `{"service":"shop","payload":{"n":1}}`, "Idempotency-Key: first", "existing"},
		{"by both", `{"service":"shop","id":"first"}`, "Idempotency-Key: first", "existing"},
		{"another", `{"service":"shop","id":"second"}`, "", "accepted"},
		{"one that nobody names", `{"service":"shop"}`, "", "accepted"},
		{"nothing at all", ``, "Idempotency-Key: third", "accepted"},
	} {
		headers := []string{}
		if c.key != "" {
			headers = append(headers, c.key)
		}
		if a := w.must(207, "POST /v1/signals/ring.twice", c.body, headers...); a.json(c.want) != "1" {
			t.Errorf("%s: %s", c.name, a.Body)
		}
	}
	if last := w.fake.happened[len(w.fake.happened)-1]; string(last.Told) != `{"payload":null,"signal_name":"ring.twice"}` {
		t.Errorf("nothing at all is %s", last.Told)
	}
	for _, c := range []struct{ line, body, want string }{
		{"POST /v1/signals/7", `{}`, "parameter name"},
		{"POST /v1/signals/ring", `{"servise":"shop"}`, "pointer /servise"},
		{"POST /v1/signals/ring", `{"service":5}`, "pointer /service"},
		{"POST /v1/signals/ring", `{"id":"a b"}`, "pointer /id"},
	} {
		if a := w.must(422, c.line, c.body); a.faults() != c.want {
			t.Errorf("%s %s: %s, want %s", c.line, c.body, a.faults(), c.want)
		}
	}
	if a := w.must(422, "POST /v1/signals/ring", `{"id":"a"}`, "Idempotency-Key: b"); a.faults() != "pointer /id" {
		t.Errorf("two names: %s", a.Body)
	}
	w.must(413, "POST /v1/signals/ring", `{"payload":"`+strings.Repeat("x", saga.MaxInput)+`"}`)
}

// person is one of the people.
func person(name string) Principal {
	for _, is := range people {
		if is.p.Name == name {
			return is.p
		}
	}
	return Principal{}
}

func TestWhoMayRaiseASignal(t *testing.T) {
	for _, c := range []struct{ who, body, want string }{
		{"starter", `{}`, "207 "},
		{"starter", `{"service":"shop_1"}`, "207 shop_1"},
		{"alice", `{}`, "403 pointer /service"},
		{"alice", `{"service":"shop_2"}`, "207 shop_2"},
		{"alice", `{"service":"shop_3"}`, "403 pointer /service"},
		{"alice", `{"service":"shop_4"}`, "403 pointer /service"},
		{"till of shop_1", `{}`, "207 shop_1"},
		{"till of shop_1", `{"service":"shop_1"}`, "207 shop_1"},
		{"till of shop_1", `{"service":"shop_2"}`, "403 pointer /service"},
		{"screen of shop_1", `{}`, "403 "},
	} {
		w, _ := street(t, person(c.who))
		a := w.call("POST /v1/signals/ring", c.body, bearing)
		got := fmt.Sprint(a.Code, " ")
		switch {
		case a.Code != 207:
			got += a.faults()
		case w.fake.happened[0].by != c.who:
			t.Errorf("%s is called %s", c.who, w.fake.happened[0].by)
		default:
			got += w.fake.happened[0].service
		}
		if got != c.want || a.Code != 207 && len(w.fake.happened) > 0 {
			t.Errorf("%s, %s: %s, want %s: %s", c.who, c.body, got, c.want, a.Body)
		}
	}
}
