package server

import (
	"context"

	"github.com/osp-platform/osp/saga"
)

// audit notes actions in the journal, from where they get into the result store, and reads them there.
type audit struct{ *Server }

// NoteAction implements handlers.Auditor.
func (a audit) NoteAction(ctx context.Context, action saga.Action) error {
	err := a.journal.NoteAction(ctx, action)
	if err == nil && action.Outcome != saga.OutcomeBegun { // its end comes soon
		a.auditor.Notify()
	}
	return err
}

// Actions implements handlers.Auditor.
func (a audit) Actions(ctx context.Context, q saga.ActionQuery) ([]saga.Action, error) {
	return a.store.Actions(ctx, q)
}
