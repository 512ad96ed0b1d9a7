package results

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/osp-platform/osp/saga"
)

//go:embed sqlite.sql
var sqliteSchema string

// SQLite is the [Store] in a file, for development: it needs nothing. Several processes may share the file.
type SQLite struct {
	db      *sql.DB
	path    string
	lock    *sql.DB       // see Hold and Share
	writing chan struct{} // SQLite has one writer at a time; queueing here is fairer than its busy handler
}

var _ Store = (*SQLite)(nil)

// OpenSQLite opens the file at path, which is created if it is not there.
func OpenSQLite(ctx context.Context, path string) (*SQLite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	const settings = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)"
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+settings)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxOpenConns(4)
	s := &SQLite{db: db, path: path, writing: make(chan struct{}, 1)}
	if err := s.create(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

// create makes the tables that are missing. Several that open a new file at once may be told that it is busy without having
// waited: no busy handler is asked while the file becomes one with a write-ahead log.
func (s *SQLite) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := s.write(ctx, func(t tx) error { return t.exec(sqliteSchema) })
		if !isBusy(err) || ctx.Err() != nil {
			return err
		}
		sleep(ctx, 10*time.Millisecond)
	}
}

// Ping tells whether the file can be read.
func (s *SQLite) Ping(ctx context.Context) error {
	_, err := s.ID(ctx)
	return err
}

// ID is what tells this file from others, and from none of its copies.
func (s *SQLite) ID(ctx context.Context) (id string, err error) {
	if err := s.db.QueryRowContext(ctx, `select id from "osp.store"`).Scan(&id); err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	return id, nil
}

// Close closes the file.
func (s *SQLite) Close() error {
	if s.lock != nil {
		_ = s.lock.Close()
	}
	return s.db.Close()
}

// write runs f in a transaction that holds the write lock from its beginning.
func (s *SQLite) write(ctx context.Context, f func(tx) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	defer func() { _ = conn.Close() }()
	t := tx{ctx: ctx, conn: conn}
	// database/sql's own Tx would leave the transaction open when COMMIT finds a broken foreign key.
	if err := t.exec("begin immediate"); err != nil {
		return err
	}
	if err = f(t); err == nil {
		err = t.exec("commit")
	}
	if err != nil {
		t.ctx = context.WithoutCancel(ctx)
		_ = t.exec("rollback") // fails if SQLite has rolled back by itself
	}
	return err
}

// tx is a transaction under way.
type tx struct {
	ctx  context.Context //nolint:containedctx // a tx lives as long as the call that it serves
	conn *sql.Conn
}

func (t tx) exec(query string, args ...any) error {
	_, err := t.change(query, args...)
	return err
}

// change executes a statement and tells how many rows it changed.
func (t tx) change(query string, args ...any) (int64, error) {
	r, err := t.conn.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("sqlite: %w", err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("sqlite: %w", err)
	}
	return n, nil
}

// one reads the first row of a query into dest, if there is one.
func (t tx) one(dest []any, query string, args ...any) (found bool, err error) {
	switch err := t.conn.QueryRowContext(t.ctx, query, args...).Scan(dest...); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("sqlite: %w", err)
	}
	return true, nil
}

// all reads every row of a query.
func all[T any](t tx, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.conn.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return collect(rows, scan)
}

func collect[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	list := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return list, nil
}

func text(rows *sql.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}

// isBusy tells whether somebody else holds a lock on the file.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

// sqliteError marks an error of SQLite with what it means to the engine. Every one of them was rolled back.
func sqliteError(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_ERROR:
		return saga.Permanent(saga.Definite(err))
	}
	return saga.Definite(err)
}
