package tasks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
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
	return says + spelling.Ask(k.Name, names)
}

// noQueue tells that there is no queue of a name, and which there are.
func noQueue(pointer, name string, queues map[string]int) error {
	names := slices.Sorted(maps.Keys(queues))
	says := strings.Join(names, ", ")
	if ask := spelling.Ask(name, names); ask != "" {
		says += "." + ask
	}
	return saga.Invalid(pointer, "%q is not one of the queues: %s", name, says)
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
