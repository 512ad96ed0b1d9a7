package definition

import (
	"fmt"
	"strconv"
)

// node is a step in its place in the tree.
type node struct {
	*Step
	at    string    // its JSON pointer
	lists [][]*node // what stands in it: branches, a body, what follows a timeout or a rejection
	in    *node     // what it stands in; nil: the main sequence
	loop  *node     // the innermost loop around it
	depth int       // how many steps it stands in
	owner string    // the pointer of what names it; empty: the main sequence
	// compensates tells that compensation lists name it, any number of them: it runs in no other place.
	compensates bool

	compiled
}

// idList is a list of ids that stands in a step.
type idList struct {
	ids []string
	at  string
}

// inner are the lists that a step owns: one for each of [node.lists].
func (n *node) inner() []idList {
	lists := func(l ...idList) []idList { return l }
	switch n.Type {
	case typeParallel:
		branches := make([]idList, len(n.ParallelSteps))
		for i, b := range n.ParallelSteps {
			branches[i] = idList{b, n.at + "/parallel_steps/" + strconv.Itoa(i)}
		}
		return branches
	case typeCondition:
		return lists(idList{n.Condition.TrueSteps, n.at + "/condition/true_steps"}, idList{n.Condition.FalseSteps, n.at + "/condition/false_steps"})
	case typeLoop:
		return lists(idList{n.Loop.Steps, n.at + "/loop/steps"})
	case typeSignal:
		return lists(idList{n.Wait.TimeoutSteps, n.at + "/wait/timeout_steps"})
	case typeHuman:
		return n.humanLists()
	}
	return nil
}

// grow makes the tree of the flat list of steps: every step has one place, and is in reach.
func (d *Definition) grow(r *report) {
	d.steps = make(map[string]*node, len(d.Steps))
	for i := range d.Steps {
		n := &node{Step: &d.Steps[i], at: fmt.Sprintf("/steps/%d", i)}
		if first := d.steps[n.ID]; first != nil {
			r.errorf(n.at+"/id", "The id %q is taken by %s: give each step its own.", n.ID, first.at)
			continue
		}
		d.steps[n.ID] = n
	}
	if r.problems.Failed() {
		return
	}
	g := &grower{d: d, report: r, reached: map[string]bool{}}
	g.own()
	if r.problems.Failed() {
		return
	}
	d.main = g.chain()
	if r.problems.Failed() {
		return
	}
	g.fill(d.main, "", nil)
	g.leftOver()
}

type grower struct {
	*report
	d       *Definition
	reached map[string]bool
}

// own gives each step that a list names to that list.
func (g *grower) own() {
	for i := range g.d.Steps {
		n := g.d.steps[g.d.Steps[i].ID]
		for _, l := range n.inner() {
			for j, id := range l.ids {
				g.give(id, fmt.Sprintf("%s/%d", l.at, j))
			}
		}
	}
	for _, l := range g.d.undoLists() {
		for j, id := range l.ids {
			g.giveToUndo(id, fmt.Sprintf("%s/%d", l.at, j))
		}
	}
}

// undoLists are the compensation lists of the steps and of the whole.
func (d *Definition) undoLists() []idList {
	lists := []idList{{d.CompensationSteps, "/compensation_steps"}}
	for i := range d.Steps {
		lists = append(lists, idList{d.Steps[i].CompensationSteps, fmt.Sprintf("/steps/%d/compensation_steps", i)})
	}
	return lists
}

func (g *grower) give(id, at string) {
	n := g.d.steps[id]
	switch {
	case n == nil:
		g.errorf(at, "There is no step %q: mend the name, or add the step.", id)
	case n.owner != "":
		g.errorf(at, "Step %q would run twice: %s names it too.", id, n.owner)
	default:
		n.owner = at
	}
}

func (g *grower) giveToUndo(id, at string) {
	n := g.d.steps[id]
	switch {
	case n == nil:
		g.errorf(at, "There is no step %q to compensate with: add the step, or take the name out.", id)
	case n.Type != typeActivity:
		g.errorf(at, "Step %q is of type %s: only activities compensate.", id, n.Type)
	case n.Compensate != nil || len(n.CompensationSteps) > 0 || n.Irreversible != nil:
		g.errorf(at, "Step %q compensates, so it cannot have a compensation or be irreversible itself.", id)
	case n.owner != "":
		g.errorf(at, "Step %q would run twice: %s names it too.", id, n.owner)
	default:
		n.compensates, g.reached[id] = true, true
	}
}

// leftOver tells of steps that nothing leads to.
func (g *grower) leftOver() {
	for i := range g.d.Steps {
		n := g.d.steps[g.d.Steps[i].ID]
		switch {
		case g.reached[n.ID]:
		case n.owner != "":
			g.errorf(n.at, "Step %q is in a cycle: %s names it, and is itself only reached through it.", n.ID, n.owner)
		default:
			g.errorf(n.at, "Step %q is never reached: no step has it as its next.", n.ID)
		}
	}
}
