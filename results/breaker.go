package results

import (
	"context"
	"time"

	"github.com/osp-platform/osp/saga"
)

// breaker is the circuit breaker before the store. The process has one, for it has one flusher, and every row goes through
// it. Closed: batches are sent. After a failure there is a pause; after several in a row it is open. Open: nothing is sent,
// nor even read from the journal, until the pause is over. Half-open: one small batch is sent, and its fate decides. Rows
// that the store refuses are no failures: it is there.
type breaker struct {
	store  Saver
	outage *outage
	pause  time.Duration // after the last failure
}

const (
	tolerated = 3  // failures in a row that open the circuit
	probeRows = 20 // in the batch that finds out whether the store is back
)

// room is how many rows may be sent in the next batch.
func (b *breaker) room(rows int) int {
	if b.outage.failures >= tolerated {
		return min(rows, probeRows)
	}
	return rows
}

// save saves rows. back tells that the store was away before. After an error that is not a row's own, b.pause is to be
// waited.
func (b *breaker) save(ctx context.Context, rows []Row) (saved []Saved, back bool, err error) {
	saved, err = b.store.Save(ctx, rows)
	switch {
	case ctx.Err() != nil: // we are being stopped: nothing will be waited
		b.pause = longestPause
	case err != nil && !saga.IsPermanent(err):
		b.pause = b.outage.failed(ctx, err)
	default:
		back = b.outage.ended(ctx)
	}
	return saved, back, err
}
