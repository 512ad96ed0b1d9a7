package results

import (
	"maps"
	"slices"
	"strings"
)

// entity is a table as a service describes it.
type entity struct {
	Name          string              `json:"name"`
	Attributes    map[string]string   `json:"attributes,omitempty"`
	Relationships map[string]relation `json:"relationships,omitempty"`
}

// quote makes a name safe in a statement.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// table is the quoted name of an entity's table.
func (a args) table(entity string) string { return quote(a.Schema + "." + entity) }

// sqliteNow is the time as PostgreSQL's JSON shows it: without zeros at the end of a fraction.
const sqliteNow = `(rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f', 'now'), '0'), '.') || '+00:00')`

// platformColumns are in every table.
const platformColumns = `id text primary key not null default (lower(hex(randomblob(16)))), user_id text not null,
	created_at "DATETIME TEXT" not null default ` + sqliteNow + `, updated_at "DATETIME TEXT" not null default ` + sqliteNow

type tables struct {
	Tables []string `json:"tables"`
}

func createTables(t tx, a args) (tables, error) {
	created := tables{Tables: []string{}}
	if err := checkReserved(t, a); err != nil {
		return created, err
	}
	for _, e := range a.Entities {
		columns, err := e.columns()
		if err != nil {
			return created, err
		}
		taken, err := t.one([]any{new(int)}, "select 1 from sqlite_schema where name = ?", a.Schema+"."+e.Name)
		if err != nil {
			return created, err
		}
		if taken {
			return created, refuse("entities/"+e.Name+"/name", "there is a table of this name already: give each entity its own")
		}
		if err := t.exec("create table " + a.table(e.Name) + " (" + platformColumns + columns + ")"); err != nil {
			return created, err
		}
		created.Tables = append(created.Tables, e.Name)
	}
	return created, nil
}

// columns is the part of the table's definition that its attributes make.
func (e entity) columns() (string, error) {
	if err := checkName("entities/name", e.Name); err != nil {
		return "", err
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		field := "entities/" + e.Name + "/attributes/" + name
		if err := checkName(field, name); err != nil {
			return "", err
		}
		if slices.Contains([]string{"id", "user_id", "created_at", "updated_at"}, name) {
			return "", refuse(field, "every entity has this column already: remove it, or choose another name")
		}
		declared, ok := declarations[e.Attributes[name]]
		if !ok {
			return "", refuse(field, "the type %q is none of string, text, integer, number, boolean, date, datetime, json",
				e.Attributes[name])
		}
		b.WriteString(", " + quote(name) + " " + quote(declared))
	}
	return b.String(), nil
}

func dropTables(t tx, a args, created tables) error {
	for _, name := range created.Tables {
		if err := t.exec("drop table if exists " + a.table(name)); err != nil {
			return err
		}
	}
	return nil
}

// enableSecurity has nothing to do: whoever can read the file can read all of it.
func enableSecurity(t tx, a args) (none, error) {
	if err := checkReserved(t, a); err != nil {
		return none{}, err
	}
	for _, e := range a.Entities {
		columns, err := columnsOf(t, a, e.Name)
		if err != nil {
			return none{}, err
		}
		if columns == nil {
			return none{}, refuse("entities", "there is no table %s", e.Name)
		}
	}
	return none{}, nil
}

func disableSecurity(tx, args, none) error { return nil }
