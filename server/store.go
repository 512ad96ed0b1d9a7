package server

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// openStore opens the result store: Supabase, or a file.
func openStore(ctx context.Context, c Config) (results.Store, error) {
	if c.SQLite == "" {
		store, err := results.NewPostgREST(results.Supabase{URL: c.SupabaseURL, Key: c.SupabaseKey})
		if err != nil {
			return nil, &ConfigError{"SUPABASE_URL", fmt.Sprintf("or the key is wrong: %v", err)}
		}
		return store, nil
	}
	store, err := results.OpenSQLite(ctx, c.SQLite)
	if err != nil {
		return nil, &ConfigError{"OSP_RESULTS", fmt.Sprintf("names a file that cannot be used: %v", err)}
	}
	return store, nil
}

// closeBooks marks the tasks that were lost with the Redis inside an earlier `osp dev`: nobody will end them.
func (s *Server) closeBooks(ctx context.Context) error {
	for _, status := range []saga.Status{saga.StatusPending, saga.StatusRunning} {
		for {
			page, err := s.store.List(ctx, saga.Query{Status: status, Limit: results.MaxLimit})
			if err != nil {
				return fmt.Errorf("read the tasks of an earlier osp dev: %w", err)
			}
			if len(page.Tasks) == 0 {
				break
			}
			now := time.Now().UTC()
			for i := range page.Tasks {
				t := &page.Tasks[i]
				t.Status, t.State, t.CompletedAt, t.WaitingFor = saga.StatusFailed, saga.Failed, &now, nil
				t.Error, t.Version = "osp dev was stopped, and the task was lost with it", t.Version+1
			}
			if _, err := s.store.Save(ctx, page.Tasks); err != nil {
				return fmt.Errorf("close the tasks of an earlier osp dev: %w", err)
			}
		}
	}
	return nil
}
