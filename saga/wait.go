package saga

import (
	"fmt"
	"strings"
	"time"
)

func (k *walker) timer(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	rec := k.r.Step(path)
	switch {
	case rec == nil && k.hold():
	case rec == nil:
		d, err := guard2(func() (time.Duration, error) { return s.For(sc) })
		if err != nil {
			return k.fail(path, err)
		}
		k.record(Event{Kind: KindStepStarted, Path: path, StepKind: s.Kind, Due: MicrosOf(k.m.Now.Add(d))})
	case rec.Do.State == AttemptDone:
		return done
	case !k.m.Now.Before(rec.Do.Deadline.Time()):
		k.record(Event{Kind: KindStepDone, Path: path})
	default:
		k.due(rec.Do.Deadline.Time())
	}
	return open
}

func (k *walker) signal(s *Step, sc Scope) outcome {
	path := sc.prefix + s.Name
	rec := k.r.Step(path)
	if rec == nil && k.hold() {
		return open
	}
	if rec == nil {
		e := Event{Kind: KindStepStarted, Path: path, StepKind: s.Kind, Data: s.Human.note()}
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
	if signal, came := k.came(s, sc); came {
		k.consume(signal.seq)
		k.record(Event{Kind: KindStepDone, Path: path, Data: signal.payload, Ref: signal.seq})
		return open
	}
	deadline := rec.Do.Deadline.Time()
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

// came returns the first signal that a wait may consume. In a loop one may be meant for a single iteration: it has the
// iteration before its name, see [SignalTo].
func (k *walker) came(s *Step, sc Scope) (pendingSignal, bool) {
	names := []string{sc.prefix + s.Signal, s.Signal}
	if sc.prefix == "" {
		names = names[1:]
	}
	for _, name := range names {
		for _, signal := range k.r.signals[name] {
			if !k.consumed[signal.seq] {
				return signal, true
			}
		}
	}
	return pendingSignal{}, false
}

// SignalTo is the name of a signal for the wait at a path alone: "lines[3]/approved" for one in a loop. A wait takes those
// of its plain name too.
func SignalTo(path, signal string) string {
	return path[:strings.LastIndexByte(path, '/')+1] + signal
}

func (k *walker) consume(seq int64) {
	if k.consumed == nil {
		k.consumed = map[int64]bool{}
	}
	k.consumed[seq] = true
}
