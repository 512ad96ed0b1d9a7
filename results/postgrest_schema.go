package results

import (
	"context"
	"fmt"
)

// SchemaError means that a database lacks migrations that this program needs.
type SchemaError struct {
	Has   int64 // the newest migration that was applied; 0: it does not say
	Needs int64
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database has schema %d, this program needs %d: run osp migrate", e.Has, e.Needs)
}

// Ping tells whether Supabase answers, takes our key and has the migrations. Errors: *[SchemaError].
func (p *PostgREST) Ping(ctx context.Context) error {
	_, err := p.ID(ctx)
	return err
}

// ID is what tells this database from others.
func (p *PostgREST) ID(ctx context.Context) (string, error) {
	answer, err := ask[struct {
		Schema int64  `json:"schema"`
		Store  string `json:"store"`
	}](ctx, p, fnPing, nil)
	if err != nil {
		return "", err
	}
	if answer.Schema < p.schema {
		return "", &SchemaError{Has: answer.Schema, Needs: p.schema}
	}
	return answer.Store, nil
}
