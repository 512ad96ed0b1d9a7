package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// ServiceOwner returns the user whose service it is.
func (p *PostgREST) ServiceOwner(ctx context.Context, schema string) (string, error) {
	owner, err := ask[string](ctx, p, fnServiceOwner, map[string]any{"schema": schema})
	if err != nil {
		return "", fmt.Errorf("owner of service %q: %w", schema, err)
	}
	return owner, nil
}

// ServiceOwner returns the user whose service it is.
func (s *SQLite) ServiceOwner(ctx context.Context, schema string) (owner string, err error) {
	err = s.db.QueryRowContext(ctx, `select lower(user_id) from "osp.services" where schema = ?`, schema).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = saga.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("owner of service %q: %w", schema, err)
	}
	return owner, nil
}
