package tasks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// What is paused may be misspelt. That is said, unless it cannot be told.
func TestAPauseOfWhatNobodyKnows(t *testing.T) {
	fleet := newRig(t).fleet()
	few := []string{"order.create", "order.cancel"}
	many := make([]string, 2000)
	for i := range many {
		many[i] = fmt.Sprintf("flow-%04d", i)
	}
	asked := 0
	// stored lists workflows as a result store does, or fails.
	stored := func(list []string, err error) func(context.Context, saga.WorkflowQuery) ([]saga.WorkflowVersion, error) {
		return func(_ context.Context, q saga.WorkflowQuery) (page []saga.WorkflowVersion, _ error) {
			asked++
			for _, name := range list {
				if name > q.After.ID && len(page) < q.Limit {
					page = append(page, saga.WorkflowVersion{Service: "shop", Workflow: name})
				}
			}
			return page, err
		}
	}
	for _, c := range []struct {
		what, name string
		workflows  []string
		err        error
		says       string
	}{
		{"a type", "two", few, nil, ""},
		{"deliveries to webhooks", saga.WebhookType, few, nil, ""},
		{"a workflow", "order.cancel", few, nil, ""},
		{"one of the second page", "flow-0399", many[:400], nil, ""},
		{"a misspelt one", "order.creat", few, nil, "No type and no workflow of the name order.creat is known here: nothing is held until there is one. Is order.create meant?"},
		{"another word", "invoice.send", few, nil, "No type and no workflow of the name invoice.send is known here: nothing is held until there is one."},
		{"none of three pages", "invoice.send", many[:450], nil, "No type and no workflow of the name invoice.send is known here: nothing is held until there is one."},
		{"the store is away", "order.creat", few, saga.ErrUnavailable, ""},
		{"more than are looked at", "order.creat", many, nil, ""},
	} {
		fleet.Deployed, asked = stored(c.workflows, c.err), 0
		if got := fleet.Unheard(t.Context(), saga.PauseKey{Kind: saga.PauseType, Name: c.name}); got != c.says {
			t.Errorf("%s: says %q, want %q", c.what, got, c.says)
		}
		if asked > 5 {
			t.Errorf("%s: the store was asked %d times", c.what, asked)
		}
	}
	if got := fleet.Unheard(t.Context(), saga.PauseKey{Kind: saga.PauseService, Name: strings.Repeat("x", 9)}); got != "" {
		t.Errorf("of a service: %q", got)
	}
}
