package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

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

const sqliteSaveJournal = `
insert into "osp.journals" (task, parent, journal) values (?, nullif(?, ''), ?)
on conflict (task) do update set parent = excluded.parent, journal = excluded.journal`

// sqliteFamilyEnded finds a parent that has ended and is not kept for tasks above it.
const sqliteFamilyEnded = `
select 1 from workflow_executions p
where p.execution_id = ? and p.status not in ('pending', 'running')
    and not exists (select 1 from "osp.journals" j where j.task = p.execution_id)`

const sqliteForgetJournals = `
with recursive family (task) as (
    values (?)
    union
    select j.task from "osp.journals" j join family f on j.parent = f.task
    join workflow_executions t on t.execution_id = j.task and t.status not in ('pending', 'running')
)
delete from "osp.journals" where task in (select task from family)`

// Save upserts rows in one transaction.
func (s *SQLite) Save(ctx context.Context, rows []Row) ([]Saved, error) {
	var saved []Saved
	err := s.write(ctx, func(t tx) error {
		for _, row := range rows {
			if err := saveRow(t, row); err != nil {
				return fmt.Errorf("save task %s: %w", row.Task.ID, err)
			}
		}
		seen := map[string]bool{}
		for _, row := range rows {
			id := row.Task.ID
			if seen[id] {
				continue
			}
			seen[id] = true
			now := Saved{ID: id}
			found, err := t.one([]any{&now.Version}, "select version from workflow_executions where execution_id = ?", id)
			if err != nil {
				return err
			}
			if found { // else it was deleted
				saved = append(saved, now)
			}
		}
		return nil
	})
	if err != nil {
		return nil, sqliteError(err)
	}
	return saved, nil
}

func saveRow(t tx, row Row) error {
	task := row.Task
	if !saga.ValidUUID(task.UserID) { // a column of PostgreSQL would refuse it
		return refuse("user_id", "%q is not a UUID", task.UserID)
	}
	if deleted, err := wasDeleted(t, task.ID, task.CreatedAt); err != nil || deleted {
		return err
	}
	body, err := encodeRow(Row{Task: task})
	if err != nil {
		return err
	}
	n, err := t.change(sqliteSave, task.ID, task.Type, task.Service, task.UserID, task.Status, task.State, task.Version,
		task.CreatedAt.UnixMicro(), string(body))
	if err != nil || n == 0 {
		return err
	}
	return saveJournal(t, row)
}

// saveJournal keeps a task's journal as long as it may be needed: until the task and those above it have ended.
func saveJournal(t tx, row Row) error {
	settled := row.Task.State.Finished()
	if settled && row.Parent != "" {
		var err error
		if settled, err = t.one([]any{new(int)}, sqliteFamilyEnded, row.Parent); err != nil {
			return err
		}
	}
	if !settled {
		return t.exec(sqliteSaveJournal, row.Task.ID, row.Parent, strings.Join(row.Journal, "\n"))
	}
	return t.exec(sqliteForgetJournals, row.Task.ID)
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
