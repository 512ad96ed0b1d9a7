package definition

import (
	"strings"

	"github.com/osp-platform/osp/saga"
)

// checkHumans holds human tasks to what the schema cannot say. What only has no use is warned of: it was allowed once.
func (d *Definition) checkHumans(r *report) {
	for i := range d.Steps {
		n := d.steps[d.Steps[i].ID]
		switch {
		case n.Wait != nil && strings.HasPrefix(n.Wait.SignalName, saga.HumanSignals):
			r.warnf(n.at+"/wait/signal_name", "Signals of this name are answers of human tasks, and nobody else can send them: take another name.")
		case n.HumanTask != nil:
			r.checkHuman(n)
		}
	}
}

func (r *report) checkHuman(n *node) {
	h, at := n.HumanTask, n.at+"/human_task"
	r.checkRole(h.AssigneeRole, at)
	e := h.Escalation
	if e == nil {
		return
	}
	r.checkRole(e.AssigneeRole, at+"/escalation")
	if h.first() >= h.due() {
		r.errorf(at+"/escalation/after_seconds", "It would be escalated after %v, and waits for %v in all: make this less than timeout_seconds.",
			h.first(), h.due())
	}
	for _, inner := range n.lists[listEscalation] {
		if ends := endings(inner); len(ends) > 0 {
			r.errorf(at+"/escalation/steps", "Step %q would end the task while somebody may still answer: use failed, or timeout_steps.", ends[0])
		}
	}
}

func (r *report) checkRole(role, at string) {
	if role == "reader" {
		r.warnf(at+"/assignee_role", "Readers change nothing: only operators may answer. Name another role.")
	}
}

// human compiles a human task: the escalation's steps come before whatever else it leads to.
func (c *compiler) human(n *node, k known) known {
	late := k
	if n.escalates() {
		late = c.sequence(n.lists[listEscalation], k.clone())
	}
	answered := merge(c.done(n, k.clone()), c.done(n, late.clone()))
	ways := []known{answered}
	if n.HumanTask.TimeoutSteps != nil {
		ways = append(ways, c.sequence(n.lists[listTimeout], late.clone()))
	}
	if n.HumanTask.RejectedSteps != nil {
		ways = append(ways, c.sequence(n.lists[listRejected], answered.clone()))
	}
	return merge(ways...)
}

// human walks a human task: the escalation's steps, the wait beside them, and what follows the answer or its absence.
func (w irreversibles) human(n *node, before *node) *node {
	late := before
	if n.escalates() {
		if late = w.sequence(n.lists[listEscalation], before); late != before && w.mayFail(n) {
			w.tell(late, n)
		}
	}
	after := late
	for _, l := range n.lists[:listEscalation] {
		if last := w.sequence(l, late); last != late {
			after = last
		}
	}
	return after
}

// takesHuman is how long a human task takes at most: until its end it waits, or carries out the steps of its escalation.
func (d *Definition) takesHuman(n *node) span {
	h := n.HumanTask
	wait := span{waits: h.due().Seconds()}
	if n.escalates() {
		wait = longer(wait, span{waits: h.first().Seconds()}.plus(d.along(n.lists[listEscalation])))
	}
	return wait.plus(longer(d.along(n.lists[listTimeout]), d.along(n.lists[listRejected])))
}
