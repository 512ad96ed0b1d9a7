package server

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

func TestDevClosesTheBooksOfAnEarlierOne(t *testing.T) {
	store, err := results.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "dev.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	s := &Server{store: store, log: slog.New(slog.DiscardHandler)}
	left := func(id string, state saga.State) saga.Task {
		return saga.Task{
			ID: id, Type: "x", UserID: saga.NilOwner, Status: state.Status(), State: state, Phase: saga.Forward, Input: []byte("null"), Version: 7,
		}
	}
	_, err = store.Save(t.Context(), []saga.Task{left("a", saga.Pending), left("b", saga.Waiting), left("c", saga.Completed), left("d", saga.Stuck)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.closeBooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]saga.State{"a": saga.Failed, "b": saga.Failed, "c": saga.Completed, "d": saga.Failed} {
		task, err := store.Get(t.Context(), id)
		if err != nil || task.State != want || (want == saga.Failed) != (task.Error != "") {
			t.Errorf("%s: %s %q, %v; want %s", id, task.State, task.Error, err, want)
		}
	}
}
