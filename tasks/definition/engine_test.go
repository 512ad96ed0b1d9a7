package definition_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks/definition"
)

// shop carries activities out for tests: it notes them, and fails the type that it is told to.
type shop struct {
	flow  *saga.Workflow
	mu    sync.Mutex // steps run side by side
	trail []string
	fails string
	keys  map[string]bool
}

// Workflow implements [saga.Workflows].
func (s *shop) Workflow(context.Context, saga.Created) (*saga.Workflow, error) { return s.flow, nil }

// Action implements [definition.Activities].
func (s *shop) Action(name string) (definition.Action, error) {
	return definition.Action{
		Do: func(_ context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.note(c, name)
			switch {
			case s.keys[c.Key]:
				return nil, saga.Permanent(errors.New("the key was used before: " + c.Key))
			case s.fails == name && !c.Undo:
				return nil, saga.Permanent(errors.New("it is broken"))
			}
			s.keys[c.Key] = true
			return json.RawMessage(`{"id": "made"}`), nil
		},
		Undo: func(_ context.Context, c saga.Call, _, _ json.RawMessage) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.note(c, name)
			return nil
		},
	}, nil
}

func (s *shop) note(c saga.Call, name string) {
	what := map[bool]string{false: "do ", true: "undo "}[c.Undo]
	s.trail = append(s.trail, what+c.Path+" by "+name)
}

// run carries one task out on the engine itself, and tells where it ends.
func (s *shop) run(t *testing.T, d *definition.Definition, input string) saga.State {
	t.Helper()
	var err error
	if s.flow, err = d.Workflow(s); err != nil {
		t.Fatal(err)
	}
	return s.carry(t, d, input).State
}

// carry carries a task of the workflow out.
func (s *shop) carry(t *testing.T, d *definition.Definition, input string) *saga.Record {
	t.Helper()
	journal := storetest.NewMemory(time.Now)
	_, err := journal.Start(t.Context(), saga.Start{Created: saga.Created{
		ID: "t", Type: d.ID, TreeHash: s.flow.TreeHash(), Input: json.RawMessage(input), Owner: saga.NilOwner, Hash: "t",
	}})
	if err != nil {
		t.Fatal(err)
	}
	runner := &saga.Runner{
		Journal: journal, Workflows: s, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Random: func() float64 { return 0 }, Nonce: func() string { return "n" },
	}
	if err := runner.Run(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	snapshot, err := journal.Read(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	record, err := saga.Fold(snapshot.Events)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// TestTheEngineRunsADefinition has the runner do what a simulation only tells.
func TestTheEngineRunsADefinition(t *testing.T) {
	d := example(t, "process-payment")
	const input = `{"amount": 12.5, "customerId": "c1", "paymentMethod": "card"}`
	for fails, want := range map[string]string{
		"": "do chargeCustomer by call_stripe, do logTransaction by create_entity: completed",
		"create_entity": "do chargeCustomer by call_stripe, do logTransaction by create_entity, " +
			"undo logTransaction by create_entity, undo chargeCustomer by call_stripe: failed",
	} {
		s := &shop{fails: fails, keys: map[string]bool{}}
		state := s.run(t, d, input)
		if got := strings.Join(s.trail, ", ") + ": " + string(state); got != want {
			t.Errorf("%q fails\n got %s\nwant %s", fails, got, want)
		}
	}
}

// TestPoliciesOfADefinition looks at what the engine is told of attempts and timeouts.
func TestPoliciesOfADefinition(t *testing.T) {
	d := parsed(t, `
id: w
timeout_seconds: 7200
steps:
  - id: a
    type: activity
    activity: {type: call_api, params: {url: https://a.example/}, timeout_seconds: 7, retry_policy: {max_attempts: 5, initial_interval_seconds: 2, max_interval_seconds: 9}}
    compensate: {type: call_api, params: {url: https://a.example/}, timeout_seconds: 3, retry_policy: {max_attempts: 4}}
    compensation_steps: [x]
  - {id: b, type: activity, irreversible: true, activity: {type: send_sms, params: {to: t, text: t}}}
  - {id: x, type: activity, activity: {type: log_event, timeout_seconds: 5}}`)
	w, err := d.Workflow(&shop{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := w.Root.Steps[0], w.Root.Steps[1]
	do := saga.Retry{Attempts: 5, First: 2 * time.Second, Factor: 2, Max: 9 * time.Second}
	if a.Timeout != 7*time.Second || a.Retry != do || a.UndoTimeout != 8*time.Second || a.UndoRetry.Attempts != 4 {
		t.Errorf("a: %v %+v, undo %v %+v", a.Timeout, a.Retry, a.UndoTimeout, a.UndoRetry)
	}
	if b.Timeout != time.Minute || b.Retry.Attempts != 3 || b.Undo != nil || !b.Irreversible || w.Deadline != 2*time.Hour {
		t.Errorf("b: %v %+v, the whole %v", b.Timeout, b.Retry, w.Deadline)
	}
}

// TestStepsThatCompensateHaveKeysOfTheirOwn has two activities in one undo.
func TestStepsThatCompensateHaveKeysOfTheirOwn(t *testing.T) {
	d := parsed(t, `
id: w
compensation_steps: [z]
steps:
  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensate: {type: post_webhook, params: {url: https://a.example/, secret: '${secrets.S}', body: {}}}, compensation_steps: [x]}
  - {id: b, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: x, type: activity, activity: {type: call_openai, params: {path: /v1/x, key: '${secrets.K}'}}}
  - {id: z, type: activity, activity: {type: log_event}}`)
	s := &shop{fails: "query_entity", keys: map[string]bool{}}
	const want = "do a by call_api, do b by query_entity, undo a by post_webhook, undo a by call_openai, undo on.undo by log_event"
	if state := s.run(t, d, "{}"); state != saga.Failed || strings.Join(s.trail, ", ") != want {
		t.Errorf("%s: %v", state, s.trail)
	}
	for _, key := range []string{"t/a/undo/0/compensate", "t/a/undo/0/x", "t/on.undo/undo/0/z"} {
		if !s.keys[key] {
			t.Errorf("the key %s is not among %v", key, s.keys)
		}
	}
}

// TestTheTreeFollowsFromTheContent has one definition in two notations, and another one.
func TestTheTreeFollowsFromTheContent(t *testing.T) {
	yaml := parsed(t, "# a comment\nid: w\nsteps:"+step("a")+step("b"))
	same := parsed(t, `{"steps": [{"type": "activity", "id": "a", "activity": {"type": "log_event"}},
		{"id": "b", "type": "activity", "activity": {"type": "log_event"}}], "id": "w"}`)
	other := parsed(t, "id: w\nsteps:"+step("b")+step("a"))
	tree := func(d *definition.Definition) string {
		w, err := d.Workflow(&shop{})
		if err != nil {
			t.Fatal(err)
		}
		return w.TreeHash()
	}
	if yaml.Hash != same.Hash || tree(yaml) != tree(same) {
		t.Errorf("the same content: %s and %s, trees %s and %s", yaml.Hash, same.Hash, tree(yaml), tree(same))
	}
	if yaml.Hash == other.Hash || tree(yaml) == tree(other) {
		t.Error("another order has the same hash")
	}
}
