package tasks

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/osp-platform/osp/internal/sentence"
)

// checkSamples holds the sample rows to the entities' columns.
func (s *service) checkSamples(p *problems) {
	entities := map[string]entity{}
	for _, e := range s.Entities {
		entities[e.Name] = e
	}
	for _, name := range slices.Sorted(maps.Keys(s.SampleData)) {
		e, known := entities[name]
		if !known {
			p.add(pointer("sample_data", name), "There is no entity %q in this service: add it, or mend the name.", name)
			continue
		}
		checkRows(p, e.Name, s.SampleData[name], s.columns(e))
	}
}

func checkRows(p *problems, entity string, rows []map[string]json.RawMessage, columns map[string]columnType) {
	for i, row := range rows {
		for _, column := range slices.Sorted(maps.Keys(row)) {
			at := pointer("sample_data", entity, i, column)
			kind, known := columns[column]
			switch {
			case !known && platformColumns[column]:
				p.add(at, "%q is filled in by the platform: remove it.", column)
			case !known:
				p.add(at, "%q has no column %q: add it to the attributes, or mend the name.", entity, column)
			case !kind.fits(row[column]):
				p.add(at, "%s does not fit a column of type %s: give %s.", sentence.Shorten(string(row[column]), 80), kind, kind.wants())
			}
		}
	}
}

// fits tells whether a JSON value can stand in a column of this type. Null fits every column.
func (t columnType) fits(raw json.RawMessage) bool {
	if string(raw) == "null" || t == typeJSON {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return false
	}
	switch v := v.(type) {
	case string:
		return t.fitsString(v)
	case json.Number:
		return t == typeNumber || t == typeInteger && isInteger(v)
	case bool:
		return t == typeBoolean
	}
	return false
}

func (t columnType) fitsString(s string) bool {
	switch t {
	case typeString, typeText:
		return true
	case typeDate:
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	case typeDatetime:
		_, err := time.Parse(time.RFC3339, s)
		return err == nil
	case typeInteger, typeNumber, typeBoolean, typeJSON:
	}
	return false
}

func isInteger(n json.Number) bool {
	_, err := strconv.ParseInt(n.String(), 10, 64)
	return err == nil
}

// wants says what a column of this type takes.
func (t columnType) wants() string {
	switch t {
	case typeString, typeText:
		return "a string"
	case typeInteger:
		return "a whole number of at most 64 bits"
	case typeNumber:
		return "a number"
	case typeBoolean:
		return "true or false"
	case typeDate:
		return `a date such as "2026-11-23"`
	case typeDatetime:
		return `a time such as "2026-11-23T18:30:00Z"`
	case typeJSON:
	}
	return "any JSON"
}
