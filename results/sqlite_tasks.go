package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

const sqliteSave = `
insert into workflow_executions (execution_id, task_type, service_schema, user_id, status, state, version, created_at, task)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (execution_id) do update set
    task_type = excluded.task_type, service_schema = excluded.service_schema, user_id = excluded.user_id,
    status = excluded.status, state = excluded.state, version = excluded.version, created_at = excluded.created_at,
    task = excluded.task
where excluded.version > workflow_executions.version`

// Save upserts tasks in one transaction.
func (s *SQLite) Save(ctx context.Context, tasks []saga.Task) ([]Saved, error) {
	var saved []Saved
	err := s.write(ctx, func(t tx) error {
		for _, task := range tasks {
			if err := saveRow(t, task); err != nil {
				return fmt.Errorf("save task %s: %w", task.ID, err)
			}
		}
		seen := map[string]bool{}
		for _, task := range tasks {
			if seen[task.ID] {
				continue
			}
			seen[task.ID] = true
			now := Saved{ID: task.ID}
			if _, err := t.one([]any{&now.Version},
				"select version from workflow_executions where execution_id = ?", task.ID); err != nil {
				return err
			}
			saved = append(saved, now)
		}
		return nil
	})
	if err != nil {
		return nil, sqliteError(err)
	}
	return saved, nil
}

func saveRow(t tx, task saga.Task) error {
	if !validUUID(task.UserID) { // a column of PostgreSQL would refuse it
		return refuse("user_id", "%q is not a UUID", task.UserID)
	}
	body, err := encodeRow(task)
	if err != nil {
		return err
	}
	return t.exec(sqliteSave, task.ID, task.Type, task.Service, task.UserID, task.Status, task.State, task.Version,
		task.CreatedAt.UnixMicro(), string(body))
}

// Get returns a task.
func (s *SQLite) Get(ctx context.Context, id string) (saga.Task, error) {
	var body []byte
	switch err := s.db.QueryRowContext(ctx, "select task from workflow_executions where execution_id = ?", id).Scan(&body); {
	case errors.Is(err, sql.ErrNoRows):
		return saga.Task{}, fmt.Errorf("get task %s: %w", id, saga.ErrNotFound)
	case err != nil:
		return saga.Task{}, fmt.Errorf("get task %s: %w", id, err)
	}
	return decodeTask(body)
}

// List returns tasks, newest first.
func (s *SQLite) List(ctx context.Context, q saga.Query) (saga.Page, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return saga.Page{}, err
	}
	query, args := "select task from workflow_executions where true", []any{}
	for _, filter := range []struct{ column, value string }{
		{"status", string(q.Status)}, {"task_type", q.Type}, {"service_schema", q.Service}, {"user_id", q.Owner},
	} {
		if filter.value != "" {
			query += " and " + filter.column + " = ?"
			args = append(args, filter.value)
		}
	}
	if after.ID != "" {
		query += " and (created_at, execution_id) < (?, ?)"
		args = append(args, after.At.UnixMicro(), after.ID)
	}
	limit := limitOf(q)
	rows, err := s.db.QueryContext(ctx, query+" order by created_at desc, execution_id desc limit ?", append(args, limit+1)...)
	if err != nil {
		return saga.Page{}, fmt.Errorf("list tasks: %w", err)
	}
	tasks, err := collect(rows, func(rows *sql.Rows) (saga.Task, error) {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return saga.Task{}, err
		}
		return decodeTask(body)
	})
	if err != nil {
		return saga.Page{}, fmt.Errorf("list tasks: %w", err)
	}
	return pageOf(tasks, limit), nil
}
