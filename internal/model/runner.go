package model

// plan is what a runner appends next, and what it does then.
type plan struct {
	decisions []event
	then      then
	call      stage // inDo, inUndo or idle
	due       bool
}

type then uint8

const (
	goOn then = iota
	park
	finish
)

// decide says what comes next, as saga.Decide does. mayAct tells that a do whose end is not recorded may act still.
func decide(r record, mayAct bool, without Rule) (p plan) {
	add := func(e event) {
		p.decisions = append(p.decisions, e)
		r.apply(e)
	}
	if !r.turned && (r.cancel || r.failed) {
		add(turned)
	}
	switch {
	case r.turned && r.starts > 0 && !r.undoDone:
		if mayAct && r.starts > r.results && without != UndoWaits {
			return p.parked(r, waitingDue)
		}
		add(undoStarted)
		p.call = inUndo
	case r.turned:
		add(undone)
		p.then = finish
	case !r.done:
		add(started)
		p.call = inDo
	case r.signal:
		add(completed)
		p.then = finish
	default:
		return p.parked(r, waiting)
	}
	return p
}

// parked ends a plan with a park. One that says nothing new is not recorded.
func (p plan) parked(r record, e event) plan {
	p.then, p.due = park, e == waitingDue
	if r.last != e {
		p.decisions = append(p.decisions, e)
	}
	return p
}

// claim takes a delivery, and the task if nobody has it.
func (m *machine) claim(s state, i int) {
	s.ready--
	switch {
	case s.gone || s.ended(): // the delivery is over
	case s.lease == fresh && m.without != FreshLease:
		s.keep(true)
	default:
		s.taken, s.lease, s.wake, s.due = true, fresh, false, false
		s.runners[1-i].holds = false
		s.runners[i] = runner{at: deciding, holds: true, read: s.length}
		if m.without == StartFirst && decide(fold(s.log[:s.length]), s.mayAct(i), Whole).call == inDo {
			s.runners[i].at = calling
		}
	}
	m.to(s, act{claims, i})
}

// keep has the queue keep the delivery for later.
func (s *state) keep(soon bool) {
	s.parked, s.soon = true, s.soon || soon
}

// append is the script: facts if the epoch holds, decisions if nothing came in between, and what follows from them.
func (m *machine) append(s state, i int) {
	r := &s.runners[i]
	if s.gone || s.lease == released || !r.holds && m.without != Epoch {
		*r = runner{}
		s.keep(true)
		m.to(s, act{appends, i})
		return
	}
	if !r.holds {
		s.broken = Overtaken
	}
	known := fold(s.log[:r.read])
	known.apply(r.fact)
	p := decide(known, s.mayAct(i), m.without)
	decided := s.length == r.read || m.without == ReadCheck
	s.write(r.fact)
	r.fact = none
	if decided {
		m.decided(&s, i, p)
	}
	if r.at != idle {
		r.read = s.length
	}
	m.to(s, act{appends, i})
}

// decided writes a plan's decisions and does what follows from them.
func (m *machine) decided(s *state, i int, p plan) {
	for _, e := range p.decisions {
		if e == completed || e == undone {
			s.finish(e)
		}
		s.write(e)
	}
	switch p.then {
	case park:
		s.lease, s.due = released, p.due
		s.runners[i] = runner{}
		s.keep(p.due)
	case finish:
		s.lease, s.wake, s.due = released, false, false
		s.kept = m.without == RowFirst
		s.runners[i] = runner{}
	case goOn:
		s.runners[i].at = calling
		if p.call == inUndo {
			s.runners[i].at = inUndo
		}
	}
}

// mayAct tells whether a do of somebody else may act still. Its deadline says so, and is told with its start.
func (s *state) mayAct(i int) bool { return s.loose || s.runners[1-i].at == inDo }

// call begins the do, if the lease lasts.
func (m *machine) call(s state, i int) {
	r := &s.runners[i]
	if (s.lease != fresh || !r.holds) && m.without != CallUnderLease {
		*r = runner{}
		s.keep(true)
		m.to(s, act{stops, i})
		return
	}
	if other := s.runners[1-i]; other.at == inDo && !other.late {
		s.broken = Twice
	}
	r.at = inDo
	m.to(s, act{begins, i})
}

// returns is the end of a call: the effect, and its result.
func (m *machine) returns(s state, i int) {
	r := &s.runners[i]
	if r.at == inUndo {
		s.undid = true
		r.at, r.fact = deciding, undoDone
		m.to(s, act{undoes, i})
		return
	}
	s.act()
	r.at, r.fact = deciding, done
	m.to(s, act{does, i})
	if m.bounds.Failing {
		s.runners[i].fact = failed
		m.to(s, act{fails, i})
	}
}

// renew extends a lease that nobody else has taken.
func (m *machine) renew(s state, i int) {
	s.lease = fresh
	s.runners[i].late = false
	m.to(s, act{renews, i})
}

// runner lets a runner do what it can.
func (m *machine) runner(s state, i int) {
	r := s.runners[i]
	switch r.at {
	case idle:
		if s.ready > 0 {
			m.claim(s, i)
		}
		return
	case deciding:
		m.append(s, i)
	case calling:
		m.call(s, i)
	case inDo, inUndo:
		m.returns(s, i)
	}
	if s.lease == over && r.holds {
		m.renew(s, i)
	}
	if s.crashes < m.bounds.Crashes {
		s.crashes++
		s.loose = s.loose || r.at == inDo
		s.runners[i] = runner{}
		m.misfortune(s, act{dies, i})
	}
}
