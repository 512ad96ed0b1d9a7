package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/osp-platform/osp/server"
)

// command runs the program in this process with nothing in its environment but env.
func command(t *testing.T, env []string, args ...string) (code int, out string) {
	t.Helper()
	vars := map[string]string{"HOME": t.TempDir()}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	var buf bytes.Buffer
	code = run(t.Context(), args, server.Environment{
		Lookup:   func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		ReadFile: os.ReadFile, Environ: func() []string { return env },
	}, &buf, &buf)
	return code, buf.String()
}

// database asks PostgreSQL what is really there.
type database struct {
	t    *testing.T
	conn *pgx.Conn
}

func connect(t *testing.T, url string) *database {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test's own is over by then
	return &database{t, conn}
}

func (d *database) number(query string) (n int) {
	d.t.Helper()
	if err := d.conn.QueryRow(d.t.Context(), query).Scan(&n); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (d *database) text(query string) (s string) {
	d.t.Helper()
	if err := d.conn.QueryRow(d.t.Context(), query).Scan(&s); err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return s
}

func (d *database) texts(query string) []string {
	d.t.Helper()
	rows, err := d.conn.Query(d.t.Context(), query)
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return list
}

func (d *database) exec(sql string) {
	d.t.Helper()
	if _, err := d.conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		d.t.Fatal(err)
	}
}
