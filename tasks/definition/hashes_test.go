package definition_test

import (
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

// TestTreesStayAsTheyAre holds the trees of definitions to what earlier releases made of them: a task goes on with the tree
// that it began with, or not at all. A hash that changes here leaves running tasks alone: mend the builder, not this list.
func TestTreesStayAsTheyAre(t *testing.T) {
	human := func(members string) *definition.Definition {
		return parsed(t, "id: w\nsteps:\n  - {id: h, type: human_task, human_task: {assignee_role: r"+members+"}}"+step("a")+step("b")+step("z"))
	}
	for name, c := range map[string]struct {
		d    *definition.Definition
		want string
	}{
		"approve-expense":      {example(t, "approve-expense"), "0e353b1791ba763c"},
		"cancel-reservation":   {example(t, "cancel-reservation"), "44c1e3ddb67eddf6"},
		"create-reservation":   {example(t, "create-reservation"), "5d1a4e0d2af0051c"},
		"order-fulfilment":     {example(t, "order-fulfilment"), "2f5706d8cbe46901"},
		"process-payment":      {example(t, "process-payment"), "6ede453368c68e49"},
		"a human task":         {human(""), "c78d810b9013cffd"},
		"with a timeout":       {human(", title: t, timeout_seconds: 60"), "c78d810b9013cffd"},
		"with timeout steps":   {human(", timeout_steps: [a]"), "55af4f091c8d2547"},
		"with rejected steps":  {human(", rejected_steps: [b]"), "ed0da086e4c4de1a"},
		"with both, and empty": {human(", timeout_steps: [a], rejected_steps: []"), "55af4f091c8d2547"},
		"a signal": {parsed(t, "id: w\nsteps:\n  - {id: s, type: wait_signal, wait: {signal_name: go, timeout_seconds: 9, timeout_steps: [a]}}"+
			step("a")+step("z")), "b9abd02690b20304"},
		"a child":   {parsed(t, "id: w\nsteps:\n  - {id: k, type: child_workflow, child_workflow: {workflow_id: o, input: {a: 1}}}"+step("z")), "6409655145b868e0"},
		"a timer":   {parsed(t, "id: w\nsteps:\n  - {id: n, type: wait_timer, wait_timer: {seconds: 1 + 1}}"+step("z")), "211ed147be93f943"},
		"a delay":   {parsed(t, "id: w\nsteps:\n  - {id: d, type: activity, activity: {type: delay, params: {seconds: 9}}}"+step("z")), "0e68c5f0ce9e13cd"},
		"an end":    {parsed(t, "id: w\nsteps:"+cond("c", "t")+"\n  - {id: t, type: terminate, terminate: {outcome: completed}}"+step("z")), "96f93f46a03c7404"},
		"a failure": {parsed(t, "id: w\nsteps:"+cond("c", "t")+"\n  - {id: t, type: terminate, terminate: {outcome: failed}}"+step("z")), "0250d3051bcee002"},
		"a loop with all": {parsed(t, "id: w\nsteps:\n  - {id: l, type: loop, loop: {collection: [1], item_variable: x, concurrency: 2, steps: [p]}}"+
			"\n  - {id: p, type: parallel, parallel_steps: [a, [b]]}"+step("a")+step("b")), "66a467c9de0af935"},
		"an undo": {parsed(t, "id: w\ncompensation_steps: [z]\nsteps:\n  - {id: a, type: activity, on_error: continue, activity: {type: call_api, "+
			"params: {url: https://a.example/}}, compensate: {type: call_api, params: {url: https://a.example/}}, compensation_steps: [b]}"+step("b")+step("z")), "76b46e947b8eda03"},
	} {
		flow, err := c.d.Workflow(&shop{})
		if err != nil {
			t.Fatal(err)
		}
		if got := flow.TreeHash(); got != c.want {
			t.Errorf("%s: tree %s, want %s", name, got, c.want)
		}
	}
}
