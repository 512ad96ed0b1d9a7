package crashpoints

import (
	"context"
	"fmt"
	"sync"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// store is a result store in memory: of two versions of a task the higher stays.
type store struct {
	mu   sync.Mutex
	rows map[string]saga.Task
}

func (s *store) save(rows []results.Row) []results.Saved {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := make([]results.Saved, len(rows))
	for i, r := range rows {
		if r.Task.Version > s.rows[r.Task.ID].Version {
			s.rows[r.Task.ID] = r.Task
		}
		saved[i] = results.Saved{ID: r.Task.ID, Version: s.rows[r.Task.ID].Version}
	}
	return saved
}

// Get implements [tasks.Rows].
func (s *store) Get(_ context.Context, id string) (saga.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, ok := s.rows[id]
	if !ok {
		return saga.Task{}, fmt.Errorf("row %s: %w", id, saga.ErrNotFound)
	}
	return row, nil
}

// HumanTasks implements [tasks.Rows].
func (s *store) HumanTasks(context.Context, saga.HumanQuery) (saga.HumanPage, error) {
	return saga.HumanPage{}, nil
}

// Counts implements [tasks.Rows].
func (s *store) Counts(context.Context, saga.Query) (saga.TaskCounts, error) {
	return saga.TaskCounts{}, nil
}

// List implements [tasks.Rows].
func (s *store) List(context.Context, saga.Query) (saga.Page, error) { return saga.Page{}, nil }
