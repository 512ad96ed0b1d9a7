package results

import (
	"context"
	"iter"

	"github.com/osp-platform/osp/saga"
)

// dirtyRow is a task to be written.
type dirtyRow struct {
	Row
	children []string
	bytes    int
	news     saga.News
}

// prepare folds journals into rows. What cannot be folded stays dirty.
func (f *Flusher) prepare(ctx context.Context, snapshots []saga.Snapshot) []dirtyRow {
	rows := make([]dirtyRow, 0, len(snapshots))
	for _, s := range snapshots {
		record, err := saga.Fold(s.Events)
		if err != nil {
			f.leave(ctx, s, err)
			continue
		}
		row := dirtyRow{Row: Row{Task: record.Task(s.Version), Parent: record.Created.Parent}, news: saga.News{Created: record.Created}}
		if f.Teller != nil {
			row.news.Events = telling(s.Events)
		}
		if !row.Task.State.Finished() || row.Parent != "" {
			row.Journal = s.Stored
		}
		row.bytes = size(row.Row)
		if row.Task.State.Finished() {
			row.children = record.Children()
		}
		rows = append(rows, row)
	}
	return rows
}

// size is about how many bytes a row has.
func size(r Row) int {
	t := r.Task
	n := 600 + len(t.Input) + len(t.Output) + len(t.Error)
	for _, event := range r.Journal {
		n += len(event) * 11 / 10 // quotes are escaped
	}
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

// maxUnreadable bounds what is remembered of such journals; beyond it they are told of once more.
const maxUnreadable = 10_000

// leave tells once that a journal cannot be read. It stays dirty for a flusher of the release that wrote it.
func (f *Flusher) leave(ctx context.Context, s saga.Snapshot, err error) {
	if f.unreadable[s.Ref.ID] == s.Version {
		return
	}
	if len(f.unreadable) >= maxUnreadable {
		clear(f.unreadable)
	}
	f.unreadable[s.Ref.ID] = s.Version
	f.Log.ErrorContext(ctx, "a row is left to another release: this one cannot read the journal",
		"task", s.Ref.ID, "type", s.Ref.Type, "version", s.Version, "error", err)
}
