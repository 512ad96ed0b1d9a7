package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/deploy/supabase"
	"github.com/osp-platform/osp/results"
)

// UnfitError means that this program cannot work with the schema that is stored.
type UnfitError struct{ cause *results.SchemaError }

func (e *UnfitError) Error() string { return e.cause.Error() }

// CheckUpgrade asks the result store whether its schema fits this program, and says that it does. Nothing is changed.
// Errors: *[UnfitError] when it does not; any other when that could not be found out.
func CheckUpgrade(ctx context.Context, c Config) (string, error) {
	store, err := openThere(ctx, c)
	if err != nil {
		return "", err
	}
	defer func() { _ = store.Close() }()
	err = reachStore(ctx, store)
	if old, ok := errors.AsType[*results.SchemaError](err); ok {
		return "", &UnfitError{old}
	}
	if err != nil {
		return "", err
	}
	if c.SQLite != "" {
		return "the file fits: a start brings it up to date by itself", nil
	}
	return fmt.Sprintf("the database fits: it has schema %d or a newer one", supabase.Schema()), nil
}
