package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

const versionColumns = `service, workflow, version, hash, state, by, created_at`

func scanVersion(rows *sql.Rows) (v saga.WorkflowVersion, err error) {
	var at int64
	err = rows.Scan(&v.Service, &v.Workflow, &v.Version, &v.Hash, &v.State, &v.By, &at)
	v.CreatedAt = time.UnixMicro(at).UTC()
	return v, err
}

// Deploy adds a version, unless the content has one.
func (s *SQLite) Deploy(ctx context.Context, d saga.Deployment) (deployed saga.Deployed, err error) {
	err = s.write(ctx, func(t tx) error {
		n, err := t.change(`insert into "osp.workflow_versions" (service, workflow, version, hash, definition, by, created_at)
			select ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4, ?5, `+sqliteMicros+` from "osp.workflow_versions"
			where service = ?1 and workflow = ?2
			on conflict (service, workflow, hash) do nothing`, d.Service, d.Workflow, d.Hash, d.Definition, d.By)
		if err != nil {
			return err
		}
		deployed.Created = n > 0
		if deployed.WorkflowVersion, err = t.version(`service = ? and workflow = ? and hash = ?`, d.Service, d.Workflow, d.Hash); err != nil || n == 0 {
			return err
		}
		return t.note(deployed.WorkflowVersion, d.By, d.Reason)
	})
	return deployed, err
}

// version reads the version that a condition names.
func (t tx) version(where string, args ...any) (v saga.WorkflowVersion, err error) {
	list, err := all(t, scanVersion, `select `+versionColumns+` from "osp.workflow_versions" where `+where, args...)
	switch {
	case err != nil:
		return v, err
	case len(list) == 0:
		return v, saga.ErrNotFound
	}
	return list[0], nil
}

// note takes note in the audit that a version has come into its state.
func (t tx) note(v saga.WorkflowVersion, by, reason string) error {
	return t.exec(`insert into "osp.workflow_audit" (at, service, workflow, version, action, by, reason)
		values (`+sqliteMicros+`, ?, ?, ?, ?, ?, ?)`, v.Service, v.Workflow, v.Version, v.State.Action(), by, reason)
}

// ChangeVersion brings a version into another state.
func (s *SQLite) ChangeVersion(ctx context.Context, c saga.VersionChange) (changed saga.VersionChanged, err error) {
	err = s.write(ctx, func(t tx) error {
		v, err := t.version(`service = ? and workflow = ? and version = ?`, c.Service, c.Workflow, c.Version)
		if err != nil {
			return err
		}
		changed = saga.VersionChanged{WorkflowVersion: v, Was: v.State}
		if !v.State.MayBecome(c.State) {
			return nil
		}
		if c.State == saga.VersionActive {
			if err := t.standDown(c); err != nil {
				return err
			}
		}
		changed.State = c.State
		return t.setState(changed.WorkflowVersion, c.By, c.Reason)
	})
	return changed, err
}

// standDown deprecates the version that is active: another is about to be.
func (t tx) standDown(c saga.VersionChange) error {
	active, err := all(t, scanVersion, `select `+versionColumns+` from "osp.workflow_versions"
		where service = ? and workflow = ? and state = 'active'`, c.Service, c.Workflow)
	if err != nil || len(active) == 0 {
		return err
	}
	active[0].State = saga.VersionDeprecated
	return t.setState(active[0], c.By, fmt.Sprintf("version %d was activated", c.Version))
}

func (t tx) setState(v saga.WorkflowVersion, by, reason string) error {
	if err := t.exec(`update "osp.workflow_versions" set state = ? where service = ? and workflow = ? and version = ?`,
		v.State, v.Service, v.Workflow, v.Version); err != nil {
		return err
	}
	return t.note(v, by, reason)
}

// currentVersion holds for the active version of a workflow, or the newest if none is active.
const currentVersion = `version = (select c.version from "osp.workflow_versions" c where c.service = v.service and c.workflow = v.workflow
	order by c.state = 'active' desc, c.version desc limit 1)`

// Workflows returns the current version of each workflow.
func (s *SQLite) Workflows(ctx context.Context, q saga.WorkflowQuery) ([]saga.WorkflowVersion, error) {
	services, err := json.Marshal(q.Services)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return s.versions(ctx, `(service, workflow) > (?1, ?2) and (?3 = 'null' or service in (select value from json_each(?3)))
		and `+currentVersion+` order by service, workflow limit ?4`, q.After.Service, q.After.ID, string(services), q.Limit)
}

// whose orders the workflows of one id: a service's own if it was ever active, the platform's, the service's own.
const whose = `case when v.service = '' then 1 when exists (select * from "osp.workflow_audit" a
	where a.service = v.service and a.workflow = v.workflow and a.action = 'activate') then 0 else 2 end`

// Workflow returns what a service's tasks of a type begin with.
func (s *SQLite) Workflow(ctx context.Context, of saga.WorkflowKey) (v saga.WorkflowVersion, err error) {
	list, err := s.versions(ctx, `service in ('', ?) and workflow = ? and `+currentVersion+` order by `+whose+` limit 1`, of.Service, of.ID)
	if err == nil && len(list) == 0 {
		err = saga.ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return list[0], nil
}

// Versions returns versions of a workflow, the newest first.
func (s *SQLite) Versions(ctx context.Context, w saga.WorkflowKey, before, limit int) ([]saga.WorkflowVersion, error) {
	return s.versions(ctx, `service = ?1 and workflow = ?2 and (version < ?3 or ?3 = 0) order by version desc limit ?4`,
		w.Service, w.ID, before, limit)
}

func (s *SQLite) versions(ctx context.Context, where string, args ...any) ([]saga.WorkflowVersion, error) {
	return read(ctx, s, scanVersion, `select `+versionColumns+` from "osp.workflow_versions" v where `+where, args...)
}

// read reads every row of a query, outside of any transaction.
func read[T any](ctx context.Context, s *SQLite, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	return collect(rows, scan)
}

// Version returns a version with its content.
func (s *SQLite) Version(ctx context.Context, w saga.WorkflowKey, version int) (saga.WorkflowVersion, error) {
	return s.content(ctx, `service = ? and workflow = ? and version = ?`, w.Service, w.ID, version)
}

// Definition returns a version that has a content.
func (s *SQLite) Definition(ctx context.Context, hash string) (saga.WorkflowVersion, error) {
	return s.content(ctx, `hash = ? limit 1`, hash)
}

func (s *SQLite) content(ctx context.Context, where string, args ...any) (v saga.WorkflowVersion, err error) {
	list, err := s.versions(ctx, where, args...)
	if err == nil && len(list) == 0 {
		err = saga.ErrNotFound
	}
	if err != nil {
		return v, err
	}
	v = list[0]
	contents, err := read(ctx, s, text, `select definition from "osp.workflow_versions" where hash = ? limit 1`, v.Hash)
	if err != nil || len(contents) == 0 {
		return v, err
	}
	v.Definition = json.RawMessage(contents[0])
	return v, nil
}

// VersionNotes returns the audit of a workflow.
func (s *SQLite) VersionNotes(ctx context.Context, w saga.WorkflowKey, before int64, limit int) ([]saga.VersionNote, error) {
	return read(ctx, s, func(rows *sql.Rows) (n saga.VersionNote, err error) {
		var at int64
		err = rows.Scan(&n.ID, &at, &n.Service, &n.Workflow, &n.Version, &n.Action, &n.By, &n.Reason)
		n.At = time.UnixMicro(at).UTC()
		return n, err
	}, `select id, at, service, workflow, version, action, by, reason from "osp.workflow_audit"
		where service = ?1 and workflow = ?2 and (id < ?3 or ?3 = 0) order by id desc limit ?4`, w.Service, w.ID, before, limit)
}
