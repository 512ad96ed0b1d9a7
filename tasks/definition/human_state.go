package definition

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

// HumanTask tells how the human task at a path stands in a task's record at a moment by the journal's clock, and who may
// answer it then. From the task's deadline on nobody may, whether a runner has looked or not.
func (d *Definition) HumanTask(r *saga.Record, path string, at time.Time) saga.HumanTask {
	t := saga.HumanTask{Task: r.Created.ID, Service: r.Created.Service, Owner: r.Created.Owner, Step: path}
	n := d.steps[stepOf(path)]
	if n == nil || n.Type != typeHuman {
		return t
	}
	wait := r.Step(path)
	escalated := wait != nil && wait.Do.State == saga.AttemptFailed && n.escalates()
	t.Human, t.State = n.human(escalated), saga.HumanAhead
	if wait == nil {
		return t
	}
	t.Since = wait.StartedAt
	if second := r.Step(path + secondSuffix); escalated && second != nil {
		wait = second
	}
	switch again := wait.Path != path; {
	case wait.Do.State == saga.AttemptDone:
		t.State = saga.HumanAnswered
	case r.Phase == saga.Undo || r.Cancel != nil || r.State.Finished(), late(r, at):
		t.State = saga.HumanOver
	case wait.Do.State != saga.AttemptFailed:
		t.State = saga.HumanOpen
		if due := wait.Do.Deadline.Time(); !due.IsZero() {
			t.DueAt = &due
		}
	case escalated && !again: // it is about to wait again
		t.State = saga.HumanOpen
	default:
		t.State = saga.HumanOver
	}
	return t
}

// late tells whether the deadline of a whole task has passed.
func late(r *saga.Record, at time.Time) bool {
	deadline := r.Created.Deadline.Time()
	return !deadline.IsZero() && !at.Before(deadline)
}
