package definition

import (
	"cel.dev/cel-go/cel"

	"github.com/osp-platform/osp/saga"
)

// sequence compiles steps that run one after the other, and returns what has run after them.
func (c *compiler) sequence(nodes []*node, k known) known {
	for _, n := range nodes {
		if k.dead && !c.stored {
			c.errorf(n.at, "Step %q is never reached: every way before it terminates the task.", n.ID)
			return k
		}
		k = c.step(n, k)
	}
	return k
}

// step compiles one step, and returns what has run after it.
func (c *compiler) step(n *node, k known) known {
	here := func(at string) spot { return spot{at: n.at + at, step: n, known: k} }
	switch n.Type {
	case typeActivity:
		return c.activity(n, k)
	case typeParallel:
		return c.parallel(n, k)
	case typeCondition:
		n.test = c.typed(n.Condition.Expression, here("/condition/expression"), "true or false", cel.BoolKind)
		return merge(c.sequence(n.lists[0], k.clone()), c.sequence(n.lists[1], k.clone()))
	case typeLoop:
		c.loop(n, here("/loop/collection"))
		c.sequence(n.lists[0], k.clone())
		return k
	case typeSignal:
		return c.wait(n, k)
	case typeHuman:
		return c.human(n, k)
	case typeTimer:
		n.wait = literal{n.WaitTimer.Seconds}
		if s, ok := n.WaitTimer.Seconds.(string); ok {
			if x := c.typed(s, here("/wait_timer/seconds"), "a number", cel.IntKind, cel.DoubleKind, cel.UintKind); x != nil {
				n.wait = whole{x}
			}
		}
		return k
	case typeChild:
		n.params = c.params(n.ChildWorkflow.Input, here("/child_workflow/input"))
		return c.done(n, k)
	}
	return c.terminate(n, k)
}

// done is what has run once a step has.
func (c *compiler) done(n *node, k known) known {
	i := c.number[n.ID]
	k.sure.add(i)
	k.maybe.add(i)
	return k
}

func (c *compiler) params(given map[string]any, s spot) params {
	v, secrets := c.value(given, s)
	if given == nil {
		v = literal{map[string]any{}}
	}
	return params{v, secrets}
}

func (c *compiler) activity(n *node, k known) known {
	n.params = c.activityParams(n.Activity, spot{at: n.at + "/activity/params", step: n, known: k})
	if n.Compensate != nil {
		s := spot{at: n.at + "/compensate/params", step: n, known: k, own: true}
		n.undo = append(n.undo, &undoing{name: "compensate", activity: n.Compensate, params: c.activityParams(n.Compensate, s)})
	}
	n.undo = append(n.undo, c.undoList(n, n.CompensationSteps, k)...)
	after := c.done(n, k.clone())
	if c.d.onError(n) == saga.ContinueOnError {
		after.sure = k.sure
	}
	return after
}

// undoList compiles the steps of a compensation list, which see what the step that they compensate saw, and its output.
func (c *compiler) undoList(n *node, ids []string, k known) []*undoing {
	var all []*undoing
	for _, id := range ids {
		by := c.d.steps[id]
		s := spot{at: by.at + "/activity/params", step: n, known: k, own: true}
		all = append(all, &undoing{name: id, activity: by.Activity, params: c.activityParams(by.Activity, s)})
	}
	return all
}

func (c *compiler) parallel(n *node, k known) known {
	all := k.clone()
	for _, branch := range n.lists {
		after := c.sequence(branch, k.clone())
		all.sure.join(after.sure)
		all.maybe.join(after.maybe)
		all.dead = all.dead || after.dead
	}
	return all
}

func (c *compiler) loop(n *node, s spot) {
	switch given := n.Loop.Collection.(type) {
	case string:
		if x := c.typed(given, s, "a list", cel.ListKind); x != nil {
			n.items = whole{x}
		}
	default:
		n.items, _ = c.value(given, s)
		if l, ok := given.([]any); ok && len(l) > n.Loop.limit() {
			c.refusef(s.at, "This has %d items, and max_items is %d: raise it.", len(l), n.Loop.limit())
		}
	}
}

// defaultMaxItems is how long a loop's collection may be where the loop says nothing.
const defaultMaxItems = 1000

func (l *Loop) limit() int {
	if l.MaxItems > 0 {
		return l.MaxItems
	}
	return defaultMaxItems
}

func (c *compiler) wait(n *node, k known) known {
	came := c.done(n, k.clone())
	if n.Wait.TimeoutSteps == nil {
		return came
	}
	return merge(came, c.sequence(n.lists[0], k))
}

// terminate ends all ways. To end well in the middle of side by side or repeated steps has no meaning.
func (c *compiler) terminate(n *node, k known) known {
	k.dead = true
	if n.Terminate.Outcome != outcomeCompleted {
		return k
	}
	for owner := n.in; owner != nil; owner = owner.in {
		if owner.Type == typeLoop || owner.Type == typeParallel {
			c.refusef(n.at+"/terminate/outcome", "It stands in the %s %q: completed would end the task while the rest of that is under way. "+
				"Use failed, or a condition after it.", owner.Type, owner.ID)
			break
		}
	}
	return k
}

// The outcomes of terminate.
const (
	outcomeCompleted = "completed"
	outcomeFailed    = "failed"
)
