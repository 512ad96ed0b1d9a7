package definition_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// example parses one of the definitions in examples/workflows.
func example(t *testing.T, name string) *definition.Definition {
	t.Helper()
	raw, err := os.ReadFile("../../examples/workflows/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(raw))
}

// parsed parses a definition that has no error.
func parsed(t *testing.T, source string) *definition.Definition {
	t.Helper()
	d, problems := definition.Parse([]byte(source))
	if d == nil {
		t.Fatalf("%v\n%s", problems, source)
	}
	return d
}

// script reads a script for a definition.
func script(t *testing.T, d *definition.Definition, source string) definition.Script {
	t.Helper()
	s, problems := d.ParseScript([]byte(source))
	if len(problems) > 0 {
		t.Fatalf("%v\n%s", problems, source)
	}
	return s
}

// simulated tells how a task goes: "do a, do b!, undo b, undo a: failed". A ! marks what fails, a ~ what never came.
func simulated(t *testing.T, d *definition.Definition, s definition.Script) string {
	t.Helper()
	run, err := d.Simulate(s)
	if err != nil {
		t.Fatal(err)
	}
	var moves []string
	for _, m := range run.Moves {
		mark := map[string]string{"fails": "!", "nothing came": "~"}[m.Result]
		if m.Kind != "turn back" {
			moves = append(moves, m.Kind+" "+m.Step+mark)
		}
	}
	end := string(run.State)
	if len(run.NotUndone) > 0 {
		end += fmt.Sprint(" not undone ", run.NotUndone)
	}
	return strings.Join(moves, ", ") + ": " + end
}

const (
	reservation = `input: {customer_name: Ada, phone_number: "+49 1", reservation_date: 2026-12-24, reservation_time: "19:00", party_size: 4}`
	payment     = `input: {amount: 12.5, customerId: c1, paymentMethod: card}`
	order       = `
input: {order_id: o1, email: a@example.com, total: 2000, lines: [{sku: x, quantity: 1}, {sku: y, quantity: 2}]}
outputs: {awaitPayment: {method: card}}`
)

// TestTheRestaurantsWorkflows simulates the three workflows of a restaurant, well and badly.
func TestTheRestaurantsWorkflows(t *testing.T) {
	for _, c := range []struct{ name, script, failAt, want string }{
		{"create-reservation", reservation, "", "do insertReservation, do sendNotification: completed"},
		{"create-reservation", reservation, "insertReservation", "do insertReservation!, undo insertReservation: failed"},
		{
			"create-reservation", reservation, "sendNotification",
			"do insertReservation, do sendNotification!, undo insertReservation: failed not undone [sendNotification]",
		},
		{
			"cancel-reservation", `{input: {reservationId: r1, reason: ill}, outputs: {findGuest: {phone_number: "1"}}}`, "",
			"do updateReservationStatus, do findGuest, choose hasNumber, do sendNotification: completed",
		},
		{
			"cancel-reservation", `{input: {reservationId: r1, reason: ill}, outputs: {findGuest: {}}}`, "",
			"do updateReservationStatus, do findGuest, choose hasNumber: completed",
		},
		{"process-payment", payment, "", "do chargeCustomer, do logTransaction: completed"},
		{
			"process-payment", payment, "logTransaction",
			"do chargeCustomer, do logTransaction!, undo logTransaction, undo chargeCustomer: failed",
		},
		{"process-payment", payment, "chargeCustomer", "do chargeCustomer!, undo chargeCustomer: failed"},
	} {
		d := example(t, c.name)
		s := script(t, d, c.script)
		s.FailAt = c.failAt
		if got := simulated(t, d, s); got != c.want {
			t.Errorf("%s, %q fails\n got %s\nwant %s", c.name, c.failAt, got, c.want)
		}
	}
}

// TestARefundNamesWhatWasCharged looks at what the activities are called with.
func TestARefundNamesWhatWasCharged(t *testing.T) {
	d := example(t, "process-payment")
	for failAt, want := range map[string]string{
		"logTransaction": `{"body":{"metadata":{"task":"simulated"},"payment_intent":"pi_7"},"key":"${secrets.STRIPE_KEY}","path":"/v1/refunds"}`,
		"chargeCustomer": `{"body":{"metadata":{"task":"simulated"},"payment_intent":""},"key":"${secrets.STRIPE_KEY}","path":"/v1/refunds"}`,
	} {
		s := script(t, d, payment+"\noutputs: {chargeCustomer: {id: pi_7}}")
		s.FailAt = failAt
		run, err := d.Simulate(s)
		if err != nil {
			t.Fatal(err)
		}
		last := run.Moves[len(run.Moves)-1]
		if last.Kind != "undo" || last.Step != "chargeCustomer" || string(last.Calls[0].Params) != want {
			t.Errorf("%s fails: the last move is %s %s with\n got %s\nwant %s", failAt, last.Kind, last.Step, last.Calls[0].Params, want)
		}
		if charge := string(run.Moves[0].Calls[0].Params); !strings.Contains(charge, `"amount":1250,`) {
			t.Errorf("charged with %s", charge)
		}
	}
}

// TestAnOrderFailsAtEachStep is the issue's own example: branches side by side, a signal, a person, a loop.
func TestAnOrderFailsAtEachStep(t *testing.T) {
	d := example(t, "order-fulfilment")
	s := script(t, d, order)
	failures, unreached, err := d.Failures(s)
	if err != nil || len(unreached) > 0 {
		t.Fatalf("unreached %v, %v", unreached, err)
	}
	undone := "undo bookCourier, undo reserveStock, undo on.undo: failed"
	begin := "do checkOrder, do reserveStock, do bookCourier, do notePicking, "
	all := begin + "wait awaitPayment, choose isLarge, wait approve, repeat packLines, do packLines[0]/packLine, do packLines[1]/packLine, do ship, "
	want := map[string]string{
		"":                 all + "do tellCustomer: completed",
		"checkOrder":       "do checkOrder!, undo on.undo: failed",
		"reserveStock":     "do checkOrder, do reserveStock!, do bookCourier, " + undone,
		"notePicking":      "do checkOrder, do reserveStock, do bookCourier, do notePicking!, " + undone,
		"bookCourier":      "do checkOrder, do reserveStock, do bookCourier!, do notePicking, " + undone,
		"awaitPayment":     begin + "wait awaitPayment~, " + undone,
		"approve":          begin + "wait awaitPayment, choose isLarge, wait approve~, " + undone,
		"approve:rejected": begin + "wait awaitPayment, choose isLarge, wait approve, " + undone,
		"packLine": strings.TrimSuffix(strings.Replace(all, "packLine,", "packLine!,", 1), "do ship, ") +
			"undo packLines[1]/packLine, undo packLines[0]/packLine, " + undone,
		"ship":         strings.TrimSuffix(all, ", ") + "!, undo ship, undo packLines[1]/packLine, undo packLines[0]/packLine, " + undone,
		"tellCustomer": all + "do tellCustomer!: completed",
	}
	if len(failures) != len(want)-1 {
		t.Errorf("%d failures: %v", len(failures), failures)
	}
	for _, failAt := range append(failures, "") {
		s.FailAt = failAt
		if got := simulated(t, d, s); got != want[failAt] {
			t.Errorf("%q fails\n got %s\nwant %s", failAt, got, want[failAt])
		}
	}
}

func TestAStepOfEachType(t *testing.T) {
	log := func(id string) string {
		return fmt.Sprintf("\n  - {id: %s, type: activity, activity: {type: log_event, params: {n: 1}}}", id)
	}
	for _, c := range []struct{ name, steps, script, failAt, want string }{
		{"a timer", `
  - {id: nap, type: wait_timer, wait_timer: {seconds: 90}}` + log("b"), "", "", "wait nap, do b: completed"},
		{"a child", `
  - {id: sub, type: child_workflow, child_workflow: {workflow_id: other, input: {a: 1}}}` + log("b"), "", "", "do sub, do b: completed"},
		{"a child that fails", `
  - {id: a, type: activity, activity: {type: create_entity, params: {entity: things, data: {}}}}
  - {id: sub, type: child_workflow, child_workflow: {workflow_id: other}}`, "", "sub", "do a, do sub!, undo a: failed"},
		{
			"a signal that does not come has steps of its own", `
  - {id: w, type: wait_signal, wait: {signal_name: go, timeout_seconds: 60, timeout_steps: [late]}}` + log("late") + log("b"), "", "w",
			"wait w~, do late, do b: completed",
		},
		{
			"a signal that comes skips them", `
  - {id: w, type: wait_signal, wait: {signal_name: go, timeout_seconds: 60, timeout_steps: [late]}}` + log("late") + log("b"), "", "",
			"wait w, do b: completed",
		},
		{"a signal that nobody waits for too long", `
  - {id: w, type: wait_signal, wait: {signal_name: go, timeout_seconds: 60, timeout_steps: []}}` + log("b"), "", "w", "wait w~, do b: completed"},
		{
			"a rejection has steps of its own", `
  - {id: h, type: human_task, human_task: {assignee_role: r, rejected_steps: [no]}}` + log("no") + log("b"), "", "h:rejected",
			"wait h, do no, do b: completed",
		},
		{"terminate ends well in the middle", `
  - {id: c, type: condition, condition: {expression: "1 < 2", true_steps: [a, stop]}}
  - {id: stop, type: terminate, terminate: {outcome: completed}}` + log("a") + log("b"), "", "", "choose c, do a, do stop: completed"},
		{"terminate that is passed by", `
  - {id: c, type: condition, condition: {expression: "1 > 2", true_steps: [stop]}}
  - {id: stop, type: terminate, terminate: {outcome: completed}}` + log("a") + log("b"), "", "", "choose c, do a, do b: completed"},
		{"terminate ends badly", `
  - {id: a, type: activity, activity: {type: create_entity, params: {entity: things, data: {}}}}
  - {id: stop, type: terminate, terminate: {outcome: failed, reason: no}}`, "", "", "do a, undo a: failed"},
		{"next orders the main sequence", `
  - {id: a, type: activity, next: c, activity: {type: log_event}}
  - {id: b, type: activity, activity: {type: log_event}}
  - {id: c, type: activity, next: b, activity: {type: log_event}}`, "", "", "do a, do c, do b: completed"},
		{
			"loops in loops know both items", `
  - {id: l, type: loop, loop: {collection: "${[1, 2]}", item_variable: x, steps: [m]}}
  - {id: m, type: loop, loop: {collection: ["${x}", 10], item_variable: y, steps: [c]}}
  - {id: c, type: condition, condition: {expression: "x + y > 11", true_steps: [big]}}` + log("big"), "", "",
			"repeat l, repeat l[0]/m, choose l[0]/m[0]/c, choose l[0]/m[1]/c, repeat l[1]/m, choose l[1]/m[0]/c, choose l[1]/m[1]/c, do l[1]/m[1]/big: completed",
		},
		{"a failure that is passed over", `
  - {id: a, type: activity, on_error: continue, activity: {type: create_entity, params: {entity: things, data: {}}}}` + log("b"), "", "a", "do a!, undo a, do b: completed"},
		{"several steps compensate", `
  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensation_steps: [x, y]}
  - {id: b, type: activity, activity: {type: query_entity, params: {entity: things}}}` + log("x") + log("y"), "", "b", "do a, do b!, undo a: failed"},
		{"an expression that has no value", `
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${a.x + 1}"}}}`, "", "", "do a: failed"},
		{
			"an error that the other side of an or outweighs", `
  - {id: c, type: condition, condition: {expression: "1 > 2", true_steps: [a]}}
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: e, type: condition, condition: {expression: "a.y == 1 || !has(steps.a)", true_steps: [b]}}` + log("b"), "", "",
			"choose c, choose e, do b: completed",
		},
		{"too many items", `
  - {id: l, type: loop, loop: {collection: "${[1, 2, 3]}", item_variable: x, max_items: 2, steps: [a]}}` + log("a"), "", "", ": failed"},
	} {
		d := parsed(t, "id: w\nsteps:"+c.steps)
		s := script(t, d, c.script)
		s.FailAt = c.failAt
		if got := simulated(t, d, s); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestDataCannotNameASecret has an input that looks like a template of a secret.
func TestDataCannotNameASecret(t *testing.T) {
	d := parsed(t, `
id: w
input_schema: {type: object, properties: {a: {type: string}, b: {type: string}}, required: [a, b]}
steps:
  - {id: s, type: activity, effect: none, activity: {type: call_api, params: {url: https://a.example/, headers: {Authorization: "${secrets.KEY}"}, body: "${a}${b}"}}}`)
	for input, want := range map[string]saga.State{
		`{a: x, b: y}`:                 saga.Completed,
		`{a: "${secrets.KEY}", b: y}`:  saga.Failed,
		`{a: "${sec", b: "rets.KEY}"}`: saga.Failed,
	} {
		run, err := d.Simulate(script(t, d, "input: "+input))
		if err != nil || run.State != want {
			t.Errorf("%s: %v, %v", input, run, err)
		}
	}
}

// TestAnExpressionThatNeverEnds compares a thousand items with a thousand items.
func TestAnExpressionThatNeverEnds(t *testing.T) {
	d := parsed(t, `
id: w
input_schema: {type: object, properties: {list: {type: array}}, required: [list]}
steps:
  - {id: a, type: activity, activity: {type: log_event, params: {v: "${input.list.all(a, input.list.all(b, a + b > 0))}"}}}`)
	list := strings.TrimSuffix(strings.Repeat("1,", 1000), ",")
	run, err := d.Simulate(script(t, d, `{"input": {"list": [`+list+`]}}`))
	if err != nil || run.State != saga.Failed || !strings.Contains(run.Error, "it costs more than 200000 operations") {
		t.Errorf("%v, %v", run, err)
	}
	run, err = d.Simulate(script(t, d, `{"input": {"list": [1, 2, 3]}}`))
	if err != nil || run.State != saga.Completed || string(run.Moves[0].Calls[0].Params) != `{"v":true}` {
		t.Errorf("%v, %v", run, err)
	}
}
