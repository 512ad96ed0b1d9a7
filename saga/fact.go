package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// maxError is how much of an error's text is recorded, in bytes.
const maxError = 2 << 10

// fact is the event that records a result.
func (x *run) fact(res result) Event {
	w := res.call.work
	switch {
	case res.err != nil:
		return x.failure(res.call, res.err)
	case w.Step.Kind == KindChild:
		return Event{Kind: KindChildStarted, Path: w.Path, Undo: w.Undo}
	case w.Undo:
		x.log.InfoContext(x.held, "step undone", "step", w.Path, "attempt", w.Attempt)
		return Event{Kind: KindStepDone, Path: w.Path, Undo: true}
	}
	if err := x.checkOutput(res.output); err != nil {
		return x.failure(res.call, Permanent(err))
	}
	x.log.InfoContext(x.held, "step done", "step", w.Path, "attempt", w.Attempt)
	return Event{Kind: KindStepDone, Path: w.Path, Data: res.output}
}

func (x *run) checkOutput(output json.RawMessage) error {
	switch {
	case len(output) > MaxOutput:
		return fmt.Errorf("its output has %d bytes, at most %d are allowed", len(output), MaxOutput)
	case x.bytes+int64(len(output)) > SoftJournal:
		return fmt.Errorf("its output of %d bytes does not fit the task's journal of at most %d", len(output), SoftJournal)
	case len(output) > 0 && !json.Valid(output):
		return errors.New("its output is not valid JSON")
	}
	return nil
}

// failure is the event that records a failed attempt, and what is to become of the step.
func (x *run) failure(c *call, err error) Event {
	w := c.work
	policy := w.Step.Retry.or(DefaultRetry)
	if w.Undo {
		policy = w.Step.UndoRetry.or(DefaultUndoRetry)
	}
	after, permanent, definite := judge(err)
	attempts := x.record.attemptsOf(w)
	e := Event{Kind: KindAttemptFailed, Path: w.Path, Undo: w.Undo, N: w.N, Error: shorten(err.Error())}
	if !definite {
		e.Flags |= Indefinite
	}
	interrupted := c.asked || x.held.Err() != nil
	switch {
	case permanent:
		e.Flags |= Final
	case interrupted:
		e.Flags |= Interrupted | Indefinite
		e.Due = MicrosOf(x.now())
	case w.Step.Kind == KindChild && errors.Is(err, ErrUnavailable): // as for the task itself, nothing has failed
		e.Flags |= Interrupted
		e.Due = MicrosOf(attempts.putOff(x.now()))
	case attempts.Failed+1 >= policy.Attempts:
		e.Flags |= Final
	default:
		e.Due = MicrosOf(x.now().Add(max(policy.delay(attempts.Failed+1, x.Random()), after)))
	}
	if errors.Is(err, context.DeadlineExceeded) && !interrupted {
		e.Flags |= TimedOut | Indefinite
		e.Error = shorten(fmt.Sprintf("timed out after %v: %v", w.timeout(), err))
	}
	x.logFailure(w, e, err)
	return e
}

func (x *run) logFailure(w *Work, e Event, err error) {
	attrs := []any{
		"step", w.Path, "undo", w.Undo, "attempt", w.Attempt, "final", e.Flags&Final != 0, "error", e.Error,
	}
	if p := (*PanicError)(nil); errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	x.log.WarnContext(x.held, "attempt failed", attrs...)
}

func (r *Record) attemptsOf(w *Work) Attempts {
	if s := r.byPath[w.Path]; s != nil {
		return *s.attempts(w.Undo)
	}
	return Attempts{}
}

func shorten(s string) string {
	if len(s) <= maxError {
		return s
	}
	return s[:maxError] + "…"
}
