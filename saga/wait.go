package saga

import (
	"fmt"
	"time"
)

func (k *walker) timer(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	rec := k.r.Step(path)
	switch {
	case rec == nil:
		d, err := guard2(func() (time.Duration, error) { return s.For(sc) })
		if err != nil {
			return k.fail(path, err)
		}
		k.record(Event{Kind: KindStepStarted, Path: path, StepKind: s.Kind, Due: MicrosOf(k.m.Now.Add(d))})
	case rec.Do.State == AttemptDone:
		return done
	case !k.m.Now.Before(rec.Do.Deadline):
		k.record(Event{Kind: KindStepDone, Path: path})
	default:
		k.due(rec.Do.Deadline)
	}
	return open
}

func (k *walker) signal(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	rec := k.r.Step(path)
	if rec == nil {
		e := Event{Kind: KindStepStarted, Path: path, StepKind: s.Kind}
		if s.Timeout > 0 {
			e.Due = MicrosOf(k.m.Now.Add(s.Timeout))
		}
		k.record(e)
		return open
	}
	switch rec.Do.State {
	case AttemptDone:
		return done
	case AttemptFailed:
		return k.gaveUp(s, rec)
	case AttemptNone, AttemptStarted, AttemptRetry:
	}
	for _, signal := range k.r.signals[s.Signal] {
		if !k.consumed[signal.seq] {
			k.consume(signal.seq)
			k.record(Event{Kind: KindStepDone, Path: path, Data: signal.payload, Ref: signal.seq})
			return open
		}
	}
	deadline := rec.Do.Deadline
	switch {
	case deadline.IsZero():
	case !k.m.Now.Before(deadline):
		k.record(Event{
			Kind: KindAttemptFailed, Path: path, Flags: Final | TimedOut,
			Error: fmt.Sprintf("no signal %q came within %v", s.Signal, s.Timeout),
		})
	default:
		k.due(deadline)
	}
	return open
}

func (k *walker) consume(seq int64) {
	if k.consumed == nil {
		k.consumed = map[int64]bool{}
	}
	k.consumed[seq] = true
}
