package saga

import "time"

// Task returns the record as the API and the result store show it. Version is the journal's.
func (r *Record) Task(version int64) Task {
	t := Task{
		ID: r.Created.ID, Type: r.Created.Type, Service: r.Created.Service, UserID: r.Created.Owner,
		Status: r.State.Status(), State: r.State, Phase: r.Phase, Input: r.Created.Input, Output: r.Output,
		Error: r.Reason, Steps: make([]StepView, len(r.Steps)), NotUndone: r.NotUndone, RetryOf: r.Created.RetryOf,
		CreatedAt: r.CreatedAt, StartedAt: moment(r.StartedAt), CompletedAt: moment(r.CompletedAt), Version: version,
		Queue: r.Created.Queue,
	}
	if t.Input == nil {
		t.Input = []byte("null")
	}
	if r.State == Waiting {
		t.WaitingFor = moment(r.Due.Time())
	}
	if r.State == Pending {
		t.WaitingFor = moment(r.Created.ProcessAt.Time())
	}
	for i, s := range r.Steps {
		t.Steps[i] = s.view(r.State)
	}
	return t
}

// Children returns the ids of the child tasks that the task began.
func (r *Record) Children() []string {
	var ids []string
	for _, s := range r.Steps {
		if s.Kind == KindChild {
			ids = append(ids, s.Child)
		}
	}
	return ids
}

func (s *StepRecord) view(task State) StepView {
	v := StepView{
		Path: s.Path, Kind: s.Kind, State: s.state(task), Attempts: s.Do.made(), UndoAttempts: s.Undo.made(),
		Output: s.Output, Error: s.Do.Error, UndoError: s.Undo.Error, Child: s.Child, StartedAt: s.StartedAt,
		Human: s.Human,
	}
	if s.Human != nil && v.State == StepWaiting {
		v.DueAt = moment(s.Do.Deadline.Time())
	}
	if s.Do.State == AttemptDone || s.Do.State == AttemptFailed {
		v.CompletedAt = moment(s.Do.EndedAt.Time())
	}
	if s.Undo.State == AttemptDone {
		v.UndoneAt = moment(s.Undo.EndedAt.Time())
	}
	for _, a := range []*Attempts{&s.Do, &s.Undo} {
		if a.State == AttemptRetry && !task.Finished() {
			v.NextAttemptAt = moment(a.RetryAt.Time())
		}
	}
	return v
}

func (s *StepRecord) state(task State) StepState {
	switch {
	case s.NotUndone:
		return StepNotUndone
	case s.Undo.State == AttemptDone:
		return StepCompensated
	case s.Undo.State == AttemptFailed:
		return StepStuck
	case s.Undo.State != AttemptNone:
		return StepCompensating
	case s.Do.State == AttemptDone:
		return StepCompleted
	case s.Do.State == AttemptFailed || task.Finished():
		return StepFailed
	case s.Do.State == AttemptRetry || s.Kind != KindActivity:
		return StepWaiting
	}
	return StepRunning
}

// made is how many attempts were begun.
func (a *Attempts) made() int {
	n := a.Failed + a.Interrupted
	if a.State == AttemptStarted || a.State == AttemptDone {
		n++
	}
	return n
}

// next is the number of the attempt that comes next.
func (a *Attempts) next() int { return a.made() + 1 }

// moment returns nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
