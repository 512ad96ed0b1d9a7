package results

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// write saves a batch and marks it clean. Where the store refuses it, the rows are tried by halves, until those that are
// at fault are alone. If the store or the journal fails, a pause is to be waited.
func (f *Flusher) write(ctx context.Context, batch []dirtyRow) (pause time.Duration) {
	rows := make([]Row, len(batch))
	for i, r := range batch {
		rows[i] = r.Row
	}
	began := f.Now()
	saved, back, err := f.store.save(ctx, rows)
	f.flushed(batch, f.Now().Sub(began), err)
	if back {
		f.beginCatchUp()
	}
	switch {
	case err == nil:
		return f.clean(ctx, f.tell(ctx, batch), saved)
	case !saga.IsPermanent(err):
		f.giveBack(ctx, batch)
		return f.store.pause
	case len(batch) == 1:
		if batch = f.tell(ctx, batch); len(batch) == 0 {
			return 0
		}
		return f.bury(ctx, batch[0].Task, err)
	}
	half := len(batch) / 2
	if pause = f.write(ctx, batch[:half]); pause > 0 {
		f.giveBack(ctx, batch[half:])
		return pause
	}
	return f.write(ctx, batch[half:])
}

// flushed tells whom it concerns of a batch.
func (f *Flusher) flushed(batch []dirtyRow, took time.Duration, err error) {
	if f.Flushed == nil {
		return
	}
	oldest := batch[0].Task.Version
	for i := range batch {
		oldest = min(oldest, batch[i].Task.Version)
	}
	f.Flushed(len(batch), time.UnixMicro(oldest), took, err)
}

// clean tells the journal what is stored. Where somebody else had stored a newer version, the journal gives the task a
// still newer one. What has grown in the meantime is due again.
func (f *Flusher) clean(ctx context.Context, batch []dirtyRow, saved []Saved) time.Duration {
	stored := make(map[string]int64, len(saved))
	for _, s := range saved {
		stored[s.ID] = s.Version
	}
	flushed := make([]saga.Flushed, len(batch))
	for i, r := range batch {
		flushed[i] = saga.Flushed{
			ID: r.Task.ID, Version: r.Task.Version, Stored: max(stored[r.Task.ID], r.Task.Version), Children: r.children,
		}
	}
	f.late.rows += len(batch)
	f.Notify()
	gone, err := f.Journal.Clean(ctx, flushed)
	for _, r := range batch {
		if !r.Task.State.Finished() && slices.Contains(gone, r.Task.ID) {
			f.lost[r.Task.ID] = true
		}
	}
	return f.told(ctx, err)
}

// restore has the journals made again that were lost. It is tried again at the next sweep if Redis or the store is away;
// what cannot be restored the restorer tells.
func (f *Flusher) restore(ctx context.Context) {
	for id := range f.lost {
		if f.Restorer != nil && errors.Is(f.Restorer.Restore(ctx, id), saga.ErrUnavailable) {
			continue
		}
		delete(f.lost, id)
	}
}

// giveBack lets rows be taken again at once, by whoever finds the store there first.
func (f *Flusher) giveBack(ctx context.Context, batch []dirtyRow) {
	flushed := make([]saga.Flushed, len(batch))
	for i, r := range batch {
		flushed[i] = saga.Flushed{ID: r.Task.ID}
	}
	if _, err := f.Journal.Clean(ctx, flushed); err != nil && ctx.Err() == nil {
		f.Log.DebugContext(ctx, "rows not given back: they are taken again 10 s after they were", "error", err)
	}
}

// bury makes a dead letter of a row that the store will never take.
func (f *Flusher) bury(ctx context.Context, t saga.Task, cause error) time.Duration {
	fresh, err := f.Journal.Bury(ctx, t.ID, t.Version, cause.Error())
	if fresh {
		f.Log.ErrorContext(ctx, "a row will never be taken: it is a dead letter now",
			"task", t.ID, "type", t.Type, "version", t.Version, "error", cause)
	}
	return f.told(ctx, err)
}

// told notes whether the journal took what it was told.
func (f *Flusher) told(ctx context.Context, err error) (pause time.Duration) {
	switch {
	case err == nil:
		f.journal.ended(ctx)
		return 0
	case ctx.Err() != nil: // we are being stopped: nothing will be waited
		return longestPause
	}
	return f.journal.failed(ctx, err)
}
