package saga_test

import (
	"strings"

	"github.com/osp-platform/osp/saga"
)

// check holds what is known in the end to what happened.
func (x *ruin) check() {
	x.w.mu.Lock()
	defer x.w.mu.Unlock()
	for step, n := range x.ever {
		if n > 1 {
			x.t.Errorf("%s happened %d times", step, n)
		}
	}
	for step, n := range x.net {
		x.checkFenced(step, n == 1)
	}
	for step := range x.did {
		x.checkUnfenced(step)
	}
	for id, r := range x.records {
		x.backwards(r, r.Recovered) // before that nobody knows
		parent := x.records["t"].State
		if r.State == saga.Completed && parent != saga.Completed && !x.undid(id) || !r.State.Finished() {
			x.t.Errorf("task %s is %s, its parent %s", id, r.State, parent)
		}
	}
}

// checkFenced wants an effect to stand where its task says so, and nowhere else.
func (x *ruin) checkFenced(step string, stands bool) {
	id, path, _ := strings.Cut(step, " ")
	r := x.records[id]
	if r == nil { // it was lost before its first row, and its parent has ended without it
		r = &saga.Record{State: x.records["t"].State}
	}
	if r.Last == 0 && r.State == saga.Completed {
		return
	}
	s := r.Step(path)
	if want := r.State == saga.Completed && s != nil && s.Do.State == saga.AttemptDone; stands != want {
		x.t.Errorf("task %s is %s; the effect of %s stands: %t; the journal knows %+v", id, r.State, path, stands, s)
	}
}

// checkUnfenced wants a step whose do was called to be undone where its task says so.
func (x *ruin) checkUnfenced(step string) {
	id, path, _ := strings.Cut(step, " ")
	r := x.records[id]
	if r == nil || r.State == saga.Completed {
		return
	}
	if s := r.Step(path); s == nil || s.Undo.State != saga.AttemptDone {
		x.t.Errorf("%s was called and not undone: %+v", step, s)
	}
}

// undid tells whether a child was undone without fences that would tell. Its last row may be lost, but not what it did.
func (x *ruin) undid(id string) bool {
	for step := range x.undone {
		if strings.HasPrefix(step, id+" ") {
			return true
		}
	}
	return false
}
