package saga_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// ruin is a world whose Redis comes back empty now and then: what its result store has kept is all that is left, and
// the fences of the effects that happened.
type ruin struct {
	*outside
	fences map[string][]saga.Effect // by task
	net    map[string]int           // by task and path: how often an effect stands
	ever   map[string]int           // how often it happened

	mu      sync.Mutex
	kept    map[string]saga.Kept
	stored  map[string]int64        // versions of rows
	records map[string]*saga.Record // as of the rows
	losses  int
	hand    []saga.Snapshot // read to be written
	old     bool            // some of those since before the last loss
}

func newRuin(t *testing.T, random *dice) *ruin {
	t.Helper()
	x := &ruin{
		outside: newOutside(t, random),
		kept:    map[string]saga.Kept{}, fences: map[string][]saga.Effect{}, net: map[string]int{}, ever: map[string]int{},
		stored: map[string]int64{}, records: map[string]*saga.Record{},
	}
	x.d.post = x.mishap
	x.leaf = func() saga.Step {
		if x.built.oneIn(3) {
			return x.unfenced()
		}
		return x.fenced()
	}
	return x
}

// mishap is what comes from outside while tasks run: rows are written, Redis is emptied, somebody posts.
func (x *ruin) mishap() {
	ctx := context.WithoutCancel(x.t.Context())
	switch x.random.of("mishaps").IntN(8) {
	case 0, 1, 2:
		x.flush()
	case 3, 4:
		x.lose()
	case 5:
		x.note("cancel")
		_, _ = x.w.journal.Post(ctx, "t", saga.Message{Event: saga.Event{Kind: saga.KindCancel}, Dedupe: "cancel"})
	default:
		_, _ = x.w.journal.Post(ctx, "t", saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}})
	}
}

func (x *ruin) lose() {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.losses == 4, len(x.kept) == 0: // of what nobody keeps any longer, nothing can be made again
	case x.old: // ADR 0015: no write lasts from before one loss until after the next
	default:
		x.losses++
		x.old = len(x.hand) > 0
		x.note("Redis is emptied")
		x.w.journal.Lose()
	}
}

// flush writes some of the rows that are dirty, or has them in hand for a while.
func (x *ruin) flush() {
	x.take()
	if !x.random.of("flushes").oneIn(3) {
		x.write()
	}
}

func (x *ruin) take() bool {
	list, _ := x.w.journal.Dirty(x.t.Context(), 1+x.random.of("flushes").IntN(3))
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hand = append(x.hand, list...)
	return len(list) > 0
}

// write writes the rows in hand, each with its journal. What is lost by then is made again, and what is there in another
// life is written anew.
func (x *ruin) write() {
	x.writeHand()
	if x.old {
		for x.take() {
			x.writeHand()
		}
		x.old = false
	}
}

func (x *ruin) writeHand() {
	x.mu.Lock()
	var gone []string
	for _, s := range x.hand {
		x.note("flush %s up to %d", s.Ref.ID, len(s.Events))
		x.keep(s)
		lost, _ := x.w.journal.Clean(x.t.Context(), []saga.Flushed{{ID: s.Ref.ID, Version: s.Version, Stored: x.stored[s.Ref.ID]}})
		gone = append(gone, lost...)
	}
	x.hand = nil
	x.mu.Unlock()
	for _, id := range gone {
		_ = x.Restore(x.t.Context(), id)
	}
}

func (x *ruin) keep(s saga.Snapshot) {
	id := s.Ref.ID
	r, err := saga.Fold(s.Events)
	if err != nil || s.Version <= x.stored[id] {
		return
	}
	x.stored[id] = s.Version
	x.kept[id] = saga.Kept{ID: id, Version: s.Version, Journal: s.Stored}
	x.records[id] = r
	if _, kept := x.kept[r.Created.Parent]; r.State.Finished() && !kept { // nobody is above it any longer
		x.settle(id)
	}
}

// settle forgets what is kept of a task that has ended, and of those below it that have.
func (x *ruin) settle(id string) {
	delete(x.kept, id)
	for child := range x.kept {
		if r := x.records[child]; r.Created.Parent == id && r.State.Finished() {
			x.settle(child)
		}
	}
}

// lookUp returns what the store has kept of a task, as a store answers.
func (x *ruin) lookUp(id string) (saga.Kept, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	k, ok := x.kept[id]
	if !ok {
		return k, false
	}
	k.Effects = x.effects(id)
	if parent := x.records[x.records[id].Created.Parent]; parent != nil && parent.State.Finished() {
		k.Parent = parent.State
	}
	return k, true
}

func (x *ruin) effects(id string) []saga.Effect {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	return slices.Clone(x.fences[id])
}

// Restore implements [saga.Restorer].
func (x *ruin) Restore(ctx context.Context, id string) error {
	k, ok := x.lookUp(id)
	if !ok {
		return saga.ErrNotFound
	}
	m, err := saga.Restore(k)
	if err != nil {
		x.t.Errorf("restore %s: %v", id, err)
		return err
	}
	x.note("restore %s: %d events, %d more", id, len(m.Stored), len(m.Events))
	_, err = x.w.journal.Restore(ctx, m)
	return err
}

// StartChild implements [saga.Children], as a dispatcher does: what is kept of the child is continued.
func (x *ruin) StartChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return x.d.fate("start "+id, func() error { return x.child(ctx, parent, path, id, t) })
}

func (x *ruin) child(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	err := x.Restore(ctx, id)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, saga.ErrNotFound):
		return err
	case !t.Again:
		return x.w.StartChild(ctx, parent, path, id, t)
	}
	m, err := saga.RestoreChild(x.w.child(parent, path, id, t), x.effects(id))
	if err != nil {
		return err
	}
	_, err = x.w.journal.Restore(ctx, m)
	return err
}

// UndoChild implements [saga.Children].
func (x *ruin) UndoChild(ctx context.Context, parent saga.Created, path, id string, t saga.ChildTask) error {
	return x.d.fate("undo "+id, func() error {
		if _, err := x.w.journal.Read(ctx, id); errors.Is(err, saga.ErrNotFound) {
			if err := x.child(ctx, parent, path, id, t); err != nil {
				return err
			}
		}
		return x.w.UndoChild(ctx, parent, path, id, t)
	})
}

// outbox tells parents of their children's ends, and restores those that are lost.
func (x *ruin) outbox() {
	list, _ := x.w.journal.Outbox(x.t.Context(), 10)
	for _, d := range list {
		if _, err := x.w.journal.Read(x.t.Context(), d.Parent); errors.Is(err, saga.ErrNotFound) && x.Restore(x.t.Context(), d.Parent) != nil {
			return
		}
	}
	x.w.outbox()
}
