package handlers

import (
	"fmt"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// A task that stands still says what holds it, for as long as it has not ended.
func TestATaskTellsWhatHoldsIt(t *testing.T) {
	w := newWorld(t)
	w.must(202, "POST /v1/tasks", with(`"id":"a"`))
	if a := w.must(200, "GET /v1/tasks/a", ""); a.json("paused_by") != "" || a.json("unserved") != "" {
		t.Errorf("nothing is paused: %s", a.Body)
	}
	w.fake.unserved = true
	w.must(200, "PUT /v1/pauses/type/another", `{"reason":"not about it"}`)
	w.must(200, "PUT /v1/pauses/type/demo", `{"reason":"the till is down"}`)
	w.must(200, "PUT /v1/pauses/queue/default", `{"reason":"a sale"}`)
	a := w.must(200, "GET /v1/tasks/a", "")
	for path, want := range map[string]string{
		"paused_by.0.kind": "type", "paused_by.0.name": "demo", "paused_by.0.by": "anonymous", "paused_by.0.reason": "the till is down",
		"paused_by.0.since": "2026-11-23T12:00:00Z", "paused_by.1.kind": "queue", "paused_by.1.reason": "a sale", "paused_by.2": "",
		"unserved": "true",
	} {
		if got := a.json(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	w.must(204, "DELETE /v1/pauses/queue/default", "")
	w.fake.unknown = fmt.Errorf("redis: %w", saga.ErrUnavailable)
	if a := w.must(200, "GET /v1/tasks/a", ""); a.json("state") != "pending" || a.json("paused_by") != "" {
		t.Errorf("the rest is told while that is not known: %s", a.Body)
	}
	w.fake.unknown = nil
	w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
	if a := w.must(200, "GET /v1/tasks/a", ""); a.json("state") != "completed" || a.json("paused_by") != "" || a.json("unserved") != "" {
		t.Errorf("it has ended: %s", a.Body)
	}
}
