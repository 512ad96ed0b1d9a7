package tasks_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
)

// stopping is a store whose first deletion fails, when the journals are gone already.
type stopping struct {
	*results.SQLite
	failed bool
}

func (s *stopping) Delete(ctx context.Context, d saga.Deletion) (saga.Deleted, error) {
	if !d.DryRun && !s.failed {
		s.failed = true
		return saga.Deleted{}, saga.ErrUnavailable
	}
	return s.SQLite.Delete(ctx, d)
}

// The store says of the task that it runs, and keeps what it could be restored from.
func TestADeadLetterWhoseDeletionWasCutOffIsNeitherRestoredNorInTheWay(t *testing.T) {
	store, err := results.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "osp.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	d := &deletions{T: t, journal: storetest.NewMemory(time.Now)}
	d.starts("a", "shop")
	d.flushes()
	s, err := d.journal.Read(t.Context(), "a")
	d.no(err)
	row := results.Row{Journal: s.Stored, Task: saga.Task{
		ID: "a", Type: "order", Service: "shop", UserID: owner, Status: saga.StatusPending, State: saga.Pending,
		CreatedAt: time.Unix(1_790_000_000, 0).UTC(), Version: s.Version,
	}}
	_, err = store.Save(t.Context(), []results.Row{row})
	d.no(err)
	if _, err := store.Kept(t.Context(), "a"); err != nil {
		t.Fatalf("before, its journal is not kept: %v", err)
	}
	d.refuses("a")
	d.deleter = tasks.Deleter{
		Journal: d.journal, Store: &stopping{SQLite: store}, Log: slog.New(slog.DiscardHandler), NewID: func() string { return "1" },
	}
	if _, err := d.delete(false); !errors.Is(err, saga.ErrUnavailable) || d.there("a") {
		t.Fatalf("got %v", err)
	}
	r := tasks.Restorer{Journal: storetest.NewMemory(time.Now), Store: store, Log: slog.New(slog.DiscardHandler)}
	if got, err := r.RecoverAll(t.Context(), true, nil); err != nil || got.Seen() != 0 {
		t.Errorf("recovery finds %+v, %v", got, err)
	}
	if got, err := d.delete(false); err != nil || !got.Done || got.Counts.Tasks != 1 {
		t.Errorf("once more: %+v, %v", got, err)
	}
	if _, err := store.Get(t.Context(), "a"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("the row is there: %v", err)
	}
}
