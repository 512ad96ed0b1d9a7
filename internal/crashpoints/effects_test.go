package crashpoints

import (
	"fmt"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// effects is the world outside, behind fences as a result store has them: an effect happens once for its key, and not
// at all after its undo.
type effects struct {
	w      *world
	mu     sync.Mutex
	steps  map[string]*effect // by task and path
	trail  []string           // what really happened, in order
	mended bool               // the undos that fail for good work again
}

type effect struct {
	calls  int               // of the do
	open   map[int]time.Time // those that have not returned, by number: until when they may act
	key    string            // under which it happened; empty: it did not
	undone string            // the key under which it was undone, or made sure never to happen; empty: it was not
}

func (e *effects) of(task, path string) *effect {
	name := task + "/" + path
	if e.steps[name] == nil {
		e.steps[name] = &effect{open: map[int]time.Time{}}
	}
	return e.steps[name]
}

// begin notes that a do is called, and returns the number of the call. Nobody may call one whose undo has happened.
func (e *effects) begin(c saga.Call) (call int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.of(c.Task.ID, c.Path)
	if x.undone != "" {
		e.w.fail(doubled, "the do of %s/%s begins after its undo", c.Task.ID, c.Path)
	}
	x.calls++
	x.open[x.calls] = c.Deadline
	return x.calls
}

// end notes that a call of a do has returned. Those of dead processes never do.
func (e *effects) end(c saga.Call, call int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.of(c.Task.ID, c.Path).open, call)
}

// do makes the effect happen, or answers a replay.
func (e *effects) do(f saga.Fence) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.of(f.Task, f.Path)
	switch {
	case x.undone != "":
		return saga.ErrUndone
	case x.key == f.Key:
		return nil
	case x.key != "":
		e.w.fail(doubled, "the effect of %s/%s happens under two keys, %s and %s", f.Task, f.Path, x.key, f.Key)
	}
	x.key = f.Key
	e.trail = append(e.trail, fmt.Sprintf("do %s/%s", f.Task, f.Path))
	return nil
}

// undo takes the effect back; of one that never happened it makes sure that it never will.
func (e *effects) undo(f saga.Fence) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.of(f.Task, f.Path)
	switch x.undone {
	case "":
	case f.Key:
		return // a replay
	default:
		e.w.fail(doubled, "the undo of %s/%s happens under two keys, %s and %s", f.Task, f.Path, x.undone, f.Key)
	}
	for _, until := range x.open {
		if until.After(time.Now()) {
			e.w.fail(doubled, "%s/%s is undone while its do may act for another %v", f.Task, f.Path, time.Until(until))
		}
	}
	x.undone = f.Key
	e.trail = append(e.trail, fmt.Sprintf("undo %s/%s", f.Task, f.Path))
}

func (e *effects) broken() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.mended
}

func (e *effects) mend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mended = true
}
