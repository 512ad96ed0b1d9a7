package results

import (
	"database/sql"

	"github.com/osp-platform/osp/saga"
)

// tablesOf lists the tables of a service.
func tablesOf(t tx, schema string) ([]string, error) {
	return all(t, text, `select name from sqlite_schema
		where type = 'table' and substr(name, 1, length(?1) + 1) = ?1 || '.' order by name`, schema)
}

// sharedTables lists the tables of the services that stay, as far as their rows have owners.
func sharedTables(t tx, doomed []string) ([]string, error) {
	return all(t, text, `select s.name from sqlite_schema s
		join "osp.schemas" o on substr(s.name, 1, length(o.schema) + 1) = o.schema || '.'
		where s.type = 'table' and o.schema not in (select value from json_each(?))
		  and exists (select 1 from pragma_table_info(s.name) c where c.name = 'user_id') order by s.name`, jsonList(doomed))
}

// dropService deletes a service with all its tables, which are emptied before the first of them goes: they refer to each
// other.
func dropService(t tx, schema string) error {
	tables, err := tablesOf(t, schema)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := t.exec("delete from " + quote(table)); err != nil {
			return err
		}
	}
	if err := dropSchema(t, args{Schema: schema}, none{}); err != nil {
		return err
	}
	for _, table := range []string{"manifest_audit", "manifests", "services", "reservations"} {
		if err := t.exec("delete from "+quote("osp."+table)+" where schema = ?", schema); err != nil {
			return err
		}
	}
	if err := t.exec(`delete from "osp.webhooks" where service = ?`, schema); err != nil {
		return err
	}
	return t.standDownAll(schema)
}

// standDownAll deprecates the active versions of a service that is deleted: their schedules would go on for ever.
func (t tx) standDownAll(service string) error {
	active, err := all(t, scanVersion, `select `+versionColumns+` from "osp.workflow_versions" where service = ? and state = 'active'`, service)
	if err != nil {
		return err
	}
	for _, v := range active {
		v.State = saga.VersionDeprecated
		if err := t.setState(v, "osp", "the service was deleted"); err != nil {
			return err
		}
	}
	return nil
}

// deleteOwn deletes an owner's rows in others' tables. What others' rows say of them becomes null first.
func deleteOwn(t tx, tables []string, owner string) error {
	for _, table := range tables {
		if err := unlink(t, table, owner); err != nil {
			return err
		}
	}
	for _, table := range tables {
		if err := t.exec("delete from "+quote(table)+" where lower(user_id) = ?", owner); err != nil {
			return err
		}
	}
	for _, query := range []string{
		`update "osp.manifests" set created_by = null where created_by = ?`,
		`update "osp.manifest_audit" set by = null where by = ?`,
		`update "osp.actions" set by = iif(user_id = ?1, '', by), reason = iif(user_id = ?1, '', reason),
			user_id = iif(user_id = ?1, '', user_id), details = '{}' where user_id = ?1 or instr(details, ?1) > 0`,
	} {
		if err := t.exec(query, owner); err != nil {
			return err
		}
	}
	return nil
}

// unlink makes null what a table says of an owner's rows.
func unlink(t tx, table, owner string) error {
	type link struct{ column, target, key string }
	links, err := all(t, func(rows *sql.Rows) (l link, err error) {
		err = rows.Scan(&l.column, &l.target, &l.key)
		return l, err
	}, `select "from", "table", "to" from pragma_foreign_key_list(?) where on_delete = 'NO ACTION'`, table)
	if err != nil {
		return err
	}
	for _, l := range links {
		err := t.exec("update "+quote(table)+" set "+quote(l.column)+" = null where "+quote(l.column)+
			" in (select "+quote(l.key)+" from "+quote(l.target)+" where lower(user_id) = ?)", owner)
		if err != nil {
			return err
		}
	}
	return nil
}
