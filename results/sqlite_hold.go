package results

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// Hold makes this process the one that holds the file alone, until it ends, and tells whether it is. A lock on a second file
// beside it says so, for the first is shared.
func (s *SQLite) Hold(ctx context.Context) (bool, error) { return s.take(ctx, "begin exclusive") }

// Share keeps others from holding the file alone while this process uses it, unless one does already. Any number may.
func (s *SQLite) Share(ctx context.Context) (bool, error) {
	return s.take(ctx, "begin; select count(*) from sqlite_master")
}

// take waits a second, for others who try it may be in the way for a moment.
func (s *SQLite) take(ctx context.Context, how string) (bool, error) {
	lock, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.path + ".lock"}).EscapedPath()+"?_pragma=busy_timeout(1000)")
	if err != nil {
		return false, fmt.Errorf("open %s.lock: %w", s.path, err)
	}
	lock.SetMaxOpenConns(1) // the lock is its only connection's
	if _, err = lock.ExecContext(ctx, how); err == nil {
		s.lock = lock
		return true, nil
	}
	_ = lock.Close()
	if isBusy(err) {
		return false, nil
	}
	return false, fmt.Errorf("lock %s.lock: %w", s.path, err)
}
