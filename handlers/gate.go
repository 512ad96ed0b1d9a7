package handlers

import (
	"context"
	"time"
)

const (
	// maxStarting is how many starts are under way at once in a process. More would not be done sooner: each would take
	// longer, until clients give up before they are answered, ask again, and nothing gets done at all.
	maxStarting = 256
	// maxQueuing is how long a start waits for its turn. A burst is over by then; a crowd is not.
	maxQueuing = time.Second
)

// gate holds whoever is starting a task.
type gate chan struct{}

// enter waits for a place, and returns what gives it back.
func (g gate) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-g }
	select {
	case g <- struct{}{}:
		return leave, nil
	default:
	}
	patience := time.NewTimer(maxQueuing)
	defer patience.Stop()
	select {
	case g <- struct{}{}:
		return leave, nil
	case <-patience.C:
		return nil, refuse(overloaded).because("%d tasks are being started here, and this one waited for its turn for %v.", maxStarting, maxQueuing)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
