package tasks_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// stricter takes what saying takes, and asks for more.
const stricter = `{"id": "talk", "input_schema": {"type": "object", "required": ["to", "from"]}, "steps": [
	{"id": "a", "type": "activity", "activity": {"type": "log_event", "params": {"say": "more"}}}]}`

// changes are what an operator may do to the workflow talk while its tasks run, and what a start is told then.
var changes = map[string]func(t *testing.T, l *library){
	"the version is deprecated":          func(_ *testing.T, l *library) { l.become(saga.VersionDeprecated) },
	"the version is locked":              func(_ *testing.T, l *library) { l.become(saga.VersionLocked) },
	"a stricter version is activated":    func(t *testing.T, l *library) { t.Helper(); l.add(t, stricter) },
	"the source is away, and unheard of": func(_ *testing.T, l *library) { l.leave(true) },
}

func TestAnAcceptedStartIsAnsweredWhateverBecomesOfItsVersion(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			l, _ := withDefinitions(r)
			l.add(t, saying("hello"))
			asked := talk
			asked.ID = "t"
			r.start(asked)
			change(t, l)
			r.client.Del(t.Context(), "osp:workflow::talk")
			r.dispatcher.Catalogue.Definitions = r.process(l)
			task, created, err := r.dispatcher.Start(t.Context(), asked)
			if err != nil || created || task.ID != "t" || task.Status != saga.StatusPending {
				t.Errorf("sent again: %+v, %t, %v", task, created, err)
			}
			if err := r.inspector.DeleteTask("default", "t"); err != nil {
				t.Fatal(err)
			}
			if _, _, err := r.dispatcher.Start(t.Context(), asked); err != nil || r.asynq("default", "t") != "pending" {
				t.Errorf("what asynq had lost is %s: %v", r.asynq("default", "t"), err)
			}
			other := asked
			other.Input = json.RawMessage(`{"to": "Bob"}`)
			if _, _, err := r.dispatcher.Start(t.Context(), other); !errors.Is(err, saga.ErrConflict) {
				t.Errorf("another one under its id: %v", err)
			}
			asked.ID = "new"
			for _, id := range []string{"new", ""} {
				asked.ID = id
				if _, _, err := r.dispatcher.Start(t.Context(), asked); err == nil || errors.Is(err, saga.ErrConflict) {
					t.Errorf("a new one of the id %q: %v", id, err)
				}
			}
		})
	}
}

// A task that ended long ago has no journal. Its row says what was asked for.
func TestAnAcceptedStartIsAnsweredByItsRow(t *testing.T) {
	r := newRig(t)
	r.rows["t"] = saga.Task{ID: "t", Type: "strict", UserID: saga.NilOwner, State: saga.Completed, Input: json.RawMessage(`{"a": [1]}`)}
	asked := saga.Request{ID: "t", Type: "strict", Input: json.RawMessage(`{"a":[1]}`)}
	if task, created, err := r.dispatcher.Start(t.Context(), asked); err != nil || created || task.State != saga.Completed {
		t.Errorf("sent again: %+v, %t, %v", task, created, err)
	}
	asked.Input = json.RawMessage(`{"a":[2]}`)
	if _, _, err := r.dispatcher.Start(t.Context(), asked); complaints(t, err) == "" {
		t.Errorf("another one under its id: %v", err)
	}
}

// Whoever is refused asks under another id.
func TestAStartIsNotRefusedWhenNobodyKnowsWhetherItWasAccepted(t *testing.T) {
	r := newRig(t)
	asked := saga.Request{ID: "t", Type: "strict", Input: json.RawMessage(`{}`)}
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.dispatcher.Start(t.Context(), asked); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("without Redis: %v", err)
	}
	asked.ID = ""
	if _, _, err := r.dispatcher.Start(t.Context(), asked); complaints(t, err) == "" {
		t.Errorf("without an id: %v", err)
	}
}
