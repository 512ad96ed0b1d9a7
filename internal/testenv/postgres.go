package testenv

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

//go:embed shim.sql
var shim string

// admin is the superuser; the migrations run as postgres, which on Supabase is none.
const admin = "supabase_admin"

var debianPostgres = "/usr/lib/postgresql/*/bin"

// postgres is a running PostgreSQL.
type postgres struct {
	*process
	dir  string
	port int
}

func startPostgres() (*postgres, error) {
	initdb, err := find("initdb", debianPostgres)
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := tempDir(owner)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	p, err := start(how{user: owner}, initdb, "-D", data, "-U", admin, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err != nil {
		return nil, err
	}
	<-p.done
	if !p.cmd.ProcessState.Success() {
		return nil, fmt.Errorf("initdb: %s\n%s", p.cmd.ProcessState, p.log)
	}
	return attempt(func() (*postgres, error) { return runPostgres(owner, initdb, dir, data) })
}

func runPostgres(owner *account, initdb, dir, data string) (*postgres, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{"-D", data, "-p", strconv.Itoa(port)}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "unix_socket_directories=" + dir, "fsync=off", "synchronous_commit=off",
		"full_page_writes=off", "max_connections=60", "shared_buffers=64MB", "wal_level=logical", "log_min_messages=fatal",
	} {
		args = append(args, "-c", setting)
	}
	p, err := start(how{user: owner, onDeath: syscall.SIGQUIT}, filepath.Join(filepath.Dir(initdb), "postgres"), args...)
	if err != nil {
		return nil, err
	}
	pg := &postgres{process: p, dir: dir, port: port}
	if err := p.ready(func() error { return pg.run(admin, "select 1") }); err != nil {
		p.stop(syscall.SIGQUIT)
		return nil, err
	}
	return pg, nil
}

func (pg *postgres) url(user string) string {
	return fmt.Sprintf("postgres://%s@%s/postgres?sslmode=disable", user, pg.address())
}

func (pg *postgres) address() string { return fmt.Sprintf("127.0.0.1:%d", pg.port) }

// run executes a script.
func (pg *postgres) run(user, script string) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, pg.url(user))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
		return fmt.Errorf("run SQL: %w", err)
	}
	return nil
}

// migrate applies every migration twice, as the postgres role of Supabase.
func (pg *postgres) migrate() error {
	files, err := migrations()
	if err != nil {
		return err
	}
	for range 2 {
		for _, file := range files {
			script, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("read migration: %w", err)
			}
			if err := pg.run("postgres", "begin;\n"+string(script)+"\n;commit;"); err != nil {
				return fmt.Errorf("migration %s: %w", filepath.Base(file), err)
			}
		}
	}
	return nil
}

// migrations lists the files of deploy/supabase/migrations in the order of their names.
func migrations() ([]string, error) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(here)))
	if !filepath.IsAbs(root) || strings.HasPrefix(root, "github.com") { // built with -trimpath: tests run in their package
		dir, err := os.Getwd()
		for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				root = dir
				break
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "deploy/supabase/migrations/*.sql"))
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	slices.Sort(files)
	return files, nil
}

func (pg *postgres) close() {
	pg.stop(syscall.SIGINT) // a fast shutdown
	_ = os.RemoveAll(pg.dir)
}

// PostgresTool returns the path of a program that comes with PostgreSQL, such as pg_dump.
func PostgresTool(t testing.TB, name string) string {
	t.Helper()
	path, err := find(name, debianPostgres)
	return must(t, path, err)
}
