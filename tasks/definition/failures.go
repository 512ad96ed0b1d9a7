package definition

// Failures are all the ways in which a task with this script may fail, in the order in which its steps begin: values for
// [Script.FailAt]. Unreached are the steps that it does not come to.
func (d *Definition) Failures(s Script) (failures, unreached []string, err error) {
	s.FailAt = ""
	run, err := d.Simulate(s)
	if err != nil {
		return nil, nil, err
	}
	began := map[string]bool{}
	for _, m := range run.Moves {
		n := d.steps[stepOf(m.Step)]
		if n == nil || began[n.ID] || m.Kind == moveUndo || !n.speaks() {
			continue
		}
		began[n.ID] = true
		failures = append(failures, n.ID)
		if n.Type == typeHuman {
			failures = append(failures, n.ID+rejectedMark)
		}
		if n.escalates() {
			failures = append(failures, n.ID+escalatedMark)
		}
	}
	for i := range d.Steps {
		if n := d.steps[d.Steps[i].ID]; n.speaks() && !n.compensates && !began[n.ID] {
			unreached = append(unreached, n.ID)
		}
	}
	return failures, unreached, nil
}

// CanFail tells whether a step of that name, "<step>:rejected" or "<step>:escalated", can be made to fail in a simulation.
func (d *Definition) CanFail(name string) bool {
	for id, n := range d.steps {
		if n.speaks() && !n.compensates && (name == id || n.Type == typeHuman && name == id+rejectedMark || n.escalates() && name == id+escalatedMark) {
			return true
		}
	}
	return false
}
