package results

import (
	"context"
	"time"

	"github.com/osp-platform/osp/saga"
)

// deleteTimeout is a little more than osp_delete's own limit.
const deleteTimeout = 10*time.Minute + 5*time.Second

// Expire deletes tasks that ended before a moment.
func (p *PostgREST) Expire(ctx context.Context, before time.Time, limit int) (int, error) {
	return ask[int](ctx, p, fnExpire, map[string]any{"before": before, "max": limit})
}

// Settle records how tasks have ended whose last rows were refused for good.
func (p *PostgREST) Settle(ctx context.Context, ended []saga.Unwritten) error {
	_, err := p.call(ctx, fnSettle, map[string]any{"ended": ended})
	return err
}

// Delete deletes all that is kept of a subject.
func (p *PostgREST) Delete(ctx context.Context, d saga.Deletion) (saga.Deleted, error) {
	deleted, err := askFor[saga.Deleted](ctx, p, deleteTimeout, fnDelete, map[string]any{"deletion": d})
	deleted.At = deleted.At.UTC()
	return deleted, err
}
