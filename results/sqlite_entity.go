package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rowset is an entity of the caller's own service.
type rowset struct {
	tx
	args
	table   string
	columns []column
}

// own returns an entity of the caller's service, or refuses.
func own(t tx, a args, entity string) (rowset, error) {
	if err := checkService(t, a); err != nil {
		return rowset{}, err
	}
	r, err := undoable(t, a, entity)
	if err == nil && r.columns == nil {
		err = refuse("entity", "the service has no entity %q", entity)
	}
	return r, err
}

// undoable returns an entity that a do has touched; it has no columns if it is gone since.
func undoable(t tx, a args, entity string) (rowset, error) {
	columns, err := columnsOf(t, a, entity)
	return rowset{tx: t, args: a, table: a.table(entity), columns: columns}, err
}

// values returns names and values of the columns that d sets, in a fixed order.
func (r rowset) values(field string, d data) (names []string, values []any, err error) {
	if d == nil {
		return nil, nil, refuse(field, "it is not an object")
	}
	for _, name := range slices.Sorted(maps.Keys(d)) {
		i := slices.IndexFunc(r.columns, func(c column) bool { return c.name == name })
		if i < 0 {
			return nil, nil, refuse(field+"/"+name, "the entity has no such column")
		}
		v, err := r.columns[i].value(d[name])
		if err != nil {
			return nil, nil, refuse(field+"/"+name, "this is no value of the column's type")
		}
		names, values = append(names, quote(name)), append(values, v)
	}
	return names, values, nil
}

// insertOwn inserts a row for its owner.
func (r rowset) insertOwn(field string, d data) (json.RawMessage, error) {
	if d == nil {
		return nil, refuse(field, "it is not an object")
	}
	owner, err := json.Marshal(r.UserID)
	if err != nil {
		return nil, fmt.Errorf("encode user_id: %w", err)
	}
	if given, ok := d["user_id"]; ok && string(given) != string(owner) {
		return nil, refuse(field+"/user_id", "it is the owner, who cannot be somebody else")
	}
	d = maps.Clone(d)
	d["user_id"] = owner
	return r.insert(field, d)
}

func (r rowset) insert(field string, d data) (json.RawMessage, error) {
	names, values, err := r.values(field, d)
	if err != nil {
		return nil, err
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")
	var inserted string
	_, err = r.one([]any{&inserted}, "insert into "+r.table+" ("+strings.Join(names, ", ")+") values ("+marks+") returning "+
		rowJSON(r.columns), values...)
	return json.RawMessage(inserted), err
}

// row returns a row of the caller's, or refuses.
func (r rowset) row() (json.RawMessage, error) {
	var row string
	found, err := r.one([]any{&row}, "select "+rowJSON(r.columns)+" from "+r.table+" where id = ? and user_id = ?", r.ID, r.UserID)
	if err == nil && !found {
		err = refuse("id", "this user has no %s %q", r.Entity, r.ID)
	}
	return json.RawMessage(row), err
}

// set writes columns of the row, if it is there.
func (r rowset) set(names []string, values []any) (json.RawMessage, error) {
	var row string
	_, err := r.one([]any{&row}, "update "+r.table+" set "+strings.Join(names, " = ?, ")+" = ?, updated_at = "+sqliteNow+
		" where id = ? and user_id = ? returning "+rowJSON(r.columns), append(values, r.ID, r.UserID)...)
	return json.RawMessage(row), err
}

func (r rowset) remove(id string) error {
	return r.exec("delete from "+r.table+" where id = ? and user_id = ?", id, r.UserID)
}

// idOf reads the id of a row.
func idOf(row json.RawMessage) (string, error) {
	var r struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(row, &r); err != nil {
		return "", fmt.Errorf("decode a row: %w", err)
	}
	return r.ID, nil
}

type found struct {
	Rows []json.RawMessage `json:"rows"`
}

func queryEntity(t tx, a args) (json.RawMessage, error) {
	r, err := own(t, a, a.Entity)
	if err != nil {
		return nil, err
	}
	if a.Filters == nil {
		a.Filters = data{}
	}
	names, values, err := r.values("filters", a.Filters)
	if err != nil {
		return nil, err
	}
	where := "user_id = ?"
	if len(names) > 0 {
		where += " and " + strings.Join(names, " is ? and ") + " is ?"
	}
	query := "select " + rowJSON(r.columns) + " from " + r.table + " where " + where
	limit := 100
	if a.Limit != nil {
		limit = min(max(*a.Limit, 1), 1000)
	}
	rows, err := all(t, text, query+" order by created_at desc, id desc limit ?",
		slices.Concat([]any{a.UserID}, values, []any{limit})...)
	if err != nil {
		return nil, err
	}
	answer := found{Rows: make([]json.RawMessage, len(rows))}
	for i, row := range rows {
		answer.Rows[i] = json.RawMessage(row)
	}
	return json.Marshal(answer)
}
