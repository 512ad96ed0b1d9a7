package server

import (
	"context"
	"fmt"

	"github.com/osp-platform/osp/results"
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
