package definition_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

func TestDifferences(t *testing.T) {
	for _, c := range []struct{ name, older, newer, want string }{
		{"nothing", `{"id": "w", "n": 1}`, `{"n": 1, "id": "w"}`, ``},
		{"a value", `{"id": "w", "n": 1}`, `{"id": "w", "n": 1.0}`, `/n 1 1.0`},
		{"a member that came and one that went", `{"a": {"x~/": true}}`, `{"a": {"y": null}}`, `/a/x~0~1 true -; /a/y - null`},
		{"another kind of value", `{"a": {"b": 1}}`, `{"a": [1]}`, `/a {"b":1} [1]`},
		{"a longer list", `{"l": ["a", "b"]}`, `{"l": ["a", "c", "d"]}`, `/l/1 "b" "c"; /l/2 - "d"`},
		{
			"a step in between", `{"steps": [{"id": "a"}, {"id": "b", "n": 1}]}`, `{"steps": [{"id": "a"}, {"id": "x"}, {"id": "b", "n": 2}]}`,
			`/steps/2/n 1 2; /steps/1 - {"id":"x"}`,
		},
		{"a step less", `{"steps": [{"id": "a"}, {"id": "b"}]}`, `{"steps": [{"id": "b"}]}`, `/steps/0 {"id":"a"} -`},
		{"another order", `{"steps": [{"id": "a"}, {"id": "b"}]}`, `{"steps": [{"id": "b"}, {"id": "a"}]}`, `/steps ["a","b"] ["b","a"]`},
	} {
		list, err := definition.Differences([]byte(c.older), []byte(c.newer))
		if err != nil {
			t.Fatal(err)
		}
		words := make([]string, len(list))
		for i, d := range list {
			words[i] = d.Pointer + " " + or(d.Old) + " " + or(d.New)
		}
		if got := strings.Join(words, "; "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if _, err := definition.Differences([]byte(`{`), []byte(`{}`)); err == nil {
		t.Error("half a document is compared")
	}
}

func or(raw json.RawMessage) string {
	if raw == nil {
		return "-"
	}
	return string(raw)
}

// TestTheContentIsReadAgain has what is stored of a definition give the definition again, with its hash and its tree.
func TestTheContentIsReadAgain(t *testing.T) {
	for _, name := range []string{"process-payment", "order-fulfilment", "create-reservation", "cancel-reservation"} {
		d := example(t, name)
		again, problems := definition.Parse(d.Content)
		if again == nil {
			t.Fatalf("%s: %v", name, problems)
		}
		one, err := d.Workflow(&shop{})
		if err != nil {
			t.Fatal(err)
		}
		other, err := again.Workflow(&shop{})
		if err != nil {
			t.Fatal(err)
		}
		if again.Hash != d.Hash || string(again.Content) != string(d.Content) || other.TreeHash() != one.TreeHash() {
			t.Errorf("%s: hash %s became %s, tree %s became %s", name, d.Hash, again.Hash, one.TreeHash(), other.TreeHash())
		}
	}
}
