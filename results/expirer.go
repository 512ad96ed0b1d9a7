package results

import (
	"context"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Shelf is the part of a [Store] that an [Expirer] works with.
type Shelf interface {
	Expire(ctx context.Context, before time.Time, limit int) (int, error)
}

// Expirer deletes, now and then, the rows of tasks that ended longer ago than Keep. Any number may work on one store. A
// row that is written once more after that, by a flusher that came late, goes with the next round.
type Expirer struct {
	Store Shelf
	Keep  time.Duration
	Log   *slog.Logger
	Now   func() time.Time

	Random func() float64 // for jitter; nil: [saga.DefaultRandom]
	Every  time.Duration  // about how often; zero: 10 minutes
	Rows   int            // at once; zero: 1,000
}

// Run deletes until ctx ends.
func (e *Expirer) Run(ctx context.Context) {
	for {
		// The first round waits, too: processes that are started together do not all begin at once.
		sleep(ctx, e.pause())
		if ctx.Err() != nil {
			return
		}
		n, err := e.round(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			e.Log.WarnContext(ctx, "old rows are not deleted, trying again later", "error", err)
		case n > 0:
			e.Log.InfoContext(ctx, "old rows deleted", "tasks", n, "kept_for", e.Keep)
		}
	}
}

// pause is between half and one and a half of Every.
func (e *Expirer) pause() time.Duration {
	random := e.Random
	if random == nil {
		random = saga.DefaultRandom
	}
	every := or(e.Every, 10*time.Minute)
	return every/2 + time.Duration(float64(every)*random())
}

// round deletes all that is old enough, some at a time.
func (e *Expirer) round(ctx context.Context) (total int, err error) {
	before, limit := e.Now().Add(-e.Keep), or(e.Rows, 1000)
	for {
		n, err := e.Store.Expire(ctx, before, limit)
		total += n
		if err != nil || n < limit {
			return total, err
		}
	}
}
