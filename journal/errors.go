package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// fail wraps what Redis or the way to it did wrong with what was being done, and tells whether trying later may help.
func fail(ctx context.Context, doing, id string, err error) error {
	if id != "" {
		doing += " " + id
	}
	var answer redis.Error
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // the caller's own wish
		return fmt.Errorf("%s: %w", doing, err)
	case errors.As(err, &answer) && !refuses(answer.Error()):
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, saga.ErrUnavailable, err)
}

func sentence(doing, id string, err error) error { return fmt.Errorf("%s %s: %w", doing, id, err) }
