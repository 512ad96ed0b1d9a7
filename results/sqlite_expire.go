package results

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// sqliteHeld tells whether the row e is of a child that the tasks above it may still want undone.
const sqliteHeld = `exists (
	with recursive above (task) as (
		select j.parent from "osp.journals" j where j.task = e.execution_id and j.parent is not null
		union
		select j.parent from "osp.journals" j join above a on j.task = a.task where j.parent is not null
	)
	select 1 from above a join workflow_executions t on t.execution_id = a.task where t.status in ('pending', 'running')
)`

// Expire deletes tasks that ended before a moment.
func (s *SQLite) Expire(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(t tx) error {
		expired, err := all(t, text, `select e.execution_id from workflow_executions e
			where e.status in ('completed', 'failed', 'cancelled') and e.version > 0
			  and julianday(json_extract(e.task, '$.completed_at')) < julianday(?) and not `+sqliteHeld+`
			order by e.execution_id limit ?`, before.UTC().Format(time.RFC3339Nano), limit)
		if err != nil {
			return err
		}
		n = len(expired)
		return deleteTasks(t, expired)
	})
	if err != nil {
		return 0, fmt.Errorf("expire tasks: %w", err)
	}
	return n, nil
}

// deleteTasks deletes tasks with what refers to them.
func deleteTasks(t tx, ids []string) error {
	for _, query := range []string{
		`delete from "osp.fences" where task in (select value from json_each(?))`,
		`delete from workflow_executions where execution_id in (select value from json_each(?))`,
	} {
		if err := t.exec(query, jsonList(ids)); err != nil {
			return err
		}
	}
	return nil
}

// wasDeleted tells whether a task was deleted on request: it does not come back. A later one may have its id.
func wasDeleted(t tx, id string, created time.Time) (bool, error) {
	return t.one([]any{new(int)}, `select 1 from "osp.deleted" where task = ? and created_at >= ?`,
		hashOf(id), created.UnixMicro())
}

// checkAlive refuses an effect that comes after its task was deleted, with the fence that would have refused it.
func checkAlive(t tx, id string) error {
	found, err := t.one([]any{new(int)}, `select 1 from "osp.deleted" where task = ? and at > `+sqliteMicros+` - 3600000000`,
		hashOf(id))
	if err == nil && found {
		err = saga.Definite(fmt.Errorf("this task has been deleted: %w", saga.ErrUndone))
	}
	return err
}

func hashOf(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}

// sqliteMicros is the moment, in microseconds since 1970.
const sqliteMicros = `cast(unixepoch('subsec') * 1000000 as integer)`
