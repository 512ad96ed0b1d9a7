package tasks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/osp-platform/osp/internal/spelling"
	"github.com/osp-platform/osp/saga"
)

const (
	unheardPatience = 2 * time.Second // the pause holds already
	unheardPage     = 200
	unheardPages    = 5 // beyond which nobody can tell whether a name is among them
)

// Unheard tells, in a sentence, that nobody here knows what is paused, for it may be misspelt. It says nothing when it is known, or
// when that cannot be told: a type may also be of a release to come, or of other processes.
func (f *Fleet) Unheard(ctx context.Context, k saga.PauseKey) string {
	if k.Kind != saga.PauseType {
		return ""
	}
	names, whole, err := f.names(ctx)
	if err != nil || !whole || slices.Contains(names, k.Name) {
		return ""
	}
	says := fmt.Sprintf("No type and no workflow of the name %s is known here: nothing is held until there is one.", k.Name)
	if meant := spelling.Nearest(k.Name, names); meant != "" {
		says += fmt.Sprintf(" Is %s meant?", meant)
	}
	return says
}

// names are what tasks' types are called, of those built in and of workflows that are data; whole tells whether these are all.
func (f *Fleet) names(ctx context.Context) (names []string, whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, unheardPatience)
	defer cancel()
	names = append(names, WebhookType)
	for _, t := range f.BuiltIn() {
		names = append(names, t.Name)
	}
	q := saga.WorkflowQuery{Limit: unheardPage}
	for range unheardPages {
		list, err := f.Deployed(ctx, q)
		if err != nil {
			return names, false, err
		}
		for _, v := range list {
			names, q.After = append(names, v.Workflow), v.Key()
		}
		if len(list) < q.Limit {
			return names, true, nil
		}
	}
	return names, false, nil
}
