package tasks

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// A row is written some 100 ms after the start: a flusher waits that long for more.
const (
	firstLook = 120 * time.Millisecond
	lookAgain = 100 * time.Millisecond
)

// awaitRow waits until the result store has the task, if a start is to wait for that. When the time is over the task may
// have been accepted all the same; whoever asks again, with the same id, waits for the same row.
func (d *Dispatcher) awaitRow(ctx context.Context, id string) error {
	if d.RowWithin == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.RowWithin)
	defer cancel()
	err := ctx.Err()
	for wait := firstLook; ; wait = lookAgain {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("wait for the row of task %s: %w: %w", id, saga.ErrUnavailable, err)
		}
		if _, err = d.Rows.Get(ctx, id); err == nil {
			return nil
		}
	}
}
