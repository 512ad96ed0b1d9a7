package results

import (
	"context"
	"iter"

	"github.com/osp-platform/osp/saga"
)

// dirtyRow is a task to be written.
type dirtyRow struct {
	task     saga.Task
	children []string
	bytes    int
}

// prepare folds journals into rows. What cannot be folded, and what the store has refused for good, stays dirty.
func (f *Flusher) prepare(ctx context.Context, snapshots []saga.Snapshot) []dirtyRow {
	rows := make([]dirtyRow, 0, len(snapshots))
	for _, s := range snapshots {
		if f.refused[s.Ref.ID] == s.Version {
			continue
		}
		record, err := saga.Fold(s.Events)
		if err != nil {
			f.refuse(ctx, saga.Task{ID: s.Ref.ID, Type: s.Ref.Type, Version: s.Version}, err)
			continue
		}
		row := dirtyRow{task: record.Task(s.Version)}
		row.bytes = size(row.task)
		if row.task.State.Finished() {
			row.children = record.Children()
		}
		rows = append(rows, row)
	}
	return rows
}

// size is about how many bytes the task's row has.
func size(t saga.Task) int {
	n := 600 + len(t.Input) + len(t.Output) + len(t.Error)
	for _, s := range t.Steps {
		n += 300 + len(s.Path) + len(s.Output) + len(s.Error) + len(s.UndoError)
	}
	return n
}

// batches cuts rows into pieces that are not too large. The journal has seen to it that they are not too many.
func batches(rows []dirtyRow, bytes int) iter.Seq[[]dirtyRow] {
	return func(yield func([]dirtyRow) bool) {
		from, total := 0, 0
		for i, r := range rows {
			if i > from && total+r.bytes > bytes {
				if !yield(rows[from:i]) {
					return
				}
				from, total = i, 0
			}
			total += r.bytes
		}
		if from < len(rows) {
			yield(rows[from:])
		}
	}
}

// write saves a batch, however long the store is away, and marks it clean.
func (f *Flusher) write(ctx context.Context, batch []dirtyRow) error {
	tasks := make([]saga.Task, len(batch))
	for i, r := range batch {
		tasks[i] = r.task
	}
	for {
		saved, err := f.Store.Save(ctx, tasks)
		switch {
		case err == nil:
			f.back(ctx)
			return f.clean(ctx, batch, saved)
		case ctx.Err() != nil:
			return ctx.Err()
		case !saga.IsPermanent(err):
			f.pause(ctx, "the result store does not take rows", err)
		case len(batch) == 1:
			f.refuse(ctx, batch[0].task, err)
			return nil
		default: // one of them spoils it for the others
			half := len(batch) / 2
			if err := f.write(ctx, batch[:half]); err != nil {
				return err
			}
			return f.write(ctx, batch[half:])
		}
	}
}

// clean tells the journal what is stored. Where somebody else had stored a newer version, the journal gives the task a
// still newer one, which is to be written soon.
func (f *Flusher) clean(ctx context.Context, batch []dirtyRow, saved []Saved) error {
	stored := make(map[string]int64, len(saved))
	for _, s := range saved {
		stored[s.ID] = s.Version
	}
	flushed := make([]saga.Flushed, len(batch))
	for i, r := range batch {
		flushed[i] = saga.Flushed{
			ID: r.task.ID, Version: r.task.Version, Stored: max(stored[r.task.ID], r.task.Version), Children: r.children,
		}
		if flushed[i].Stored > r.task.Version {
			f.Notify()
		}
	}
	return f.Journal.Clean(ctx, flushed)
}

// maxRefused bounds what is remembered of refused rows; beyond it they are tried, and refused, once more.
const maxRefused = 10_000

// refuse gives a row up until its task has a newer version or the process is started again.
func (f *Flusher) refuse(ctx context.Context, t saga.Task, err error) {
	if len(f.refused) >= maxRefused {
		clear(f.refused)
	}
	f.refused[t.ID] = t.Version
	if f.DeadLetters != nil {
		f.DeadLetters.Refused(ctx, t, err)
		return
	}
	f.Log.ErrorContext(ctx, "a row will never be taken: it stays dirty in the journal",
		"task", t.ID, "type", t.Type, "version", t.Version, "error", err)
}
