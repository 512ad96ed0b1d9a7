package definition

// chain puts the steps that no list names in order: the main sequence. Either its steps name their next, all but the
// last, or they follow one another as they stand.
func (g *grower) chain() []*node {
	free, linked := g.free()
	if len(free) == 0 {
		g.errorf("/steps", "Every step is named by another one: the first step of the main sequence must be free.")
		return nil
	}
	if !linked {
		return free
	}
	var main []*node
	seen := map[string]bool{}
	for n := free[0]; n != nil; {
		main = append(main, n)
		seen[n.ID] = true
		if n.Next == "" {
			break
		}
		next := g.d.steps[n.Next]
		switch {
		case next == nil:
			g.errorf(n.at+"/next", "There is no step %q: mend the name, or add the step.", n.Next)
		case next.owner != "" || next.compensates:
			g.errorf(n.at+"/next", "Step %q is named by a list of another step: the main sequence cannot go there too.", n.Next)
			next = nil
		case seen[next.ID]:
			g.errorf(n.at+"/next", "This goes back to step %q, which has run: a cycle. Use a loop.", n.Next)
			next = nil
		}
		n = next
	}
	return main
}

// free are the steps that no list names, in the order of the document, and whether any of them names its next.
func (g *grower) free() (free []*node, linked bool) {
	for i := range g.d.Steps {
		if n := g.d.steps[g.d.Steps[i].ID]; n.owner == "" && !n.compensates {
			free = append(free, n)
			linked = linked || n.Next != ""
		}
	}
	return free, linked
}

// maxNesting is how many steps may stand in one another.
const maxNesting = 32

// fill puts the owned steps into their owners. after is the step that follows the list, in what the list stands in.
func (g *grower) fill(nodes []*node, after string, in *node) {
	for i, n := range nodes {
		g.reached[n.ID] = true
		following := after
		if i+1 < len(nodes) {
			following = nodes[i+1].ID
		}
		if n.Next != "" && n.Next != following {
			g.wrongNext(n, following)
		}
		if n.in = in; in != nil {
			n.loop, n.depth = in.innermost(), in.depth+1
		}
		if n.depth > maxNesting {
			g.errorf(n.at, "Step %q stands in more than %d others: at most so many are allowed.", n.ID, maxNesting)
			continue
		}
		for _, l := range n.inner() {
			inner := make([]*node, len(l.ids))
			for j, id := range l.ids {
				inner[j] = g.d.steps[id]
			}
			n.lists = append(n.lists, inner)
			g.fill(inner, following, n)
		}
	}
}

func (g *grower) wrongNext(n *node, following string) {
	if following == "" {
		g.errorf(n.at+"/next", "Step %q is the last of its list, and nothing follows: leave next out.", n.ID)
		return
	}
	g.errorf(n.at+"/next", "After step %q comes %q by the list that names it: leave next out, or write %q.", n.ID, following, following)
}

// innermost is the loop that steps in n run in; nil: none.
func (n *node) innermost() *node {
	if n.Type == typeLoop {
		return n
	}
	return n.loop
}
