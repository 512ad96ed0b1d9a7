package results

import (
	"maps"
	"slices"
)

// relation is what an entity says of another.
type relation struct {
	Target string `json:"target"`
	Type   string `json:"type"`
}

// key is a column that refers to another table; or, with Join, a table that joins two.
type key struct {
	Table  string `json:"table,omitempty"`
	Column string `json:"column"`
	Target string `json:"target,omitempty"`
	Unique bool   `json:"unique,omitempty"`
	Join   string `json:"join,omitempty"`
	Left   string `json:"left,omitempty"`
	Right  string `json:"right,omitempty"`
}

// keysOf lists the keys that the entities ask for. The same column asked for from both sides is one column, unique if
// either side says so.
func keysOf(entities []entity) ([]key, error) {
	keys := []key{}
	for _, e := range entities {
		for _, name := range slices.Sorted(maps.Keys(e.Relationships)) {
			field := "entities/" + e.Name + "/relationships/" + name
			k, err := e.key(field, name, entities)
			if err != nil {
				return nil, err
			}
			if k.Column == "user_id" || k.Left == "user" {
				return nil, refuse(field, "it would make the column user_id, which every table has already: rename the "+
					"relationship, or the entity user")
			}
			if k.Join != "" && (slices.ContainsFunc(entities, func(o entity) bool { return o.Name == k.Join }) ||
				slices.ContainsFunc(keys, func(o key) bool { return o.Join == k.Join })) {
				return nil, refuse(field, "its join table would be %s, and that name is taken: rename the relationship", k.Join)
			}
			i := slices.IndexFunc(keys, func(o key) bool { return o.Join == "" && o.Table == k.Table && o.Column == k.Column })
			switch {
			case k.Join != "" || i < 0:
				keys = append(keys, k)
			case keys[i].Target != k.Target:
				return nil, refuse(field, "another relationship uses the column %s.%s: rename one of them", k.Table, k.Column)
			default:
				keys[i].Unique = keys[i].Unique || k.Unique
			}
		}
	}
	return keys, nil
}

func (e entity) key(field, name string, entities []entity) (key, error) {
	if err := checkName(field, name); err != nil {
		return key{}, err
	}
	r := e.Relationships[name]
	if !slices.ContainsFunc(entities, func(o entity) bool { return o.Name == r.Target }) {
		return key{}, refuse(field+"/target", "there is no entity %q: add it, or mend the name", r.Target)
	}
	switch r.Type {
	case "many_to_one", "one_to_one":
		return key{Table: e.Name, Column: name + "_id", Target: r.Target, Unique: r.Type == "one_to_one"}, nil
	case "one_to_many":
		return key{Table: r.Target, Column: e.Name + "_id", Target: e.Name}, nil
	case "many_to_many":
		k := key{Join: e.Name + "_" + name, Left: e.Name, Right: r.Target, Column: r.Target + "_id"}
		if r.Target == e.Name {
			k.Column = name + "_id"
		}
		if len(k.Join) > 63 {
			return k, refuse(field, "the join table's name, %s, is longer than 63 letters: shorten a name", k.Join)
		}
		if k.Column == e.Name+"_id" {
			return k, refuse(field, "its join table would have %s twice: rename the relationship", k.Column)
		}
		return k, nil
	}
	return key{}, refuse(field+"/type", "%q is none of one_to_one, one_to_many, many_to_one, many_to_many", r.Type)
}

type createdKeys struct {
	Created []key `json:"created"`
}

func createKeys(t tx, a args) (createdKeys, error) {
	if err := checkReserved(t, a); err != nil {
		return createdKeys{}, err
	}
	keys, err := keysOf(a.Entities)
	if err != nil {
		return createdKeys{}, err
	}
	for _, k := range keys {
		create := a.addKey
		if k.Join != "" {
			create = a.addJoin
		}
		if err := create(t, k); err != nil {
			return createdKeys{}, err
		}
	}
	return createdKeys{keys}, nil
}

func (a args) addKey(t tx, k key) error {
	columns, err := columnsOf(t, a, k.Table)
	if err != nil {
		return err
	}
	if columns == nil {
		return refuse("entities", "there is no table %s", k.Table)
	}
	if slices.ContainsFunc(columns, func(c column) bool { return c.name == k.Column }) {
		return refuse("entities/"+k.Table+"/attributes/"+k.Column, "a relationship makes this column: remove the attribute, or rename the relationship")
	}
	err = t.exec("alter table " + a.table(k.Table) + " add column " + quote(k.Column) + " text references " + a.table(k.Target) + " (id)")
	if err != nil {
		return err
	}
	create := "create index "
	if k.Unique {
		create = "create unique index "
	}
	return t.exec(create + a.index(k) + " on " + a.table(k.Table) + " (" + quote(k.Column) + ")")
}

// index is the quoted name of a key's index.
func (a args) index(k key) string { return quote(a.Schema + "." + k.Table + "." + k.Column) }

func (a args) addJoin(t tx, k key) error {
	left, right := quote(k.Left+"_id"), quote(k.Column)
	return t.exec("create table " + a.table(k.Join) + " (" +
		left + " text not null references " + a.table(k.Left) + " (id) on delete cascade, " +
		right + " text not null references " + a.table(k.Right) + " (id) on delete cascade, " +
		"user_id text not null, created_at text not null default " + sqliteNow + ", primary key (" + left + ", " + right + "))")
}

func dropKeys(t tx, a args, created createdKeys) error {
	for _, k := range created.Created {
		if k.Join != "" {
			if err := t.exec("drop table if exists " + a.table(k.Join)); err != nil {
				return err
			}
			continue
		}
		if columns, err := columnsOf(t, a, k.Table); err != nil || columns == nil {
			return err
		}
		if err := t.exec("drop index if exists " + a.index(k)); err != nil {
			return err
		}
		if err := t.exec("alter table " + a.table(k.Table) + " drop column " + quote(k.Column)); err != nil {
			return err
		}
	}
	return nil
}
