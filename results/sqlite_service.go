package results

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`).MatchString

func checkName(field, name string) error {
	if !validName(name) {
		return refuse(field, "%q is not a lower-case letter followed by at most 47 of a-z, 0-9 and _", name)
	}
	return nil
}

// reservedNames are schemas that PostgreSQL and Supabase use themselves; a service that works here shall work there.
var reservedNames = []string{
	"osp", "public", "auth", "storage", "realtime", "extensions", "graphql", "graphql_public", "vault", "cron", "net",
	"pgsodium", "pgsodium_masks", "pgbouncer", "pgtle", "tiger", "topology", "information_schema",
}

type reserved struct {
	Schema string `json:"schema"`
}

func reserveService(t tx, a args) (r reserved, err error) {
	if err := checkName("schema", a.Schema); err != nil {
		return r, err
	}
	if strings.HasPrefix(a.Schema, "pg_") || strings.HasPrefix(a.Schema, "supabase_") || slices.Contains(reservedNames, a.Schema) {
		return r, refuse("schema", "%s is a reserved name: choose another", a.Schema)
	}
	n, err := t.change(`insert into "osp.reservations" (schema, name, user_id)
		select ?1, ?2, ?3 where not exists (select 1 from "osp.schemas" where schema = ?1) on conflict do nothing`,
		a.Schema, a.Name, a.UserID)
	if err == nil && n == 0 {
		err = refuse("schema", "%s is taken: choose another", a.Schema)
	}
	return reserved{a.Schema}, err
}

func unreserveService(t tx, _ args, r reserved) error {
	return t.exec(`delete from "osp.reservations" where schema = ?`, r.Schema)
}

// checkReserved refuses to build on what another user has reserved.
func checkReserved(t tx, a args) error {
	found, err := t.one([]any{new(int)}, `select 1 from "osp.reservations" where schema = ? and user_id = ?`, a.Schema, a.UserID)
	if err == nil && !found {
		err = refuse("schema", "%q is not reserved for this user", a.Schema)
	}
	return err
}

// checkService refuses to touch what is no service of the user.
func checkService(t tx, a args) error {
	found, err := t.one([]any{new(int)}, `select 1 from "osp.services" where schema = ? and user_id = ?`, a.Schema, a.UserID)
	if err == nil && !found {
		err = refuse("schema", "this user has no service %q", a.Schema)
	}
	return err
}

type registered struct {
	ServiceID string `json:"service_id"`
}

func registerService(t tx, a args) (r registered, err error) {
	if err := checkReserved(t, a); err != nil {
		return r, err
	}
	entities, err := json.Marshal(a.Entities)
	if err != nil {
		return r, fmt.Errorf("encode entities: %w", err)
	}
	found, err := t.one([]any{&r.ServiceID}, `insert into "osp.services" (schema, name, user_id, entities)
		values (?, ?, ?, ?) on conflict do nothing returning id`, a.Schema, a.Name, a.UserID, string(entities))
	if err == nil && !found {
		err = refuse("schema", "%s is registered already", a.Schema)
	}
	return r, err
}

func unregisterService(t tx, _ args, r registered) error {
	return t.exec(`delete from "osp.services" where id = ?`, r.ServiceID)
}

func createSchema(t tx, a args) (none, error) {
	if err := checkReserved(t, a); err != nil {
		return none{}, err
	}
	n, err := t.change(`insert into "osp.schemas" (schema) values (?) on conflict do nothing`, a.Schema)
	if err == nil && n == 0 {
		err = refuse("schema", "%s exists already", a.Schema)
	}
	return none{}, err
}

func dropSchema(t tx, a args, _ none) error {
	tables, err := tablesOf(t, a.Schema)
	if err != nil {
		return err
	}
	for _, name := range tables {
		if err := t.exec("drop table if exists " + quote(name)); err != nil {
			return err
		}
	}
	return t.exec(`delete from "osp.schemas" where schema = ?`, a.Schema)
}
