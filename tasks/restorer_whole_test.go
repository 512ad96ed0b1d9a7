package tasks_test

import (
	"context"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestARedisThatIsEmptyIsWholeWhereNothingIsKept(t *testing.T) {
	r := newRig(t)
	k, restorer := withKeeper(r)
	if complete, err := restorer.Complete(t.Context()); !complete || err != nil {
		t.Errorf("nothing is kept: %t, %v", complete, err)
	}
	r.start(saga.Request{ID: "t", Type: "one"})
	r.flush(k, "t")
	if complete, err := restorer.Complete(t.Context()); !complete || err != nil {
		t.Errorf("it was called whole: %t, %v", complete, err)
	}
	r.empty()
	if complete, err := restorer.Complete(t.Context()); complete || err != nil {
		t.Errorf("it is empty, and something is kept: %t, %v", complete, err)
	}
}

func TestNothingIsCalledWholeOfARedisThatWasEmptiedSinceItWasLookedAt(t *testing.T) {
	r := newRig(t)
	k, restorer := withKeeper(r)
	r.start(saga.Request{ID: "t", Type: "one"})
	r.flush(k, "t")
	r.empty()
	restorer.Store = &emptying{keeper: k, empty: r.empty}
	all, err := restorer.RecoverAll(t.Context(), false, nil)
	if err == nil || !strings.Contains(err.Error(), "once more") || all.Restored != 1 {
		t.Errorf("a recovery: %+v, %v", all, err)
	}
	delete(k.kept, "t")
	if complete, err := restorer.Complete(t.Context()); complete || err != nil {
		t.Errorf("nothing is kept: %t, %v", complete, err)
	}
	if whole, err := r.journal.Whole(t.Context()); whole || err != nil {
		t.Errorf("it is called whole: %t, %v", whole, err)
	}
	restorer.Store = k
	if complete, err := restorer.Complete(t.Context()); !complete || err != nil {
		t.Errorf("undisturbed: %t, %v", complete, err)
	}
}

// emptying is a keeper whose Redis comes back empty as soon as it has told the last of what it keeps.
type emptying struct {
	*keeper
	empty func()
}

func (e *emptying) AllKept(ctx context.Context, after string, limit int) ([]saga.Kept, error) {
	page, err := e.keeper.AllKept(ctx, after, limit)
	if len(page) == 0 {
		e.empty()
	}
	return page, err
}
