package saga

import (
	"math"
	"time"
)

// OnError says what a step that failed for good does to its task.
type OnError string

// What a failure leads to.
const (
	// Compensate undoes everything that began, and the task ends failed. It is the default.
	Compensate OnError = "compensate"
	// Fail means the same as Compensate: OSP's definitions use both words, and a task is never left half-done.
	Fail OnError = "fail"
	// ContinueOnError undoes that step only and goes on; its output is null.
	ContinueOnError OnError = "continue"
)

// Retry is a policy for the attempts of one step, or of its undo. A zero field takes its default.
type Retry struct {
	Attempts int           // in all, the first included
	First    time.Duration // delay before the second attempt
	Factor   float64       // by which the delay grows
	Max      time.Duration // the longest delay
	Jitter   float64       // 0..1: the part of the delay that is random
}

// DefaultRetry is OSP's own: three attempts, a second apart, doubling, at most ten.
var DefaultRetry = Retry{Attempts: 3, First: time.Second, Factor: 2, Max: 10 * time.Second, Jitter: 0.1}

// DefaultUndoRetry tries harder: an undo that fails for good needs a person.
var DefaultUndoRetry = Retry{Attempts: 10, First: time.Second, Factor: 2, Max: time.Minute, Jitter: 0.1}

// Default timeouts, and the limits of one task's crash loops.
const (
	DefaultTimeout = 2 * time.Minute
	// Grace is what a call may overstay its deadline before the rest of the world may act as if it were over.
	Grace = 2 * time.Second
	// MaxInterruptions is how often a step may be interrupted by the death of its worker before it fails for good.
	MaxInterruptions = 10
)

// or fills the zero fields of r from d.
func (r Retry) or(d Retry) Retry {
	if r.Attempts == 0 {
		r.Attempts = d.Attempts
	}
	if r.First == 0 {
		r.First = d.First
	}
	if r.Factor == 0 {
		r.Factor = d.Factor
	}
	if r.Max == 0 {
		r.Max = max(d.Max, r.First)
	}
	if r.Jitter == 0 {
		r.Jitter = d.Jitter
	}
	return r
}

// delay is how long to wait after the failed'th failure (from 1). random is in [0, 1).
func (r Retry) delay(failed int, random float64) time.Duration {
	d := float64(r.First) * math.Pow(r.Factor, float64(failed-1))
	d = min(d, float64(r.Max))
	return time.Duration(d * (1 - r.Jitter*random))
}
