package results

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Settle records how tasks have ended whose last rows were refused for good.
func (s *SQLite) Settle(ctx context.Context, ended []saga.Unwritten) error {
	err := s.write(ctx, func(t tx) error {
		for _, u := range ended {
			if err := settle(t, u); err != nil {
				return fmt.Errorf("task %s: %w", u.ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("settle tasks: %w", err)
	}
	return nil
}

// settle leaves the version below the task's, so that the last row may still be sent again.
func settle(t tx, u saga.Unwritten) error {
	n, err := t.change(`update workflow_executions set status = ?1, state = ?2, version = ?3,
		task = json_set(task, '$.status', ?1, '$.state', ?2, '$.version', ?3,
			'$.completed_at', coalesce(json_extract(task, '$.completed_at'), strftime('%Y-%m-%dT%H:%M:%fZ')))
		where execution_id = ?4 and version <= ?3`, u.State.Status(), u.State, u.Version-1, u.ID)
	if err != nil || n == 0 {
		return err
	}
	row := Row{Task: saga.Task{ID: u.ID, State: u.State}}
	var journal string
	kept, err := t.one([]any{&row.Parent, &journal}, `select coalesce(parent, ''), journal from "osp.journals" where task = ?`, u.ID)
	if err != nil || !kept {
		return err
	}
	row.Journal = strings.Split(journal, "\n")
	return saveJournal(t, row)
}

// Delete deletes all that is kept of a subject.
func (s *SQLite) Delete(ctx context.Context, d saga.Deletion) (deleted saga.Deleted, err error) {
	err = s.write(ctx, func(t tx) error {
		was, found, err := earlier(t, d.ID)
		if err != nil || found {
			deleted = was
			return err
		}
		// Rows of the subject may be referred to by others until all of them are gone; COMMIT looks at the whole.
		if err := t.exec("pragma defer_foreign_keys = on"); err != nil {
			return err
		}
		doom, err := doomedBy(t, d)
		if err != nil {
			return err
		}
		deleted = doom.Deleted
		if d.DryRun || len(doom.Unfinished) > 0 || !covers(d.Forgotten, doom.Tasks) {
			return nil
		}
		deleted.Done = true
		return doom.carryOut(t, d)
	})
	if err != nil {
		return saga.Deleted{}, fmt.Errorf("delete %s %s: %w", d.Kind, d.Subject, err)
	}
	return deleted, nil
}

// covers tells whether every one of ids is among those known.
func covers(known, ids []string) bool {
	set := make(map[string]bool, len(known))
	for _, id := range known {
		set[id] = true
	}
	return !slices.ContainsFunc(ids, func(id string) bool { return !set[id] })
}

// earlier is what the audit tells of a deletion.
func earlier(t tx, id string) (d saga.Deleted, found bool, err error) {
	var counts string
	var at int64
	found, err = t.one([]any{&counts, &at}, `select deleted, at from "osp.audit" where id = ?`, id)
	if err != nil || !found {
		return d, false, err
	}
	d.Done, d.At = true, time.UnixMicro(at).UTC()
	return d, true, json.Unmarshal([]byte(counts), &d.Counts)
}

// doomed is what a deletion is about.
type doomed struct {
	saga.Deleted
	owner  string   // of rows in others' tables; empty: nobody's
	shared []string // others' tables that have owners
}

const sqliteDoomed = `
with recursive doomed (task) as (
    select task from (
        select execution_id as task from workflow_executions
        where case ?1 when 'service' then service_schema = ?2 when 'user' then lower(user_id) = ?2 end
            or service_schema in (select value from json_each(?3))
        union all
        select ?2 where ?1 = 'task'
        union all
        select value from json_each(?4)
        union all
        select task from "osp.fences" where effect = 'service.reserve' and not undo
            and json_extract(result, '$.schema') in (select value from json_each(?3))
    )
    union
    select json_extract(s.value, '$.child')
    from workflow_executions t join doomed d on t.execution_id = d.task, json_each(t.task, '$.steps') s
    where json_extract(s.value, '$.child') is not null
)
select task from doomed order by task`

// doomedBy finds what a deletion is about, and counts it.
func doomedBy(t tx, d saga.Deletion) (doom doomed, err error) {
	doom.Services, err = all(t, text, `select schema from "osp.reservations"
		where case ?1 when 'service' then schema = ?2 when 'user' then lower(user_id) = ?2 end order by schema`, d.Kind, d.Subject)
	if err != nil {
		return doom, err
	}
	if doom.Tasks, err = all(t, text, sqliteDoomed, d.Kind, d.Subject, jsonList(doom.Services), jsonList(d.Forgotten)); err != nil {
		return doom, err
	}
	doom.Unfinished, err = all(t, text, `select e.execution_id from workflow_executions e
		where e.execution_id in (select value from json_each(?)) and e.version > 0
		  and (e.status in ('pending', 'running') or `+sqliteHeld+`) order by e.execution_id`, jsonList(doom.Tasks))
	if err != nil {
		return doom, err
	}
	if d.Kind == saga.SubjectUser {
		doom.owner = d.Subject
		if doom.shared, err = sharedTables(t, doom.Services); err != nil {
			return doom, err
		}
	}
	return doom, doom.count(t)
}

// count counts what there is, and reads the clock.
func (d *doomed) count(t tx) error {
	c, list := &d.Counts, jsonList(d.Tasks)
	c.Services = int64(len(d.Services))
	var at int64
	for _, q := range []struct {
		into  []any
		query string
		args  []any
	}{
		{[]any{&c.Tasks, &c.Steps, &at}, `select count(*), coalesce(sum(json_array_length(task, '$.steps')), 0), ` + sqliteMicros + `
			from workflow_executions where execution_id in (select value from json_each(?))`, []any{list}},
		{[]any{&c.Fences}, `select count(*) from "osp.fences" where task in (select value from json_each(?))`, []any{list}},
	} {
		if _, err := t.one(q.into, q.query, q.args...); err != nil {
			return err
		}
	}
	d.At = time.UnixMicro(at).UTC()
	for _, schema := range d.Services {
		tables, err := tablesOf(t, schema)
		if err != nil {
			return err
		}
		if err := d.countRows(t, tables, "true"); err != nil {
			return err
		}
	}
	return d.countRows(t, d.shared, "lower(user_id) = ?", d.owner)
}

func (d *doomed) countRows(t tx, tables []string, where string, args ...any) error {
	for _, table := range tables {
		var n int64
		if _, err := t.one([]any{&n}, "select count(*) from "+quote(table)+" where "+where, args...); err != nil {
			return err
		}
		d.Counts.Rows += n
	}
	return nil
}

// carryOut deletes it all, and takes note of it.
func (d *doomed) carryOut(t tx, of saga.Deletion) error {
	for _, id := range d.Tasks {
		err := t.exec(`insert into "osp.deleted" (task, created_at, at)
			select ?, coalesce(max(created_at), `+sqliteMicros+`), `+sqliteMicros+` from workflow_executions where execution_id = ?
			on conflict (task) do update set created_at = max(created_at, excluded.created_at), at = excluded.at`, hashOf(id), id)
		if err != nil {
			return err
		}
	}
	if err := deleteTasks(t, d.Tasks); err != nil {
		return err
	}
	for _, schema := range d.Services {
		if err := dropService(t, schema); err != nil {
			return err
		}
	}
	if d.owner != "" {
		if err := deleteOwn(t, d.shared, d.owner); err != nil {
			return err
		}
	}
	counts, err := json.Marshal(d.Counts)
	if err != nil {
		return err
	}
	return t.exec(`insert into "osp.audit" (id, at, by, kind, subject, reason, deleted) values (?, ?, ?, ?, ?, ?, ?)`,
		of.ID, d.At.UnixMicro(), of.By, of.Kind, of.Subject, of.Reason, string(counts))
}

func jsonList(ids []string) string {
	if ids == nil {
		return "[]"
	}
	list, _ := json.Marshal(ids) // strings always can be
	return string(list)
}
