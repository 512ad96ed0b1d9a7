package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestOverview(t *testing.T) {
	w := newWorld(t)
	a := w.must(200, "GET /v1/overview", "")
	for path, want := range map[string]string{
		"states.stuck": "1", "stuck": "1", "dead_letters": "2", "unwritten": "3", "backlog": "4", "oldest_waiting_seconds": "5.5",
		"workers.0.queues.0": "default", "throughput.0.completed": "7",
	} {
		if got := a.json(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if a := w.must(200, "GET /v1/queues", ""); a.json("items.0.paused") != "true" || a.json("items.0.oldest_waiting_seconds") != "0.25" ||
		a.json("items.0.unserved") != "false" {
		t.Errorf("got %s", a.Body)
	}
	w.fake.unserved = true
	if a := w.must(200, "GET /v1/queues", ""); a.json("items.0.unserved") != "true" {
		t.Errorf("no worker serves it: %s", a.Body)
	}
	for _, path := range []string{"overview", "queues", "pauses"} {
		if a := w.must(400, "GET /v1/"+path+"?limit=1", ""); a.faults() != "parameter limit" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	w.fake.fail = fmt.Errorf("redis: %w", saga.ErrUnavailable)
	for _, path := range []string{"overview", "queues", "pauses"} {
		w.must(503, "GET /v1/"+path, "")
	}
}

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t)
	if a := w.must(200, "GET /v1/pauses", ""); strings.TrimSpace(a.Body.String()) != `{"items":[]}` {
		t.Errorf("got %s", a.Body)
	}
	a := w.must(200, "PUT /v1/pauses/type/order.create", `{"reason":"the till is down"}`)
	const want = `{"kind":"type","name":"order.create","by":"anonymous","reason":"the till is down","since":"2026-11-23T12:00:00Z"}`
	if got := strings.TrimSpace(a.Body.String()); got != want {
		t.Errorf("got %s", got)
	}
	if a := w.must(200, "GET /v1/pauses", ""); strings.TrimSpace(a.Body.String()) != `{"items":[`+want+`]}` {
		t.Errorf("got %s", a.Body)
	}
	a = w.must(200, "PUT /v1/pauses/type/order.creat", `{"reason":"a typing error"}`)
	if a.json("name") != "order.creat" || a.json("warnings.0.parameter") != "name" || a.json("warnings.0.detail") != "Is order.create meant?" {
		t.Errorf("got %s", a.Body)
	}
	w.must(204, "DELETE /v1/pauses/type/order.creat", "")
	for range 2 { // one that is over is over
		w.must(204, "DELETE /v1/pauses/type/order.create", "")
	}
	w.must(204, "DELETE /v1/pauses/queue/low", `{"reason":"it is up again"}`)
	if len(w.fake.pauses) > 0 {
		t.Errorf("left: %v", w.fake.pauses)
	}
}

func TestPausesRefuse(t *testing.T) {
	for _, c := range []struct {
		line, body string
		status     int
		faults     string
	}{
		{"PUT /v1/pauses/task/a", `{"reason":"r"}`, 400, "parameter kind"},
		{"PUT /v1/pauses/type/a%2Fb", `{"reason":"r"}`, 400, "parameter name"},
		{"PUT /v1/pauses/queue/nowhere", `{"reason":"r"}`, 400, "parameter name"},
		{"PUT /v1/pauses/type/a", ``, 422, "pointer /reason"},
		{"PUT /v1/pauses/type/a", `{"reason":""}`, 422, "pointer /reason"},
		{"PUT /v1/pauses/type/a", `{"reason":"r","until":"noon"}`, 422, "pointer /until"},
		{"PUT /v1/pauses/type/a", `["r"]`, 422, "pointer "},
		{"DELETE /v1/pauses/types/a", ``, 400, "parameter kind"},
		{"DELETE /v1/pauses/type/a", `{"why":"r"}`, 422, "pointer /why"},
	} {
		w := newWorld(t)
		if a := w.must(c.status, c.line, c.body); a.faults() != c.faults || len(w.fake.pauses) > 0 {
			t.Errorf("%s %s: %s", c.line, c.body, a.Body)
		}
	}
}
