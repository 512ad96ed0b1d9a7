package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// family is a workflow that starts a child beside other things.
func (o *outside) family() *saga.Workflow {
	o.w.flow("kid", saga.Sequence(o.tree(1), o.leaf()))
	none := func(saga.Scope) (json.RawMessage, error) { return nil, nil }
	kid := saga.Sequence(saga.Child("c", "kid", none), o.leaf())
	return o.w.flow("flow", saga.Sequence(o.leaf(), saga.Parallel("p", kid, o.tree(1)), o.leaf()))
}

// kin starts and undoes children as a dispatcher does, over a journal that fails.
type kin struct{ *outside }

// StartChild implements [saga.Children].
func (k kin) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return k.d.fate("start "+id, func() error { return k.w.StartChild(ctx, parent, path, id, t) })
}

// UndoChild implements [saga.Children].
func (k kin) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return k.d.fate("undo "+id, func() error {
		if _, err := k.w.journal.Read(ctx, id); errors.Is(err, saga.ErrNotFound) {
			if err := k.w.StartChild(ctx, parent, path, id, t); err != nil {
				return err
			}
		}
		return k.w.UndoChild(ctx, parent, path, id, t)
	})
}

// children are those of a task whose journals are there.
func (o *outside) children(id string) []string {
	var there []string
	s, err := o.w.journal.Read(o.t.Context(), id)
	if err != nil {
		return nil
	}
	r, err := saga.Fold(s.Events)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, child := range r.Children() {
		if _, err := o.w.journal.Read(o.t.Context(), child); err == nil {
			there = append(there, child)
		}
	}
	return there
}

// carryOnAll carries a family on until nobody has anything to do, and returns who they are.
func (o *outside) carryOnAll() []string {
	delays := o.random.of("delays")
	for i := range 5000 {
		ids := append([]string{"t"}, o.children("t")...)
		busy, stuck := false, false
		for _, id := range ids {
			r := o.w.newRunner()
			r.Nonce = func() string { return fmt.Sprint("n", i, id) }
			r.Journal, r.Children = o.d, kin{o}
			err, died := o.deliver(r, id, o.w.flows[o.w.record(id).Created.Type].Opening())
			busy = busy || died || err != nil
			stuck = stuck || o.w.record(id).State == saga.Stuck
		}
		if !busy || stuck {
			return ids
		}
		o.w.outbox()
		time.Sleep(delays.upTo(1500 * time.Millisecond))
	}
	o.t.Errorf("the tasks do not end")
	return nil
}

// checkAll holds a family to what happened, if none of it is stuck.
func (o *outside) checkAll(ids []string) {
	records := map[string]*saga.Record{}
	for _, id := range ids {
		if records[id] = o.w.record(id); records[id].State == saga.Stuck {
			return
		}
	}
	for id, r := range records {
		o.check(r)
		parent := records["t"].State
		if id != "t" && r.State.Finished() && (parent == saga.Completed) != (r.State == saga.Completed) {
			o.t.Errorf("the parent is %s, the child %s", parent, r.State)
		}
	}
}

func TestCrashesInFamilies(t *testing.T) {
	fromSeeds(t, 8, func(t *testing.T, random *dice) {
		o := newOutside(t, random)
		posts := random.of("posts")
		o.d.post = func() {
			id := "t"
			if kids := o.w.record("t").Children(); len(kids) > 0 && posts.oneIn(2) {
				id = kids[0]
			}
			_, _ = o.w.journal.Post(context.WithoutCancel(t.Context()), id, saga.Message{
				Event: saga.Event{Kind: saga.KindCancel}, Dedupe: fmt.Sprint(posts.IntN(3)),
			})
		}
		o.w.start("t", o.family())
		ids := o.carryOnAll()
		time.Sleep(time.Minute)
		o.checkAll(ids)
		o.tellOfFailure()
	})
}
