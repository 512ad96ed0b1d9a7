package results_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/results/resultstest"
	"github.com/osp-platform/osp/saga"
)

func openSQLite(t *testing.T, path string) *results.SQLite {
	t.Helper()
	s, err := results.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	resultstest.Run(t, func(t *testing.T) results.Store {
		return openSQLite(t, filepath.Join(t.TempDir(), "a folder?", "osp #1.db"))
	})
}

func TestOneSQLiteFileIsSharedByManyWhoOpenItAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "osp.db")
	const many, versions = 8, 10
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			s, err := results.OpenSQLite(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = s.Close() }()
			for v := range versions {
				task := saga.Task{ID: "a", UserID: saga.NilOwner, CreatedAt: time.Unix(1, 0), Version: int64(v*many + i + 1)}
				if _, err := s.Save(t.Context(), results.Rows(task)); err != nil {
					t.Errorf("save: %v", err)
				}
				// An effect reads before it writes: somebody else may have written in between.
				name := fmt.Sprintf("shop_%d_%d", i, v)
				args := fmt.Sprintf(`{"schema": %q, "user_id": %q}`, name, saga.NilOwner)
				if _, err := s.Apply(t.Context(), saga.Fence{Task: name, Path: "p"}, "service.reserve", []byte(args)); err != nil {
					t.Errorf("apply: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got, err := openSQLite(t, path).Get(t.Context(), "a")
	if err != nil || got.Version != many*versions {
		t.Errorf("version %d, %v; want %d", got.Version, err, many*versions)
	}
}
