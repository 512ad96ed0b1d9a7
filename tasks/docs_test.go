package tasks_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestTheRequestsOfTheDocumentationAreValid(t *testing.T) {
	page, err := os.ReadFile("../docs/task-types.md")
	if err != nil {
		t.Fatal(err)
	}
	h := tasks.NewHTTP(tasks.HTTPOptions{})
	t.Cleanup(h.Close)
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, h)...)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?s)-d '(\{.*?\n\})'`).FindAllSubmatch(page, -1) {
		var body struct {
			Type, Service string
			Input         json.RawMessage
		}
		if err := json.Unmarshal(found[1], &body); err != nil {
			t.Fatalf("%v in\n%s", err, found[1])
		}
		if err := c.Validate(saga.Request{Type: body.Type, Service: body.Service, Input: body.Input}); err != nil {
			t.Errorf("%s: %v", body.Type, err)
		}
		seen[body.Type] = true
	}
	for _, typ := range c.Types() {
		if !seen[typ.Name] {
			t.Errorf("%s has no example", typ.Name)
		}
	}
}
