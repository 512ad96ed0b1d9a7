package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// listener is a workflow with a trigger, that says what its input is.
func listener(id, trigger string) string {
	return fmt.Sprintf(`{"id": %q, "trigger": {%s}, "input_schema": {"type": "object", "required": ["record"]}, "steps": [
		{"id": "a", "type": "activity", "activity": {"type": "log_event", "params": {"say": "${input.record.id}"}}}]}`, id, trigger)
}

// happened tells of what was started: "<workflow>", with ! where it was not and = where it had been before.
func happened(begun []saga.Begun) string {
	words := make([]string, len(begun))
	for i, b := range begun {
		words[i] = b.Workflow.ID
		switch {
		case b.Err != nil:
			words[i] += "!"
		case !b.Created:
			words[i] += "="
		}
	}
	return strings.Join(words, " ")
}

func row(key, record string) saga.Occasion {
	return saga.Occasion{Trigger: saga.TriggerEntityInsert, Subject: "orders", Key: key, Told: json.RawMessage(`{"record":` + record + `}`)}
}

func TestWhatHappensStartsOneTaskOfEachWorkflow(t *testing.T) {
	r := newRig(t)
	l, d := withDefinitions(r)
	triggers := &tasks.Triggers{Source: l, Tasks: r.dispatcher, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	const orders = `"type": "entity_insert", "entity": "orders"`
	l.addTo(t, "shop", listener("all", orders))
	l.addTo(t, "shop", listener("large", orders+`, "filter": "record.total > 100"`))
	l.addTo(t, "shop", listener("other", `"type": "entity_delete", "entity": "orders"`))
	l.addTo(t, "bar", listener("all", orders))
	for _, c := range []struct{ name, service, want string }{
		{"a row of the shop", "shop", "all"}, {"the same row again", "shop", "all="}, {"a row of the bar", "bar", "all"}, {"nobody's row", "inn", ""},
	} {
		begun, err := triggers.Happen(t.Context(), c.service, row("1", `{"id":"o1","total":5}`), "hook")
		if got := happened(begun); err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, got, err, c.want)
		}
	}
	begun, err := triggers.Happen(t.Context(), "shop", row("2", `{"id":"o2","total":500}`), "hook")
	if got := happened(begun); err != nil || got != "all large" {
		t.Fatalf("a large row: %s, %v", got, err)
	}
	s, err := r.journal.Read(t.Context(), begun[1].Task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.Events[0].Created; c.Owner != owners["shop"] || c.Service != "shop" || c.Type != "large" || c.By != "hook" ||
		string(c.Input) != `{"record":{"id":"o2","total":500}}` {
		t.Errorf("started as %+v", c)
	}
	begun, err = triggers.Happen(t.Context(), "shop", row("3", `{"id":"o3"}`), "hook")
	if got := happened(begun); err != nil || got != "all large!" {
		t.Errorf("a row of which a filter cannot tell: %s, %v", got, err)
	}
	if problem := begun[1].Err.Error(); !strings.Contains(problem, "no such key: total") {
		t.Errorf("the problem is %s", problem)
	}

	l.leave(true)
	triggers.Now = func() time.Time { return time.Now().Add(time.Minute) }
	d.Now = triggers.Now
	begun, err = triggers.Happen(t.Context(), "shop", row("4", `{"id":"o4","total":5}`), "hook")
	if got := happened(begun); err != nil || got != "all" {
		t.Errorf("the store is away: %s, %v", got, err)
	}
	if _, err := triggers.Happen(t.Context(), "pub", row("4", `{"id":"o4"}`), "hook"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("nobody can tell: %v", err)
	}
}

func TestAnOccasionThatCannotBeSeenToIsToBeToldAgain(t *testing.T) {
	l := &library{}
	l.addTo(t, "shop", listener("all", `"type": "entity_insert", "entity": "orders"`))
	triggers := &tasks.Triggers{Source: l, Tasks: notStarting{}, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	if begun, err := triggers.Happen(t.Context(), "shop", row("1", `{}`), "hook"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("got %v, %v", begun, err)
	}
}

// keeping is a store that takes whatever is deployed.
type keeping struct{ tasks.VersionStore }

func (keeping) Deploy(_ context.Context, d saga.Deployment) (saga.Deployed, error) {
	return saga.Deployed{WorkflowVersion: saga.WorkflowVersion{Service: d.Service, Workflow: d.Workflow}}, nil
}

func TestWhoeverDeploysIsWarnedOfATriggerThatStartsNothing(t *testing.T) {
	r := newRig(t)
	withDefinitions(r)
	d := tasks.Deployer{VersionStore: keeping{}, Catalogue: r.dispatcher.Catalogue}
	for _, c := range []struct{ service, trigger, want string }{
		{"", `"type": "entity_insert", "entity": "orders"`, "/trigger/entity"},
		{"shop", `"type": "entity_insert", "entity": "orders"`, ""},
		{"", `"type": "signal", "signal_name": "ring"`, ""},
		{"", `"type": "schedule", "cron": "@daily", "input": {"record": 1}`, ""},
	} {
		_, warnings, err := d.Deploy(t.Context(), c.service, []byte(listener("w", c.trigger)), "ann", "")
		got := ""
		for _, w := range warnings {
			got += w.Pointer
		}
		if err != nil || got != c.want {
			t.Errorf("%s in %q: %v, %v", c.trigger, c.service, warnings, err)
		}
	}
}

// A workflow that is activated in this process hears what happens next, though nobody listened a moment ago.
func TestAnActivationIsHeardOfAtOnce(t *testing.T) {
	r := newRig(t)
	l, d := withDefinitions(r)
	triggers := &tasks.Triggers{Source: l, Tasks: r.dispatcher, Log: slog.New(slog.DiscardHandler), Now: time.Now, Changes: d.Changes}
	if begun, err := triggers.Happen(t.Context(), "shop", row("1", `{"id":"o1"}`), "hook"); err != nil || len(begun) > 0 {
		t.Fatalf("%v, %v", begun, err)
	}
	deployer := &tasks.Deployer{VersionStore: governed{library: l, t: t}, Catalogue: r.dispatcher.Catalogue}
	if _, err := deployer.ChangeVersion(t.Context(), saga.VersionChange{Service: "shop", Workflow: "all", State: saga.VersionActive}); err != nil {
		t.Fatal(err)
	}
	begun, err := triggers.Happen(t.Context(), "shop", row("1", `{"id":"o1"}`), "hook")
	if got := happened(begun); err != nil || got != "all" {
		t.Errorf("%s, %v", got, err)
	}
}

// governed is a library whose versions are activated by an operator.
type governed struct {
	tasks.VersionStore

	*library
	t *testing.T
}

func (g governed) ChangeVersion(_ context.Context, c saga.VersionChange) (saga.VersionChanged, error) {
	g.addTo(g.t, c.Service, listener(c.Workflow, `"type": "entity_insert", "entity": "orders"`))
	return saga.VersionChanged{WorkflowVersion: saga.WorkflowVersion{Service: c.Service, Workflow: c.Workflow, State: c.State}}, nil
}
