package definition_test

import (
	"encoding/json"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

// seeds are the steps of sound definitions, for the fuzzer to make others of. Short ones: it spends its time on making long
// ones shorter.
var seeds = []string{
	step("a"), cond("c", "a") + step("a"),
	`
  - {id: p, type: parallel, parallel_steps: [a, [b]]}` + step("a") + step("b"),
	`
  - {id: l, type: loop, loop: {collection: "${[1]}", item_variable: x, steps: [a]}}` + step("a"),
	`
  - {id: w, type: wait_signal, wait: {signal_name: go, timeout_seconds: 1, timeout_steps: []}}`,
	`
  - {id: h, type: human_task, human_task: {assignee_role: r, rejected_steps: [t]}}
  - {id: t, type: terminate, terminate: {outcome: completed}}`,
	`
  - {id: n, type: wait_timer, wait_timer: {seconds: 1 + 1}}
  - {id: k, type: child_workflow, child_workflow: {workflow_id: o, input: {a: "${task.id}"}}}`,
	`
  - {id: a, type: activity, activity: {type: call_api, params: {url: "https://a.example/", headers: {X-K: "${secrets.K}"}}}, compensation_steps: [b]}` + step("b"),
}

func TestTheSeedsAreSound(t *testing.T) {
	for _, steps := range seeds {
		parsed(t, "id: w\nsteps:"+steps)
	}
}

// FuzzParse reads anything: it is refused with problems, or it makes a workflow that the engine takes.
func FuzzParse(f *testing.F) {
	for _, steps := range seeds {
		f.Add([]byte("id: w\nsteps:" + steps))
	}
	f.Add([]byte(`{"id": "w", "on_error": "continue", "steps": []}`))
	f.Add([]byte("id: w\nname: \"\\x7f \\u0085 \\u0090 \\uFFFE\"\nsteps:" + step("a")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, problems := definition.Parse(raw)
		if (d == nil) != problems.Failed() {
			t.Fatalf("a definition: %t, problems %v", d != nil, problems)
		}
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Detail == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
		}
		if d == nil {
			return
		}
		script, problems := d.ParseScript(nil)
		if problems.Failed() {
			return
		}
		if _, err := d.Simulate(script); err != nil {
			t.Logf("not simulated: %v", err)
		}
		again, _ := definition.Parse(raw)
		if again.Hash != d.Hash {
			t.Fatal("the hash changes")
		}
		if len(d.Content) > definition.MaxSize { // it is not deployed
			return
		}
		stored, problems := definition.Load(d.Content)
		if stored == nil || stored.Hash != d.Hash {
			t.Fatalf("it cannot be read again: %v", problems)
		}
	})
}

// FuzzExpression reads anything as an expression, and gives it a value if it is one.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`name`, `amount * 2.0`, `tags.all(t, t == name)`, `has(steps.before.x) ? before.x : 'none'`, `"a${name}`, `task.id + "x"`,
		`name.matches('^(a|b)*$')`, `{'a': [1, 2u, b"x"]}`, `duration('1h') > duration('1s')`, `type(name)`, `google.protobuf.Struct{}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		quoted, err := json.Marshal("${" + source + "}")
		if err != nil {
			t.Fatal(err)
		}
		d, _ := definition.Parse([]byte(with(string(quoted))))
		if d == nil {
			return
		}
		s, problems := d.ParseScript([]byte(`{"input": {"amount": 1.5, "name": "Ada", "tags": ["a"]}}`))
		if problems.Failed() {
			t.Fatal(problems)
		}
		if _, err := d.Simulate(s); err != nil {
			t.Fatal(err)
		}
	})
}
