package results

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// sqliteSearch finds a text without a pattern, so that no character of it means anything. The file is one machine's, and has no
// index for it.
const sqliteSearch = ` and (instr(execution_id, ?1) = 1 or instr(lower(task_type), lower(?1)) > 0
	or instr(lower(json_extract(task, '$.error')), lower(?1)) > 0)`

// sqliteWhere says what a query asks of a row, with the values.
func sqliteWhere(q saga.Query, after cursor) (where string, args []any) {
	where = " where true"
	if q.Search != "" {
		where, args = where+sqliteSearch, append(args, q.Search)
	}
	for _, filter := range []struct{ column, value string }{
		{"status", string(q.Status)},
		{"state", string(q.State)},
		{"task_type", q.Type},
		{"service_schema", q.Service},
		{"user_id", q.Owner},
	} {
		if filter.value != "" {
			where += " and " + filter.column + " = ?"
			args = append(args, filter.value)
		}
	}
	for _, limit := range []struct {
		condition string
		at        time.Time
	}{{"created_at >= ?", q.From}, {"created_at < ?", q.Until}} {
		if !limit.at.IsZero() {
			where += " and " + limit.condition
			args = append(args, limit.at.UnixMicro())
		}
	}
	if after.ID != "" {
		where += " and (created_at, execution_id) < (?, ?)"
		args = append(args, after.At.UnixMicro(), after.ID)
	}
	return where, args
}

// List returns tasks, newest first.
func (s *SQLite) List(ctx context.Context, q saga.Query) (saga.Page, error) {
	after, err := parseCursor(q.Cursor)
	if err != nil {
		return saga.Page{}, err
	}
	where, args := sqliteWhere(q, after)
	limit := limitOf(q)
	query := "select task from workflow_executions" + where
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

// Counts returns how many tasks of a query there are.
func (s *SQLite) Counts(ctx context.Context, q saga.Query) (saga.TaskCounts, error) {
	where, args := sqliteWhere(q, cursor{})
	most, states, capped := countLimitOf(q), map[saga.State]int{}, false
	for _, state := range saga.States {
		var n int
		err := s.db.QueryRowContext(ctx, "select count(*) from (select 1 from workflow_executions"+where+" and state = ? limit ?)",
			append(slices.Clip(args), state, most+1)...).Scan(&n)
		if err != nil {
			return saga.TaskCounts{}, fmt.Errorf("count tasks: %w", err)
		}
		states[state], capped = min(n, most), capped || n > most
	}
	return saga.CountsOf(states, capped), nil
}
