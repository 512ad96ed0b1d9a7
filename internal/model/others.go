package model

// sender posts its message, and has the queue deliver the task.
func (m *machine) sender(s state, i int) {
	switch p := &s.senders[i]; p.at {
	case 0:
		if p.message == none {
			return
		}
		p.at = 2
		if !s.gone && !s.ended() {
			p.at = 1
			s.write(p.message)
			if s.lease != fresh && m.without != WakeMark {
				s.wake = true
			}
		}
		m.to(s, act{posts, i})
	case 1:
		p.at = 2
		if s.crashes < m.bounds.Crashes {
			dead := s
			dead.crashes++
			m.misfortune(dead, act{forgets, i})
		}
		s.deliver()
		m.to(s, act{wakes, i})
	}
}

// deliver has the queue deliver a task that it keeps for later.
func (s *state) deliver() {
	if s.parked {
		s.parked, s.soon = false, false
		s.ready++
	}
}

// takeOver has the queue deliver the task whatever it believes.
func (s *state) takeOver() {
	if s.deliver(); s.ready == 0 {
		s.ready = 1
	}
}

// sweep is what any sweeper does. It asks for no delivery while one is on its way.
func (m *machine) sweep(s state) {
	if s.gone || s.ended() || s.ready > 0 {
		return
	}
	if s.wake {
		woken := s
		woken.wake = m.without != WakeUntilClaim
		m.to(woken, act{sweepsWake, 0})
		if m.without == WakeUntilClaim && s.crashes < m.bounds.Crashes {
			woken.crashes++
			m.misfortune(woken, act{sweeperDies, 0})
		}
		woken.takeOver()
		m.to(woken, act{takesOver, 0})
	}
	unclaimed := !s.taken
	ended := s.lease == over && m.without != Overdue
	due := s.lease == released && s.due && m.without != DueTimes
	if unclaimed || ended || due {
		s.takeOver()
		m.to(s, act{sweepsOpen, 0})
	}
}

// flusher carries the row to the store.
func (m *machine) flusher(s state, i int) {
	f := &s.flushers[i]
	if f.at > 0 && s.crashes < m.bounds.Crashes {
		dead := s
		dead.crashes++
		dead.flushers[i] = flusher{}
		m.misfortune(dead, act{flusherDies, i})
	}
	switch f.at {
	case 0:
		if s.dirty != dirty || s.gone {
			return
		}
		s.dirty = handedOut
		if m.without == DirtyUntilRow {
			s.dirty = clean
		}
		f.at = 1
	case 1:
		f.at, f.version = 2, s.length
	case 2:
		f.at = 3
		s.stored = max(s.stored, f.version)
	case 3:
		m.clean(&s, f.version)
		*f = flusher{}
	}
	m.to(s, act{flushes, i})
}

// clean is the script: it forgets the mark of the version that was written, and lets what has ended expire.
func (m *machine) clean(s *state, version int8) {
	switch {
	case s.gone:
	case version == s.length:
		s.dirty = clean
		s.kept = s.kept || s.ended()
	case m.without == CleanVersion:
		s.dirty = clean
	case s.dirty == handedOut:
		s.dirty = dirty
	}
}

// time passes.
func (m *machine) time(s state) {
	if s.lease == fresh {
		m.expire(s)
	}
	if s.parked && s.soon {
		later := s
		later.deliver()
		m.to(later, act{comesDue, 0})
	}
	if s.dirty == handedOut {
		later := s
		later.dirty = dirty
		m.to(later, act{holdEnds, 0})
	}
	if s.loose {
		later := s
		later.loose = false
		m.to(later, act{looseEnds, 0})
		later.act()
		m.to(later, act{looseActs, 0})
	}
	if s.kept && !s.gone && s.ended() {
		s.gone, s.kept = true, s.stored == s.length
		m.to(s, act{expires, 0})
	}
}

// expire ends a lease. Of a runner that lives, that is a misfortune: it was paused, or cut off.
func (m *machine) expire(s state) {
	s.lease = over
	for i := range s.runners {
		if r := &s.runners[i]; r.holds {
			if s.pauses == m.bounds.Pauses {
				return
			}
			r.late = true
			s.pauses++
			m.misfortune(s, act{leaseEnds, 0})
			return
		}
	}
	m.to(s, act{leaseEnds, 0})
}

// forget is what a queue does that loses and doubles.
func (m *machine) forget(s state) {
	if s.losses < m.bounds.Losses && (s.ready > 0 || s.parked) {
		less := s
		less.losses++
		less.ready, less.parked, less.soon = 0, false, false
		m.misfortune(less, act{queueLoses, 0})
	}
	if s.echoes < m.bounds.Echoes && s.ready == 0 {
		s.echoes++
		s.ready++
		m.misfortune(s, act{queueEchoes, 0})
	}
}
