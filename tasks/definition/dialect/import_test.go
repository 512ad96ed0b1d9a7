package dialect

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

const examples = "../../../examples/workflows/import/"

func example(t *testing.T, file string) *Import {
	t.Helper()
	raw, err := os.ReadFile(examples + file)
	if err != nil {
		t.Fatal(err)
	}
	made, err := Read(raw)
	if err != nil || len(made.Workflows) != 1 {
		t.Fatalf("%s: %d workflows, %v", file, len(made.Workflows), err)
	}
	return made
}

func TestTheExamplesAreImportedAndRun(t *testing.T) {
	for file, want := range map[string]struct {
		dialect Dialect
		script  string
		calls   string // of the simulation, in order
	}{
		"flat.yaml": {
			Flat, `{"input": {"refundId": "r1", "amount": 250.0}, "outputs": {"approval": {"outcome": "completed"}}}`,
			"do pay",
		},
		"fields.json": {
			Fields, `{"input": {"customer_name": "Grace", "party_size": 4, "deposit_each": 5}, "outputs": {"table_free": {"rows": []}}}`,
			"do check_input, do table_free, do deposit, do save, do confirm, do tell",
		},
		"deployed.json": {Deployed, `{"input": {"entity": "reservations", "data": {"party_size": 4}}}`, "do validateData, do createEntity"},
	} {
		made := example(t, file)
		w := made.Workflows[0]
		if made.Dialect != want.dialect || !w.Sound() {
			t.Errorf("%s is %s, and is sound: %t: %v %v", file, made.Dialect, w.Sound(), w.Notes, w.Problems)
			continue
		}
		d, problems := definition.Parse([]byte(w.Definition))
		if problems.Failed() {
			t.Fatal(problems)
		}
		script, problems := d.ParseScript([]byte(want.script))
		if problems.Failed() {
			t.Fatal(problems)
		}
		run, err := d.Simulate(script)
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		for _, m := range run.Moves {
			if m.Kind == "do" {
				calls = append(calls, "do "+m.Step)
			}
		}
		if got := strings.Join(calls, ", "); got != want.calls {
			t.Errorf("%s: it does %s, want %s", file, got, want.calls)
		}
	}
}

func TestTheNestedDialectIsRefused(t *testing.T) {
	w := example(t, "nested.json").Workflows[0]
	if w.Sound() || w.Definition != "" || len(w.Notes) != 1 || w.Notes[0].Kind != Refused {
		t.Errorf("%+v", w)
	}
}

// one is a workflow of one step.
func one(step string) string { return `{"id": "w", "steps": [` + step + `]}` }

func TestDecisionsAreTold(t *testing.T) {
	for _, test := range []struct{ name, source, note string }{
		{"an id that none can be", `{"id": "1 of 2", "steps": [{"id": "a", "type": "timer", "wait_timer": {"seconds": 1}}]}`, `mapped: /id: "1 of 2" cannot be an id: it is "_1_of_2" now.`},
		{"a trigger in a word", `{"id": "w", "trigger": "manual", "steps": [{"id": "a", "type": "timer", "wait_timer": {"seconds": 1}}]}`, "mapped: /trigger: It is {type: manual} here."},
		{"a trigger with members of other names", `{"id": "w", "trigger": {"type": "schedule", "schedule": "@daily", "timezone": "UTC"}, "steps": [{"id": "a", "type": "timer", "wait_timer": {"seconds": 1}}]}`, "mapped: /trigger/schedule: schedule is cron here."},
		{"any change of a row", `{"id": "w", "trigger": {"type": "entity_change", "entity": "a"}, "steps": [{"id": "a", "type": "timer", "wait_timer": {"seconds": 1}}]}`, "ambiguous: /trigger/type: Whether rows that come, change or go are meant is not said"},
		{"a type of another name", one(`{"id": "a", "type": "timer", "wait_timer": {"seconds": 1}}`), "mapped: /steps/0/type: timer is wait_timer here."},
		{"how it is drawn", one(`{"id": "a", "type": "timer", "x": 1, "wait_timer": {"seconds": 1}}`), "mapped: /steps/0/x: How it is drawn is not kept."},
		{"a member that nobody knows", one(`{"id": "a", "type": "timer", "optional": true, "wait_timer": {"seconds": 1}}`), "refused: /steps/0/optional: A definition has no such member"},
		{"a compensation that is not there", one(`{"id": "a", "type": "activity", "activity": {"type": "log_event"}, "compensation_steps": ["cleanup_partial_data"]}`), `ambiguous: /steps/0/compensation_steps: There is no step "cleanup_partial_data"`},
		{"a message", one(`{"id": "a", "type": "activity", "activity": {"type": "send_email"}}`), "ambiguous: /steps/0: A message cannot be taken back"},
		{"a call that nobody undoes", one(`{"id": "a", "type": "activity", "activity": {"type": "call_api"}}`), "ambiguous: /steps/0: The source does not say what undoes it"},
		{"no entity", one(`{"id": "a", "type": "create_entity", "uses_fields": ["b"]}`), "refused: /steps/0/target_entity: This is missing"},
		{"no field", one(`{"id": "a", "type": "create_entity", "target_entity": "b"}`), "refused: /steps/0/uses_fields: No field is named"},
		{"a field of a row that is not there", one(`{"id": "a", "type": "create_entity", "target_entity": "b", "uses_fields": ["Other.c"]}`), "ambiguous: /steps/0/uses_fields: No step before has a row of Other"},
		{"a row that is not named", one(`{"id": "a", "type": "update_entity", "target_entity": "b", "updates_fields": ["c"]}`), "ambiguous: /steps/0/uses_fields: Which row is meant is not said"},
		{"a row by its id", one(`{"id": "a", "type": "update_entity", "target_entity": "orders", "uses_fields": ["orderId"], "updates_fields": ["c"]}`), "mapped: /steps/0/uses_fields: orderId says which row is meant."},
		{"an expression among values", one(`{"id": "a", "type": "create_entity", "target_entity": "b", "field_values": {"c": "${input.d}"}}`), "ambiguous: /steps/0/field_values/c: It is taken for an expression."},
		{"a notification that is none", one(`{"id": "a", "type": "notify", "notification_type": "push"}`), `refused: /steps/0/notification_type: There is no notification by "push"`},
		{"a message to nobody", one(`{"id": "a", "type": "notify", "notification_type": "email"}`), "ambiguous: /steps/0/uses_fields: Who gets the message is not said: input.email."},
		{"a calculation of another kind", one(`{"id": "a", "type": "calculate", "calculation_type": "median", "calculation_fields": ["b"]}`), "refused: /steps/0/calculation_type: It should be sum or multiply."},
		{"a calculation of nothing", one(`{"id": "a", "type": "calculate", "calculation_type": "sum"}`), "refused: /steps/0/calculation_fields: No field is named."},
		{"no rule", one(`{"id": "a", "type": "validate"}`), "refused: /steps/0/validation_rules: There is no rule"},
		{"a filter that compares", one(`{"id": "a", "type": "check_availability", "target_entity": "b", "availability_filters": [{"field": "c", "operator": ">", "value": 1}]}`), "refused: /steps/0/availability_filters/0/operator: Rows are found by equal values only."},
		{"a step of no type", one(`{"id": "a", "type": "validate", "validation_rules": [{"field": "b", "type": "required"}]}, {"id": "c", "type": "dance"}`), `refused: /steps/1/type: There is no type "dance"`},
		{"code of the old worker", `{"workflows": [{"name": "w", "activities": ["insertReservation"]}]}`, `refused: /workflows/0/activities/0: "insertReservation" is code of the old worker`},
		{"nothing left", `{"workflows": [{"name": "w", "activities": ["insertReservation"]}]}`, "refused: /workflows/0: Nothing of it could be turned into a step."},
	} {
		t.Run(test.name, func(t *testing.T) {
			made, err := Read([]byte(test.source))
			if err != nil {
				t.Fatal(err)
			}
			w := made.Workflows[0]
			if !slices.ContainsFunc(w.Notes, func(n Note) bool { return strings.HasPrefix(n.String(), test.note) }) {
				t.Errorf("the notes are %v, want %s", w.Notes, test.note)
			}
			if strings.HasPrefix(test.note, "refused") && w.Sound() {
				t.Error("it is sound although something was refused")
			}
		})
	}
}

func TestWhatIsNoWorkflowIsRefused(t *testing.T) {
	for source, want := range map[string]string{
		``: "It is empty", `[]`: "there is no workflow", `{}`: "there is no workflow", `7`: "there is no workflow",
		`{"workflows": [1]}`: "/workflows/0 is no workflow", `&a [*a]`: "Anchors", `{"a": 1, "a": 2}`: "a second time",
	} {
		if _, err := Read([]byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := os.ReadDir(examples)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(examples + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		made, err := Read(raw)
		if err != nil {
			return
		}
		for _, w := range made.Workflows {
			if _, problems := definition.Parse([]byte(w.Definition)); w.Sound() && problems.Failed() {
				t.Errorf("sound, and yet: %v", problems)
			}
			if w.Definition == "" && !slices.ContainsFunc(w.Notes, func(n Note) bool { return n.Kind == Refused }) {
				t.Errorf("no definition of %q, and nobody says why", raw)
			}
		}
	})
}
