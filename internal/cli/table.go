package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// cell is a text of a table, with its colour. Texts of the API are made harmless by [table.add].
type cell struct {
	text   string
	colour string
}

// table aligns rows. On a terminal no row is wider than it: the columns that may be cut are, the last ones first, and left out
// before the others are cut.
type table struct {
	heads []string
	keep  map[string]bool // these are cut last
	rows  [][]cell
}

func newTable(keep string, heads ...string) *table {
	t := &table{heads: heads, keep: map[string]bool{}}
	for k := range strings.FieldsSeq(keep) {
		t.keep[k] = true
	}
	return t
}

func (t *table) add(cells ...cell) {
	for i := range cells {
		cells[i].text = plain(cells[i].text)
	}
	t.rows = append(t.rows, cells)
}

const (
	gap       = 2
	narrowest = 8 // what a column is cut down to before another one is
)

// widths fits the columns into w; 0 is no limit. A column without a width is left out.
func (t *table) widths(w int) []int {
	list := make([]int, len(t.heads))
	total := gap * (len(t.heads) - 1)
	for i, h := range t.heads {
		list[i] = width(h)
		for _, r := range t.rows {
			list[i] = max(list[i], width(r[i].text))
		}
		total += list[i]
	}
	if w < 1 {
		return list
	}
	cut := func(kept bool) {
		for i := len(list) - 1; i >= 0 && total > w; i-- {
			if t.keep[t.heads[i]] == kept {
				less := min(total-w, max(0, list[i]-max(narrowest, width(t.heads[i]))))
				list[i], total = list[i]-less, total-less
			}
		}
	}
	cut(false)
	for i := len(list) - 1; i > 0 && total > w; i-- {
		if !t.keep[t.heads[i]] {
			list[i], total = 0, total-list[i]-gap
		}
	}
	cut(true)
	return list
}

// write writes the table for a terminal of a width; 0 where there is none.
func (t *table) write(out io.Writer, p paint, w int) error {
	widths := t.widths(w)
	last := len(widths) - 1
	for last > 0 && widths[last] == 0 {
		last--
	}
	var b strings.Builder
	row := func(cells []cell) {
		var line strings.Builder
		used := 0
		for i, c := range cells {
			if widths[i] == 0 {
				continue
			}
			text := clip(c.text, widths[i])
			if i < last {
				line.WriteString(p.in(c.colour, text) + strings.Repeat(" ", widths[i]-width(text)+gap))
			} else if text != "" {
				line.WriteString(p.in(c.colour, clip(text, max(1, room(w, used)))))
			}
			used += widths[i] + gap
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	heads := make([]cell, len(t.heads))
	for i, h := range t.heads {
		heads[i] = cell{h, bold}
	}
	row(heads)
	for _, r := range t.rows {
		row(r)
	}
	_, err := fmt.Fprint(out, b.String())
	return err
}

// room is what is left of a line.
func room(w, used int) int {
	if w < 1 {
		return 1 << 20
	}
	return w - used
}

// dropEmpty leaves out columns in which no row has anything.
func (t *table) dropEmpty() {
	for i := len(t.heads) - 1; i > 0; i-- {
		empty := true
		for _, r := range t.rows {
			empty = empty && r[i].text == ""
		}
		if !empty {
			continue
		}
		t.heads = slices.Delete(slices.Clone(t.heads), i, i+1)
		for j, r := range t.rows {
			t.rows[j] = slices.Delete(r, i, i+1)
		}
	}
}
