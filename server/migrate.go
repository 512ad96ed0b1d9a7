package server

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"

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

	names, err := fs.Glob(supabase.Migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		sql, err := fs.ReadFile(supabase.Migrations, name)
		if err != nil {
			return err
		}
		if err := apply(ctx, conn, string(sql)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		_, _ = fmt.Fprintln(out, "applied", name)
	}
	return nil
}

// apply runs one migration in a transaction.
func apply(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := conn.Exec(ctx, "begin;\n"+sql+"\n;commit;").ReadAll()
	return err
}
