package server

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/osp-platform/osp/deploy/supabase"
)

// Migrate applies the migrations to the PostgreSQL at DATABASE_URL. Each may run twice, so nothing is remembered.
func Migrate(ctx context.Context, env Environment, out io.Writer) error {
	databaseURL, err := env.get("DATABASE_URL")
	if err != nil {
		return err
	}
	if databaseURL == "" {
		return &ConfigError{"DATABASE_URL", "is not set: copy the connection string (postgres://…) from the project's settings"}
	}
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		return &ConfigError{"DATABASE_URL", "is malformed: write postgres://user:password@host:5432/database"}
	}
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to %s:%d: %w", config.Host, config.Port, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	before, err := schemaOf(ctx, conn)
	if err != nil {
		return err
	}
	for _, name := range supabase.Names() {
		sql, err := fs.ReadFile(supabase.Migrations, name)
		if err != nil {
			return err
		}
		if err := apply(ctx, conn, string(sql)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, _ = fmt.Fprintln(out, "applied", name)
	}
	after, err := schemaOf(ctx, conn)
	if err == nil {
		_, _ = fmt.Fprintf(out, "schema %d → %d\n", before, after)
	}
	return err
}

// schemaOf is the number of the newest migration that the database has; 0 before the first.
func schemaOf(ctx context.Context, conn *pgconn.PgConn) (int64, error) {
	there, err := number(ctx, conn, "select count(*) from pg_catalog.pg_tables where schemaname = 'osp' and tablename = 'schema'")
	if err != nil || there == 0 {
		return 0, err
	}
	return number(ctx, conn, "select coalesce(max(version), 0) from osp.schema")
}

// number reads the one number that a query gives.
func number(ctx context.Context, conn *pgconn.PgConn, query string) (int64, error) {
	results, err := conn.Exec(ctx, query).ReadAll()
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return strconv.ParseInt(string(results[0].Rows[0][0]), 10, 64)
}

// apply runs one migration in a transaction.
func apply(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, "begin;\n"+sql+"\n;commit;").ReadAll()
	return err
}
