package definition_test

import (
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

// TestWhatWasAcceptedOnceIsLoaded has definitions that earlier releases accepted, or might have, and Parse refuses by now. The
// trees are those that these releases made: tasks that began with them go on.
func TestWhatWasAcceptedOnceIsLoaded(t *testing.T) {
	for name, c := range map[string]struct{ steps, refused, tree string }{
		"params that an activity does not know": {
			`{"activity":{"params":{"entity":"things","fields":["a"]},"type":"query_entity"},"id":"a","type":"activity"}`,
			"query_entity has no such param", "e928b7896872ad37",
		},
		"params that are missing, in a compensation": {
			`{"activity":{"params":{"url":"https://a.example/"},"type":"call_api"},"compensate":{"type":"post_webhook"},"id":"a","type":"activity"}`,
			"post_webhook needs the param", "4b8f9ddf8dea1e54",
		},
		"a credential in a header": {
			`{"activity":{"params":{"headers":{"Authorization":"x"},"url":"https://a.example/"},"type":"call_api"},"effect":"none","id":"a","type":"activity"}`,
			"This is a credential", "e928b7896872ad37",
		},
		"headers that data chooses": {
			`{"activity":{"params":{"headers":"${input}","url":"https://a.example/"},"type":"call_api"},"effect":"none","id":"a","type":"activity"}`,
			"Write the headers out", "e928b7896872ad37",
		},
		"an effect of which nothing is said": {
			`{"activity":{"params":{"text":"t","to":"t"},"type":"send_sms"},"id":"a","type":"activity"}`,
			"nothing says how it is undone", "b1e3a284ded7b8cf",
		},
		"a failure after what is irreversible": {
			`{"activity":{"params":{"text":"t","to":"t"},"type":"send_sms"},"id":"a","irreversible":true,"type":"activity"},` +
				`{"activity":{"params":{"entity":"things"},"type":"query_entity"},"id":"b","type":"activity"}`,
			"which comes after it", "e88050111a3433d1",
		},
		"timeouts beyond the deadline": {
			`{"id":"l","loop":{"collection":[1],"item_variable":"x","max_items":1000,"steps":["a"]},"type":"loop"},` +
				`{"activity":{"type":"log_event"},"id":"a","type":"activity"}`,
			"The timeouts add up", "cb7c0a19611b6f72",
		},
		"an escalation at the end": {
			`{"human_task":{"escalation":{"after_seconds":9,"assignee_role":"r"},"timeout_seconds":9},"id":"h","type":"human_task"}`,
			"make this less than timeout_seconds", "54ce9375e875f3cb",
		},
		"a list that is too long": {
			`{"id":"l","loop":{"collection":[1,2],"item_variable":"x","max_items":1,"steps":["a"]},"type":"loop"},` +
				`{"activity":{"type":"log_event"},"id":"a","type":"activity"}`,
			"max_items is 1", "cb7c0a19611b6f72",
		},
		"an item with a step's name": {
			`{"id":"l","loop":{"collection":[1],"item_variable":"a","steps":["a"]},"type":"loop"},{"activity":{"type":"log_event"},"id":"a","type":"activity"}`,
			"is the name of a step", "cb7c0a19611b6f72",
		},
		"an output that may not be there": {
			`{"activity":{"params":{"entity":"things"},"type":"query_entity"},"id":"a","on_error":"continue","type":"activity"},` +
				`{"activity":{"params":{"v":"${a.y}"},"type":"log_event"},"id":"b","type":"activity"}`,
			"does not always have an output", "84b5aa665d7ba0b4",
		},
		"a test that is a number": {
			`{"condition":{"expression":"1","true_steps":["a"]},"id":"c","type":"condition"},{"activity":{"type":"log_event"},"id":"a","type":"activity"}`,
			"it must be true or false", "afd65347a873e3c2",
		},
		"a step after the end": {
			`{"id":"t","terminate":{"outcome":"completed"},"type":"terminate"},{"activity":{"params":{"v":"${task.id}"},"type":"log_event"},"id":"a","type":"activity"}`,
			"is never reached", "319a7011a86c3a42",
		},
		"an end inside a loop": {
			`{"id":"l","loop":{"collection":[1],"item_variable":"x","steps":["t"]},"type":"loop"},{"id":"t","terminate":{"outcome":"completed"},"type":"terminate"}`,
			"It stands in the loop", "06e0ee7368b2eec0",
		},
	} {
		content := `{"id":"w","steps":[` + c.steps + `]}`
		if d, problems := definition.Parse([]byte(content)); d != nil || !strings.Contains(problems.Error(), c.refused) {
			t.Errorf("%s is not refused for %q: %v", name, c.refused, problems)
		}
		d, problems := definition.Load([]byte(content))
		if d == nil || len(problems) > 0 || string(d.Content) != content {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		flow, err := d.Workflow(&shop{})
		if err != nil {
			t.Fatal(err)
		}
		if got := flow.TreeHash(); got != c.tree {
			t.Errorf("%s: tree %s, want %s", name, got, c.tree)
		}
		if _, err := d.Simulate(definition.Script{Input: []byte(`{}`)}); err != nil {
			t.Errorf("%s does not run: %v", name, err)
		}
	}
}
