package definition

import (
	"cmp"

	"github.com/osp-platform/osp/saga"
)

// onError is what the failure of a step does: what it says itself, else what holds for all.
func (d *Definition) onError(n *node) saga.OnError {
	return cmp.Or(n.OnError, d.OnError, saga.Compensate)
}

// irreversible tells whether an activity is said to be irreversible, and whether its author acknowledges what that means.
func (n *node) irreversible() (yes, acknowledged bool) {
	switch said := n.Irreversible.(type) {
	case bool:
		return said, false
	case string:
		return true, true
	}
	return false, false
}

// changes is the effect of an activity, with what the definition says of it.
func (n *node) changes() effect {
	if n.Effect == "none" {
		return effectNone
	}
	return activityTypes[n.Activity.Type].effect
}

// checkEffects holds every activity that changes something to a statement about its undo.
func (d *Definition) checkEffects(r *report) {
	for i := range d.Steps {
		if n := d.steps[d.Steps[i].ID]; n.Type == typeActivity && !n.compensates {
			r.checkEffect(n)
		}
	}
	walk := irreversibles{report: r, d: d, told: map[*node]bool{}}
	walk.sequence(d.main, nil)
}

func (r *report) checkEffect(n *node) {
	irreversible, _ := n.irreversible()
	compensated := n.Compensate != nil || len(n.CompensationSteps) > 0
	switch kind := activityTypes[n.Activity.Type].effect; {
	case n.Effect == "none" && (compensated || irreversible):
		r.errorf(n.at+"/effect", "Step %q has no effect, and yet it is compensated or irreversible: keep one of the two.", n.ID)
	case n.kind() == typeDelay && (compensated || irreversible):
		r.errorf(n.at, "A delay does nothing that could be undone: leave compensation and irreversible out.")
	case n.Effect == "none" && kind == effectUndone:
		r.errorf(n.at+"/effect", "Activity %s changes rows: it cannot be said to have no effect.", n.Activity.Type)
	case irreversible && compensated:
		r.errorf(n.at+"/irreversible", "Step %q is irreversible, and yet it is compensated: keep one of the two.", n.ID)
	case kind == effectUndone && compensated:
		r.errorf(n.at, "Activity %s is undone by the engine itself: leave its compensation out.", n.Activity.Type)
	case kind == effectOpen && n.Effect != "none" && !irreversible && !compensated:
		r.errorf(n.at, "Step %q (%s) has an effect, and nothing says how it is undone: give it compensate or compensation_steps, "+
			"or say irreversible: true, or effect: none.", n.ID, n.Activity.Type)
	}
}

// irreversibles finds steps that may fail for good after one that cannot be undone.
type irreversibles struct {
	*report
	d    *Definition
	told map[*node]bool
}

// sequence walks steps that run one after the other, with the irreversible step that came before them on some way, and
// returns the one that came before what follows.
func (w irreversibles) sequence(nodes []*node, before *node) *node {
	for _, n := range nodes {
		before = w.step(n, before)
	}
	return before
}

func (w irreversibles) step(n *node, before *node) *node {
	if before != nil && w.mayFail(n) {
		w.tell(before, n)
	}
	if n.Type == typeActivity {
		if yes, acknowledged := n.irreversible(); yes && !acknowledged {
			return n
		}
		return before
	}
	if n.Type == typeHuman {
		return w.human(n, before)
	}
	after := before
	for i, l := range n.lists {
		last := w.sequence(l, before)
		if last == nil || last == before {
			continue
		}
		after = last
		for j, other := range n.lists {
			// Other branches run beside it, and a loop's next iteration after it.
			if n.Type == typeParallel && i != j || n.Type == typeLoop {
				w.tell(last, w.firstToFail(other))
			}
		}
	}
	return after
}

// tell notes, once for each irreversible step, that another may fail when it has happened. Nil: none may.
func (w irreversibles) tell(irreversible, failing *node) {
	if failing == nil || w.told[irreversible] {
		return
	}
	w.told[irreversible] = true
	w.errorf(irreversible.at+"/irreversible", "Step %q cannot be undone, and step %q, which comes after it or beside it, may fail for good. "+
		"Move it to the end, or write irreversible: acknowledged.", irreversible.ID, failing.ID)
}

// firstToFail is the first step among some, and in them, that may fail for good.
func (w irreversibles) firstToFail(nodes []*node) *node {
	for _, n := range nodes {
		if w.mayFail(n) {
			return n
		}
		for _, l := range n.lists {
			if inner := w.firstToFail(l); inner != nil {
				return inner
			}
		}
	}
	return nil
}

// mayFail tells whether a step may fail for good and take the task with it.
func (w irreversibles) mayFail(n *node) bool {
	switch n.Type {
	case typeActivity:
		return w.d.onError(n) != saga.ContinueOnError && !activityTypes[n.Activity.Type].steady
	case typeSignal:
		return n.Wait.TimeoutSeconds > 0 && n.Wait.TimeoutSteps == nil
	case typeHuman:
		return n.HumanTask.TimeoutSteps == nil || n.HumanTask.RejectedSteps == nil
	case typeTerminate:
		return n.Terminate.Outcome == outcomeFailed
	}
	return n.Type == typeChild
}
