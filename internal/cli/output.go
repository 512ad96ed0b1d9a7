package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// output is how results are written.
type output string

// The outputs. Not every command has all of them.
const (
	asTable  output = "table"  // for people
	asJSON   output = "json"   // what the API answers; lists as one array
	asNDJSON output = "ndjson" // lists, one item a line, as they come
	asID     output = "id"     // only the ids, one a line
)

func (o output) check(known []output) error {
	if slices.Contains(known, o) {
		return nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return misused("--output is %q: write %s", string(o), strings.Join(names, ", "))
}

// people tells whether the output is for them.
func (o output) people() bool { return o == asTable }

// writeJSON writes what the API has answered as it came, on one line. Controls that JSON allows in a string, and a terminal
// would obey, are written as escapes: to a program that is the same.
func writeJSON(out io.Writer, raw []byte) error {
	if !json.Valid(raw) || !utf8.Valid(raw) {
		return errors.New("the API has answered with what is no JSON: is it osp that listens there?")
	}
	_, err := fmt.Fprintf(out, "%s\n", harmless(raw))
	return err
}

func harmless(raw []byte) []byte {
	raw = bytes.TrimSpace(raw)
	if !bytes.ContainsFunc(raw, escaped) {
		return raw
	}
	var b bytes.Buffer
	for _, r := range string(raw) {
		if escaped(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

// escaped tells which characters a terminal may obey, or show otherwise than they stand.
func escaped(r rune) bool {
	return r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// list writes items as they come: an array, or one a line.
type listWriter struct {
	out   io.Writer
	as    output
	count int
}

func (l *listWriter) add(raw json.RawMessage) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return fmt.Errorf("an item of the API's list is no JSON: %w", err)
	}
	before := ""
	if l.as == asJSON {
		if before = ",\n"; l.count == 0 {
			before = "["
		}
	}
	l.count++
	after := ""
	if l.as == asNDJSON {
		after = "\n"
	}
	_, err := fmt.Fprintf(l.out, "%s%s%s", before, harmless(compact.Bytes()), after)
	return err
}

func (l *listWriter) end() error {
	if l.as != asJSON {
		return nil
	}
	closing := "]\n"
	if l.count == 0 {
		closing = "[]\n"
	}
	_, err := io.WriteString(l.out, closing)
	return err
}
