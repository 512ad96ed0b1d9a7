package cli

import (
	"context"
	"encoding/json"
	"fmt"
)

// list writes a list in the output that is wanted.
func (s *session) list(ctx context.Context, p paged, l listed) error {
	w := &listWriter{out: s.out, as: s.output}
	n := 0
	more, err := s.each(ctx, p, func(raw json.RawMessage) error {
		n++
		return s.item(w, l, raw)
	})
	switch {
	case err != nil && (s.output != asTable || n == 0):
		return err
	case s.output != asTable:
		err = w.end()
	default:
		err = both(err, s.writeTable(l))
	}
	if more {
		s.talk("There are more: --limit says how many to list, --all lists all.")
	}
	return err
}

// item writes an item, or puts it into the table.
func (s *session) item(w *listWriter, l listed, raw json.RawMessage) error {
	if s.output == asJSON || s.output == asNDJSON {
		return w.add(raw)
	}
	id, cells, err := l.row(raw)
	if err != nil {
		return err
	}
	if s.output == asID {
		_, err = fmt.Fprintln(s.out, plain(id))
		return err
	}
	l.table.add(cells...)
	return nil
}

// writeTable writes the table without the columns that have nothing in them.
func (s *session) writeTable(l listed) error {
	if len(l.table.rows) == 0 {
		s.talk("%s", l.none)
		return nil
	}
	l.table.dropEmpty()
	columns, _ := size(s.out)
	return l.table.write(s.out, s.paint, columns)
}
