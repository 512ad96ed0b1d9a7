package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

type inserted struct {
	Row json.RawMessage `json:"row"`
}

func insertEntity(t tx, a args) (inserted, error) {
	r, err := own(t, a, a.Entity)
	if err != nil {
		return inserted{}, err
	}
	row, err := r.insertOwn("data", a.Data)
	return inserted{row}, err
}

func uninsertEntity(t tx, a args, done inserted) error {
	r, err := undoable(t, a, a.Entity)
	if err != nil || r.columns == nil {
		return err
	}
	id, err := idOf(done.Row)
	if err != nil {
		return err
	}
	return r.remove(id)
}

type updated struct {
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

func updateEntity(t tx, a args) (u updated, err error) {
	r, err := own(t, a, a.Entity)
	if err != nil {
		return u, err
	}
	names, values, err := r.values("data", a.Data)
	if err != nil {
		return u, err
	}
	for _, name := range []string{"id", "user_id"} {
		if _, ok := a.Data[name]; ok {
			return u, refuse("data/"+name, "it cannot be changed")
		}
	}
	if len(names) == 0 {
		return u, refuse("data", "it changes nothing")
	}
	if u.Before, err = r.row(); err != nil {
		return u, err
	}
	u.After, err = r.set(names, values)
	return u, err
}

// restoreEntity gives the columns that the do changed their values back.
func restoreEntity(t tx, a args, u updated) error {
	r, err := undoable(t, a, a.Entity)
	if err != nil || r.columns == nil {
		return err
	}
	var before data
	if err := json.Unmarshal(u.Before, &before); err != nil {
		return fmt.Errorf("decode the row before: %w", err)
	}
	maps.DeleteFunc(before, func(name string, _ json.RawMessage) bool {
		_, changed := a.Data[name]
		return !changed
	})
	names, values, err := r.values("before", before)
	if err != nil {
		return err
	}
	_, err = r.set(names, values)
	return err
}

type deleted struct {
	Before json.RawMessage `json:"before"`
}

func deleteEntity(t tx, a args) (d deleted, err error) {
	r, err := own(t, a, a.Entity)
	if err != nil {
		return d, err
	}
	if d.Before, err = r.row(); err != nil {
		return d, err
	}
	return d, r.remove(a.ID)
}

func undeleteEntity(t tx, a args, d deleted) error {
	r, err := own(t, a, a.Entity)
	if err != nil {
		return err
	}
	var before data
	if err := json.Unmarshal(d.Before, &before); err != nil {
		return fmt.Errorf("decode the row before: %w", err)
	}
	_, err = r.insert("before", before)
	return err
}

type insertedRows struct {
	Inserted map[string][]string `json:"inserted"`
}

func insertRows(t tx, a args) (insertedRows, error) {
	done := insertedRows{Inserted: map[string][]string{}}
	if err := checkService(t, a); err != nil {
		return done, err
	}
	for _, name := range slices.Sorted(maps.Keys(a.Rows)) {
		r, err := own(t, a, name)
		if err != nil {
			return done, err
		}
		done.Inserted[name] = []string{}
		for i, d := range a.Rows[name] {
			row, err := r.insertOwn(strings.Join([]string{"rows", name, fmt.Sprint(i)}, "/"), d)
			if err != nil {
				return done, err
			}
			id, err := idOf(row)
			if err != nil {
				return done, err
			}
			done.Inserted[name] = append(done.Inserted[name], id)
		}
	}
	return done, nil
}

func deleteRows(t tx, a args, done insertedRows) error {
	for name, ids := range done.Inserted {
		r, err := undoable(t, a, name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if r.columns == nil {
				break
			}
			if err := r.remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}
