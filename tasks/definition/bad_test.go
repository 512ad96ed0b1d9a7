package definition_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/tasks/definition"
)

// step is an activity without an effect.
func step(id string) string {
	return fmt.Sprintf("\n  - {id: %s, type: activity, activity: {type: log_event}}", id)
}

// cond is a condition whose branch has one step.
func cond(id, branch string) string {
	return fmt.Sprintf("\n  - {id: %s, type: condition, condition: {expression: 'true', true_steps: [%s]}}", id, branch)
}

// with is a definition whose only step has params of its own.
func with(params string) string {
	return `
input_schema: {type: object, required: [amount, name], properties: {amount: {type: number}, name: {type: string}, n: {type: integer}, tags: {type: array}}}
id: w
steps:
  - {id: before, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - id: s
    type: activity
    activity:
      type: log_event
      params: {v: ` + params + `}`
}

// TestNotationThatIsRefused has documents that are not looked at any closer.
func TestNotationThatIsRefused(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"nothing", " \n", "1:1: error: /: It is empty."},
		{"five megabytes", "id: " + strings.Repeat("x", 5<<20), "1:1: error: /: It has 5242884 bytes, at most 1048576 are allowed."},
		{"no UTF-8", "id: \xff", "1:1: error: /: It is not UTF-8."},
		{"no YAML", "id: [", "This is neither YAML nor JSON: "},
		{"a syntax error further down", "id: w\nsteps:\n\t- x", ":1: error: /: This is neither YAML nor JSON: found character that cannot start any token."},
		{"10,000 nested lists", strings.Repeat("[", 10_000), "This is neither YAML nor JSON: "},
		{"a million nested lists", strings.Repeat("[", 1<<20), "This is neither YAML nor JSON: exceeded max depth of 10000."},
		{"10,000 nested objects", strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), "This is nested too deeply: at most 64 levels are allowed."},
		{"10,000 nested dashes", strings.Repeat("- ", 10_000) + "x", "This is nested too deeply: at most 64 levels are allowed."},
		{"65 levels", strings.Repeat("[", 65) + strings.Repeat("]", 65), "This is nested too deeply: at most 64 levels are allowed."},
		{"a bomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "1:4: error: /a: Anchors and aliases (& and *) are not allowed: write the value out."},
		{"an alias", "a: x\nb: *a", "unknown anchor"},
		{"a merge key", "a: 1\n<<: {b: 2}", "A key in line 2 is not a plain name"},
		{"a tag", "id: !!binary aGk=", "1:5: error: /id: The tag !!binary is not allowed"},
		{"a key twice", "id: w\nid: v", "2:1: error: /id: The key stands here a second time: keep one."},
		{"a list as a key", "? [a]\n: 1", "A key in line 1 is not a plain name"},
		{"two documents", "id: w\n---\nid: v", "There is a second document"},
		{"an octal number", "id: 0x1F", "0x1F is not a number as JSON has them"},
		{"infinity", "id: .inf", ".inf is not a number as JSON has them"},
		{"a number beyond all", "id: 1e999", "this number is too large"},
		{"a list", "[]", "1:1: error: /: This is a list: give an object."},
		{"an unknown key", "id: w\nstep: []\nsteps: []", "2:7: error: /step: This is not known here: remove it, or mend its spelling."},
		{"no steps", "id: w\nsteps: []", "/steps: This has 0 items: give at least 1."},
		{"too many steps", "id: w\nsteps:" + strings.Repeat(step("a"), 2001), "/steps: This has 2001 items: at most 2000 are allowed."},
		{"no id", "steps:" + step("a"), "/id: id is missing: add it."},
		{"a step of another type", "id: w\nsteps:\n  - {id: a, type: activty}", `3:19: error: /steps/0/type: "activty" is not one of "activity", "parallel",`},
		{"a part of another type", "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: log_event}, loop: {}}", "/steps/0/loop: This is not known here, at least not for a step of this type"},
		{"a missing part", "id: w\nsteps:\n  - {id: a, type: loop}", "/steps/0/loop: loop is missing: add it."},
		{"no schema", "id: w\ninput_schema: {type: nothing}\nsteps:" + step("a"), "2:15: error: /input_schema: This is not a JSON Schema: "},
	} {
		refused(t, c.name, c.source, c.want)
	}
}

// TestTreesThatAreRefused has steps that do not fit together.
func TestTreesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, steps, want string }{
		{"an id twice", step("a") + step("a"), `4:10: error: /steps/1/id: The id "a" is taken by /steps/0`},
		{"a branch to nowhere", cond("c", "x"), `/steps/0/condition/true_steps/0: There is no step "x"`},
		{"a step in two branches", cond("c", "a") + cond("d", "a") + step("a"), `/steps/1/condition/true_steps/0: Step "a" would run twice: /steps/0/condition/true_steps/0 names it too.`},
		{"a step in its own branch", step("a") + cond("c", "c"), `/steps/1: Step "c" is in a cycle`},
		{"two steps in one another", step("a") + cond("c", "d") + cond("d", "c"), `/steps/1: Step "c" is in a cycle`},
		{"only steps in one another", cond("c", "c"), `/steps: Every step is named by another one`},
		{"next to nowhere", strings.Replace(step("a"), "id: a", "id: a, next: x", 1), `/steps/0/next: There is no step "x"`},
		{"next goes back", strings.Replace(step("a"), "id: a", "id: a, next: b", 1) + strings.Replace(step("b"), "id: b", "id: b, next: a", 1), `/steps/1/next: This goes back to step "a", which has run: a cycle.`},
		{"next goes into a branch", strings.Replace(step("a"), "id: a", "id: a, next: b", 1) + cond("c", "b") + step("b"), `/steps/0/next: Step "b" is named by a list`},
		{"next passes a step by", strings.Replace(step("a"), "id: a", "id: a, next: c", 1) + step("b") + step("c"), `/steps/1: Step "b" is never reached`},
		{"next against the list", cond("c", "a, b") + strings.Replace(step("a"), "id: a", "id: a, next: d", 1) + step("b") + step("d"), `/steps/1/next: After step "a" comes "b" by the list`},
		{"nothing after the end", step("a") + "\n  - {id: t, type: terminate, terminate: {outcome: completed}}" + step("b"), `/steps/2: Step "b" is never reached: every way before it terminates`},
		{"an end inside a loop", "\n  - {id: l, type: loop, loop: {collection: [1], item_variable: x, steps: [t]}}\n  - {id: t, type: terminate, terminate: {outcome: completed}}", `It stands in the loop "l"`},
		{"compensation that is not there", strings.Replace(step("a"), "id: a", "id: a, compensation_steps: [cleanup_partial_data]", 1), `/steps/0/compensation_steps/0: There is no step "cleanup_partial_data" to compensate with`},
		{"compensation that runs anyway", cond("c", "b") + step("b") + strings.Replace(step("a"), "id: a", "id: a, compensation_steps: [b]", 1), `Step "b" would run twice`},
		{"compensation by a loop", strings.Replace(step("a"), "id: a", "id: a, compensation_steps: [c]", 1) + cond("c", ""), `only activities compensate`},
		{"an activity that there is not", "\n  - {id: a, type: activity, activity: {type: execute_sql}}", `/steps/0/activity/type: There is no activity "execute_sql": write one of call_api,`},
		{"an effect of which nothing is said", "\n  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}}", `/steps/0: Step "a" (call_api) has an effect, and nothing says how it is undone`},
		{"an effect that is denied", "\n  - {id: a, type: activity, effect: none, activity: {type: create_entity, params: {entity: things, data: {}}}}", `it cannot be said to have no effect`},
		{"irreversible and compensated", "\n  - {id: a, type: activity, irreversible: true, compensate: {type: call_api, params: {url: https://a.example/}}, activity: {type: call_api, params: {url: https://a.example/}}}", `keep one of the two`},
		{"a failure after what is irreversible", "\n  - {id: a, type: activity, irreversible: true, activity: {type: send_sms, params: {to: t, text: t}}}\n  - {id: b, type: activity, activity: {type: query_entity, params: {entity: things}}}", `/steps/0/irreversible: Step "a" cannot be undone, and step "b", which comes after it or beside it, may fail`},
		{"a failure beside what is irreversible", "\n  - {id: p, type: parallel, parallel_steps: [a, b]}\n  - {id: a, type: activity, irreversible: true, activity: {type: send_sms, params: {to: t, text: t}}}\n  - {id: b, type: activity, activity: {type: query_entity, params: {entity: things}}}", `Step "a" cannot be undone, and step "b"`},
		{"what is irreversible again and again", "\n  - {id: l, type: loop, loop: {collection: [1], item_variable: x, steps: [a]}}\n  - {id: a, type: activity, irreversible: true, activity: {type: send_sms, params: {to: t, text: t}}}", `Step "a" cannot be undone, and step "a"`},
		{"timeouts beyond the deadline", "\n  - {id: l, type: loop, loop: {collection: [1], item_variable: x, max_items: 1000, steps: [a]}}" + step("a"), `The timeouts add up to 8h20m0s along the longest way (8h20m0s for one attempt at each activity, 0s for waits), and the whole task may take 1h0m0s`},
		{"an item with a step's name", "\n  - {id: l, type: loop, loop: {collection: [1], item_variable: a, steps: [a]}}" + step("a"), `"a" is the name of a step or an input field too`},
		{"a list that is too long", "\n  - {id: l, type: loop, loop: {collection: [1, 2], item_variable: x, max_items: 1, steps: [a]}}" + step("a"), `/steps/0/loop/collection: This has 2 items, and max_items is 1`},
		{"33 conditions in one another", nested(34), `stands in more than 32 others`},
	} {
		refused(t, c.name, "id: w\nsteps:"+c.steps, c.want)
	}
}

// nested is a tower of conditions.
func nested(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(cond(fmt.Sprint("c", i), fmt.Sprint("c", i+1)))
	}
	return b.String() + step(fmt.Sprint("c", n))
}

// TestExpressionsThatAreRefused has params that would go wrong when they run.
func TestExpressionsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, params, want string }{
		{"an unknown name", `"${nobody}"`, "10:19: error: /steps/1/activity/params/v: The expression nobody does not work: nobody is nothing that this definition knows"},
		{"an unknown field", `"${input.nme}"`, "the input has no field nme"},
		{"a step that is not there", `"${steps.x}"`, "there is no step x"},
		{"its own output", `"${s.x}"`, "step s has not run yet"},
		{"a type that does not fit", `"${name + 1}"`, "found no matching overload for '_+_' applied to '(string, int)'"},
		{"an open template", `"${name"`, "has no closing brace"},
		{"an empty template", `"${}"`, "${} is empty"},
		{"a syntax error", `"${name +}"`, "Syntax error"},
		{"a secret in an expression", `"${'x' + secrets.KEY}"`, "a secret may only stand by itself"},
		{"a secret that is escaped", `"$${secrets.KEY}"`, "would be taken for a secret"},
		{"all steps at once", `"${steps}"`, "the steps can only be named one by one"},
		{"a field of the task that there is not", `"${task.secret}"`, "write task.id"},
		{"a template in quotes", `'${"${name}" == "x"}'`, "is a string with a template in it"},
		{"a function that there is not", `"${eval(name)}"`, "undeclared reference to 'eval'"},
		{"a broken regular expression", `"${name.matches('(a+')}"`, "invalid matches argument"},
		{"an expression of 5,000 characters", `"${'` + strings.Repeat("x", 5000) + `' == name}"`, "it has 5010 characters, at most 4000 are allowed"},
		{"1,500 nested brackets", `"${` + strings.Repeat("(", 1500) + "1" + strings.Repeat(")", 1500) + `}"`, "recursion"},
		{"three loops in one another", `"${[1].all(a, [1].all(b, [1].all(c, a == b)))}"`, "nesting"},
	} {
		refused(t, c.name, with(c.params), c.want)
	}
}

// refused holds a bad definition to its problem, and to being quick about it.
func refused(t *testing.T, name, source, want string) {
	t.Helper()
	began := time.Now()
	d, problems := definition.Parse([]byte(source))
	if d != nil || !strings.Contains(problems.Error(), want) {
		t.Errorf("%s: want %q, got %.1000s", name, want, problems.Error())
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("%s took %v", name, took)
	}
}

// TestNestingCostsNoMoreThanItIs has loops and branches in one another, whose walks must not multiply.
func TestNestingCostsNoMoreThanItIs(t *testing.T) {
	const sms = "\n  - {id: s%d, type: activity, irreversible: acknowledged, activity: {type: send_sms, params: {to: t, text: t}}}"
	loops, branches := "", ""
	for i := range 31 {
		loops += fmt.Sprintf("\n  - {id: n%d, type: loop, loop: {collection: [1], item_variable: x%d, steps: [s%d, n%d]}}"+sms, i, i, i, i+1, i)
		branches += fmt.Sprintf("\n  - {id: n%d, type: parallel, parallel_steps: [s%d, [t%d, n%d]]}"+sms+step(fmt.Sprint("t", i)), i, i, i, i+1, i)
	}
	for name, steps := range map[string]string{"loops": loops, "branches": branches} {
		for _, irreversible := range []string{"acknowledged", "true"} {
			began := time.Now()
			source := "id: w\ntimeout_seconds: 31536000\nsteps:" + strings.ReplaceAll(steps+step("n31"), "acknowledged", irreversible)
			d, problems := definition.Parse([]byte(source))
			if sound := irreversible == "acknowledged"; sound != (d != nil) {
				t.Errorf("%s: %v", name, problems)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%s took %v", name, took)
			}
		}
	}
}

// TestGuardsAreAskedFor has outputs that are there on some ways only.
func TestGuardsAreAskedFor(t *testing.T) {
	base := `
id: w
input_schema: {type: object, properties: {x: {type: string}}}
steps:
  - {id: c, type: condition, condition: {expression: x == "", true_steps: [a]}}
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${%s}"}}}`
	refused(t, "not guarded", fmt.Sprintf(base, "a.y"), "step a does not always have an output here: write has(steps.a) ? … : …")
	parsed(t, fmt.Sprintf(base, "has(steps.a) ? a.y : null"))
	refused(t, "a step whose failure is passed over", `
id: w
steps:
  - {id: a, type: activity, on_error: continue, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${a.y}"}}}`, "step a does not always have an output here")
	refused(t, "a step that compensates", `
id: w
steps:
  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensation_steps: [x]}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${x.y}"}}}
  - {id: x, type: activity, activity: {type: log_event}}`, "step x only runs in a compensation: nothing sees its output")
	refused(t, "a step of a loop", `
id: w
steps:
  - {id: l, type: loop, loop: {collection: [1], item_variable: i, steps: [a]}}
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${a.y} ${i}"}}}`, "step a has an output for each item of the loop l")
	refused(t, "an item outside its loop", `
id: w
steps:
  - {id: l, type: loop, loop: {collection: [1], item_variable: i, steps: [a]}}
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${i}"}}}`, "i is the item of a loop: only the loop's own steps know it")
	refused(t, "a branch beside", `
id: w
steps:
  - {id: p, type: parallel, parallel_steps: [a, b]}
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${a.y}"}}}`, "step a has not run yet on any way that leads here")
	refused(t, "a name that is a type", `
id: w
input_schema: {type: object, properties: {list: {type: array}}}
steps:
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${list[0]}"}}}`, "list is a type in expressions: write input.list")
	refused(t, "a name of two things", `
id: w
input_schema: {type: object, properties: {a: {type: string}}}
steps:
  - {id: a, type: activity, activity: {type: query_entity, params: {entity: things}}}
  - {id: b, type: activity, activity: {type: log_event, params: {v: "${a}"}}}`, "a is a step and an input field: write steps.a or input.a")
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, source, want string }{
		{"a trigger of another kind", "trigger: {type: ui_action}\nid: w\nsteps:" + step("a"), `1:17: warning: /trigger/type: "ui_action" is no trigger`},
		{"a wait for ever", "id: w\nsteps:\n  - {id: a, type: wait_signal, wait: {signal_name: go}}", "A wait says nothing of how long it lasts: the task is compensated 1h0m0s after its start"},
		{"retries beyond the deadline", "id: w\ntimeout_seconds: 60\nsteps:" + step("a"), "2:18: warning: /timeout_seconds: With all attempts the longest way takes up to 1m33s"},
		{"an undo that needs what may be unknown", "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensate: {type: call_api, params: {url: https://a.example/, body: '${a.id}'}}}", `When the worker dies while step "a" runs, its output is not known`},
	} {
		d, problems := definition.Parse([]byte(c.source))
		if d == nil || len(problems) != 1 || !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, problems)
		}
	}
}

// TestOneMistakeIsOneProblem has mistakes that would have the schema call what stands around them unknown.
func TestOneMistakeIsOneProblem(t *testing.T) {
	const sound = `{id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}, timeout_seconds: 120, retry_policy: {max_attempts: 3}}, compensate: {type: call_api, params: {url: https://a.example/}}}`
	for _, c := range []struct{ right, wrong, want string }{
		{"120", "2m", "/steps/0/activity/timeout_seconds: This is a string: give a number."},
		{"max_attempts: 3", "max_attempts: many", "/steps/0/activity/retry_policy/max_attempts: This is a string: give a whole number."},
		{"max_attempts: 3", "max_attempt: 3", "/steps/0/activity/retry_policy/max_attempt: This is not known here"},
		{"compensate: {type", "compensate: {typ", "/steps/0/compensate/typ"},
	} {
		source := "id: w\nsteps:\n  - " + strings.Replace(sound, c.right, c.wrong, 1)
		d, problems := definition.Parse([]byte(source))
		if d != nil || !strings.Contains(problems.Error(), c.want) || strings.Contains(problems.Error(), "at least not for a step of this type") {
			t.Errorf("%s: want %q alone, got %v", c.wrong, c.want, problems)
		}
	}
}
