package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/osp-platform/osp/deploy/supabase"
	"github.com/osp-platform/osp/results"
)

// openStore opens the result store: Supabase, or a file.
func openStore(ctx context.Context, c Config) (results.Store, error) {
	return openStoreThrough(ctx, c, nil)
}

// openStoreThrough opens it with something around what sends requests; nil: nothing is.
func openStoreThrough(ctx context.Context, c Config, through func(http.RoundTripper) http.RoundTripper) (results.Store, error) {
	if c.SQLite == "" {
		store, err := results.NewPostgREST(results.Supabase{
			URL: c.SupabaseURL, Key: c.SupabaseKey, Schema: supabase.Schema(), Through: through,
		})
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

// openThere is openStore for a command: a file that is not there is an error.
func openThere(ctx context.Context, c Config) (results.Store, error) {
	if c.SQLite != "" && missing(c.SQLite) {
		return nil, &ConfigError{"OSP_RESULTS", "names a file that is not there, " + c.SQLite + ": write the path that the servers have"}
	}
	return openStore(ctx, c)
}

// missing tells whether there is no such file.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// unmade is the finding about a SQLite file that is not there yet. Looking does not make it: it would be of the user who
// looked.
func unmade(f Finding, path string) Finding {
	dir := filepath.Dir(path)
	for missing(dir) && dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
	}
	f.Level, f.Says = LevelWarning, fmt.Sprintf("there is no file %s yet: a start makes it, empty", path)
	probe, err := os.CreateTemp(dir, ".osp-doctor-*")
	if err != nil {
		f.Level, f.Says = LevelRefused, fmt.Sprintf("OSP_RESULTS names a file that is not there and cannot be made: %v", err)
		return f
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return f
}
