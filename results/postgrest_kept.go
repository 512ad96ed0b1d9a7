package results

import (
	"context"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// KeptPage is how many tasks [Store.AllKept] returns at most.
const KeptPage = 200

// Kept returns what is kept of a task.
func (p *PostgREST) Kept(ctx context.Context, id string) (saga.Kept, error) {
	k, err := ask[saga.Kept](ctx, p, fnKept, map[string]any{"id": id})
	if err != nil {
		err = fmt.Errorf("what is kept of task %s: %w", id, err)
	}
	return k, err
}

// AllKept returns a page of what is kept.
func (p *PostgREST) AllKept(ctx context.Context, after string, limit int) ([]saga.Kept, error) {
	return ask[[]saga.Kept](ctx, p, fnAllKept, map[string]any{"after": after, "max": min(max(limit, 1), KeptPage)})
}

// Effects returns what fences tell of a task.
func (p *PostgREST) Effects(ctx context.Context, task string) ([]saga.Effect, error) {
	return ask[[]saga.Effect](ctx, p, fnEffects, map[string]any{"task": task})
}
