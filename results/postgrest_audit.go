package results

import (
	"context"

	"github.com/osp-platform/osp/saga"
)

const (
	fnSaveActions function = "osp_save_actions"
	fnActions     function = "osp_actions"
)

// SaveActions writes entries of the audit.
func (p *PostgREST) SaveActions(ctx context.Context, list []saga.Action) error {
	if len(list) == 0 {
		return nil
	}
	if _, err := p.call(ctx, fnSaveActions, map[string]any{"actions": list}); err != nil {
		return saveError(err)
	}
	return nil
}

// Actions returns a page of the audit.
func (p *PostgREST) Actions(ctx context.Context, q saga.ActionQuery) ([]saga.Action, error) {
	query := map[string]any{"max": q.Limit}
	for name, value := range map[string]string{"action": q.Name, "subject": q.Subject, "by": q.By, "before": q.Before} {
		if value != "" {
			query[name] = value
		}
	}
	list, err := ask[[]saga.Action](ctx, p, fnActions, map[string]any{"query": query})
	for i := range list {
		list[i].At = list[i].At.UTC()
	}
	return list, err
}
