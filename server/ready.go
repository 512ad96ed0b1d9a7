package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// storePatience is how long the result store may take to answer at the start.
const storePatience = 10 * time.Second

// Ready tells whether Redis answers, and whether the result store has ever answered. Tasks are accepted and carried out
// while the store is away, so that must not take every pod out of service; but a wrong key shows before the first task.
func (s *Server) Ready(ctx context.Context) error {
	if err := s.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis: %w: %w", saga.ErrUnavailable, err)
	}
	if s.stored.Load() {
		return nil
	}
	return s.askStore(ctx)
}

// askStore asks the result store whether it can be used.
func (s *Server) askStore(ctx context.Context) error {
	if err := s.store.Ping(ctx); err != nil {
		return fmt.Errorf("result store: %w", err)
	}
	s.stored.Store(true)
	return nil
}

// tellOfStore says in the log, right after the start, why the result store cannot be used: migrations, the key.
func (s *Server) tellOfStore(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	if err := s.askStore(ctx); err != nil && !errors.Is(err, context.Canceled) {
		s.log.WarnContext(ctx, "the result store cannot be used yet: /readyz stays at 503", "error", err)
	}
}
