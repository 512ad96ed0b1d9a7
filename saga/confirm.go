package saga

import "time"

// confirm tells whether the start of the call must survive a failover before the call is made. A do whose start is lost
// would not be undone, be it fenced or not; and after an undo whose compensation is lost the task would go forward again.
func (w *Work) confirm() bool { return w.Undo || w.Step.hasEffect() }

// confirm tells whether a replica is to have what the plan records before its calls are made.
func (p *plan) confirm() bool {
	for i := range p.decision.Work {
		if p.decision.Work[i].confirm() {
			return true
		}
	}
	return false
}

// How long a call is put off of which no replica knows.
const (
	leastPutOff = 5 * time.Second
	mostPutOff  = 5 * time.Minute
)

// putOff is until when a call is put off: the longer, the longer that goes on already. Each time makes the journal grow, and a
// replica may be away for days.
func (a *Attempts) putOff(now time.Time) time.Time {
	wait := leastPutOff
	if a.PutOff != 0 {
		wait = min(max(now.Sub(a.PutOff.Time())/8, leastPutOff), mostPutOff)
	}
	return now.Add(wait)
}

// postpone puts calls off whose starts are recorded and not confirmed. They were not made, and count as no attempts.
func (x *run) postpone(list []Work) []Event {
	x.log.WarnContext(x.held, "no replica has acknowledged the start of a step: it is put off", "steps", len(list))
	x.unconfirmed = false
	facts := make([]Event, len(list))
	for i := range list {
		w := &list[i]
		a := x.record.attemptsOf(w)
		facts[i] = Event{
			Kind: KindAttemptFailed, Path: w.Path, Undo: w.Undo, N: w.N, Flags: Interrupted,
			Due: MicrosOf(a.putOff(x.now())), Error: "not called: no replica has the record of its start",
		}
		if a.Unknown || a.LostAt != 0 {
			facts[i].Flags |= Indefinite // of an earlier attempt it is not known: the idempotency key stays
		}
	}
	return facts
}
