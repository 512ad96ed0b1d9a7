package results

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Pauses between attempts of what fails: twice as long from failure to failure, less up to half of it at random, so that
// processes which began to wait together do not come back together.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// outage is a time during which something fails. It is told of at its first failure, a minute later, and then whenever it
// has lasted twice as long, but once an hour at least.
type outage struct {
	what, over string // what is logged
	log        *slog.Logger
	now        func() time.Time
	random     func() float64

	failures    int // in a row
	since, next time.Time
}

// failed notes a failure, and returns how long to wait.
func (o *outage) failed(ctx context.Context, err error) time.Duration {
	pause := min(firstPause<<min(o.failures, 10), longestPause)
	pause -= time.Duration(float64(pause/2) * o.random())
	if e, ok := errors.AsType[*APIError](err); ok {
		pause = max(pause, e.Pause())
	}
	now := o.now()
	if o.failures == 0 {
		o.since, o.next = now, now
	}
	o.failures++
	if lasted := now.Sub(o.since); !now.Before(o.next) {
		o.log.WarnContext(ctx, o.what, "error", err, "failures", o.failures, "for", lasted, "again_in", pause)
		o.next = now.Add(min(max(lasted, time.Minute), time.Hour))
	}
	return pause
}

// ended notes a success, and tells whether it ends an outage.
func (o *outage) ended(ctx context.Context) bool {
	if o.failures == 0 {
		return false
	}
	o.log.InfoContext(ctx, o.over, "failures", o.failures, "after", o.now().Sub(o.since))
	o.failures = 0
	return true
}

// catchingUp counts the rows that are written once an outage is over, until none waits any longer.
type catchingUp struct {
	since time.Time // zero: there is nothing to catch up with
	rows  int
}

func (f *Flusher) beginCatchUp() {
	if f.late.since.IsZero() {
		f.late = catchingUp{since: f.Now()}
	}
}

func (f *Flusher) caughtUp(ctx context.Context) {
	if !f.late.since.IsZero() {
		f.Log.InfoContext(ctx, "all rows that waited are written", "rows", f.late.rows, "in", f.Now().Sub(f.late.since))
		f.late = catchingUp{}
	}
}

func (f *Flusher) outage(what, over string) *outage {
	random := f.Random
	if random == nil {
		random = saga.DefaultRandom
	}
	return &outage{what: what, over: over, log: f.Log, now: f.Now, random: random}
}
