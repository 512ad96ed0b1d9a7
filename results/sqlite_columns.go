package results

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// declarations are the types of attributes as SQLite columns declare them. TEXT in a name keeps SQLite from taking
// what looks like a number for one.
var declarations = map[string]string{
	"string": "TEXT", "text": "TEXT", "integer": "INTEGER", "number": "NUMERIC", "boolean": "BOOLEAN",
	"date": "DATE TEXT", "datetime": "DATETIME TEXT", "json": "JSON TEXT",
}

// column is a column of an entity's table.
type column struct{ name, declared string }

// columnsOf returns the columns of an entity's table; none if there is no such entity.
func columnsOf(t tx, a args, entity string) ([]column, error) {
	list, err := all(t, func(rows *sql.Rows) (c column, err error) {
		err = rows.Scan(&c.name, &c.declared)
		return c, err
	}, "select name, type from pragma_table_info(?)", a.Schema+"."+entity)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.name == "id" {
			return list, nil
		}
	}
	return nil, nil // no table, or one that joins two entities
}

// rowJSON is an expression for a whole row as JSON.
func rowJSON(columns []column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		value := quote(c.name)
		switch c.declared {
		case "BOOLEAN":
			value = "json(case " + value + " when 1 then 'true' when 0 then 'false' end)"
		case "JSON TEXT":
			value = "json(" + value + ")"
		}
		parts[i] = "'" + strings.ReplaceAll(c.name, "'", "''") + "', " + value
	}
	return "json_object(" + strings.Join(parts, ", ") + ")"
}

// value makes what SQLite stores of a JSON value, as PostgreSQL would take it for a column of that type.
func (c column) value(raw json.RawMessage) (any, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	s := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("decode a string: %w", err)
		}
	}
	switch c.declared {
	case "INTEGER":
		return strconv.ParseInt(s, 10, 64)
	case "NUMERIC":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, nil
		}
		return strconv.ParseFloat(s, 64)
	case "BOOLEAN":
		return strconv.ParseBool(s)
	case "DATE TEXT":
		at, err := parseTime(s)
		return at.Format(time.DateOnly), err
	case "DATETIME TEXT":
		at, err := parseTime(s)
		return at.UTC().Format("2006-01-02T15:04:05.999999") + "+00:00", err
	case "JSON TEXT":
		return canonicalJSON(raw)
	}
	return s, nil
}

func parseTime(s string) (at time.Time, err error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err = time.Parse(layout, s); err == nil {
			break
		}
	}
	return at, err
}

// canonicalJSON sorts keys, so that equal values are equal texts.
func canonicalJSON(raw json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "", fmt.Errorf("decode JSON: %w", err)
	}
	out, err := json.Marshal(v)
	return string(out), err
}
