package handlers

import (
	"context"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// happened is an occasion that the fake was told.
type happened struct {
	saga.Occasion

	service, by string
}

// Happen starts a task of the workflow "demo"; of a table or a signal called "picky", one that refuses too.
func (f *fake) Happen(ctx context.Context, service string, o saga.Occasion, by string) ([]saga.Begun, error) {
	f.mu.Lock()
	f.happened = append(f.happened, happened{o, service, by})
	err := f.fail
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if o.Subject == "unheard" {
		return []saga.Begun{}, nil
	}
	task, created, err := f.Start(ctx, saga.Request{ID: fmt.Sprintf("%.32x", o.Key), Type: "demo", Service: service, Owner: saga.NilOwner})
	begun := []saga.Begun{{Workflow: saga.WorkflowKey{Service: service, ID: "demo"}, Task: task, Created: created, Err: err}}
	if o.Subject == "picky" {
		begun = append(begun, saga.Begun{Workflow: saga.WorkflowKey{Service: service, ID: "picky"}, Err: saga.Invalid("/input/n", "n is missing.")})
	}
	return begun, nil
}
