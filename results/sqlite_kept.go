package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// sqliteKept selects what is needed: journals of tasks that have not ended, and of children whose parents are kept.
const sqliteKept = `
select j.task, t.version, j.journal, coalesce(above.state, '') from "osp.journals" j
join workflow_executions t on t.execution_id = j.task
left join workflow_executions above on above.execution_id = j.parent and above.status not in ('pending', 'running')
where j.journal <> '' and (t.status in ('pending', 'running') or exists (select 1 from "osp.journals" p where p.task = j.parent))`

// Kept returns what is kept of a task.
func (s *SQLite) Kept(ctx context.Context, id string) (saga.Kept, error) {
	list, err := s.kept(ctx, sqliteKept+" and j.task = ?", id)
	if err == nil && len(list) == 0 {
		err = saga.ErrNotFound
	}
	if err != nil {
		return saga.Kept{}, fmt.Errorf("what is kept of task %s: %w", id, err)
	}
	return list[0], nil
}

// AllKept returns a page of what is kept.
func (s *SQLite) AllKept(ctx context.Context, after string, limit int) ([]saga.Kept, error) {
	list, err := s.kept(ctx, sqliteKept+" and j.task > ? order by j.task limit ?", after, min(max(limit, 1), KeptPage))
	if err != nil {
		return nil, fmt.Errorf("what is kept after task %q: %w", after, err)
	}
	return list, nil
}

func (s *SQLite) kept(ctx context.Context, query string, args ...any) ([]saga.Kept, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	list, err := collect(rows, func(rows *sql.Rows) (k saga.Kept, err error) {
		var journal string
		err = rows.Scan(&k.ID, &k.Version, &journal, &k.Parent)
		k.Journal = strings.Split(journal, "\n")
		return k, err
	})
	for i := range list {
		if err == nil {
			list[i].Effects, err = s.Effects(ctx, list[i].ID)
		}
	}
	return list, err
}

// Effects returns what fences tell of a task, in the order in which they were written.
func (s *SQLite) Effects(ctx context.Context, task string) ([]saga.Effect, error) {
	rows, err := s.db.QueryContext(ctx, `select path, undo, result, created_at from "osp.fences" where task = ? order by rowid`, task)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return collect(rows, func(rows *sql.Rows) (e saga.Effect, err error) {
		var result, at string
		if err = rows.Scan(&e.Path, &e.Undo, &result, &at); err != nil {
			return e, err
		}
		e.Result = json.RawMessage(result)
		e.At, err = time.Parse(time.DateTime, at)
		return e, err
	})
}
