package saga

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// encoder writes what encoding/json would write, field by field. Events are encoded and decoded several times for each step, and
// reflection was most of what that cost. Whatever is not plain goes through encoding/json.
type encoder struct {
	out []byte
	err error
}

// Encode returns the body of an event as it is stored: JSON. The journal puts the header before it (see [Header]).
func Encode(e Event) ([]byte, error) {
	w := encoder{out: make([]byte, 0, 128+len(e.Data)+len(e.Error))}
	if e.Created != nil {
		w.out = make([]byte, 0, 640+len(e.Created.Input))
	}
	w.event(&e)
	if w.err != nil {
		return nil, fmt.Errorf("encode %s event: %w", e.Kind, w.err)
	}
	return w.out, nil
}

func (w *encoder) event(e *Event) {
	w.out = append(w.out, `{"k":`...)
	w.value(string(e.Kind))
	w.text("p", e.Path)
	if e.Undo {
		w.out = append(w.out, `,"u":true`...)
	}
	w.number("n", int64(e.N))
	w.number("d", int64(e.Due))
	w.raw("o", e.Data)
	w.text("e", e.Error)
	w.number("f", int64(e.Flags))
	w.text("m", e.Name)
	w.text("b", e.By)
	w.number("r", e.Ref)
	if len(e.Paths) > 0 {
		w.any("l", e.Paths)
	}
	if e.Created != nil {
		w.key("c")
		w.created(e.Created)
	}
	w.text("t", string(e.StepKind))
	w.text("x", e.Dedupe)
	w.text("s", e.Run)
	w.out = append(w.out, '}')
}

func (w *encoder) created(c *Created) {
	w.out = append(w.out, `{"id":`...)
	w.value(c.ID)
	w.always("type", c.Type)
	w.always("workflow", c.Workflow)
	w.key("version")
	w.out = strconv.AppendInt(w.out, int64(c.Version), 10)
	w.always("tree", c.TreeHash)
	w.text("definition", c.Definition)
	w.raw("input", c.Input)
	w.always("owner", c.Owner)
	w.text("service", c.Service)
	w.always("queue", c.Queue)
	w.text("limit_key", c.LimitKey)
	w.always("hash", c.Hash)
	w.number("process_at", int64(c.ProcessAt))
	w.number("deadline", int64(c.Deadline))
	w.text("retry_of", c.RetryOf)
	w.text("parent", c.Parent)
	w.text("parent_path", c.ParentPath)
	w.text("by", c.By)
	w.text("trace", c.Trace)
	if c.Webhook != nil {
		w.any("webhook", c.Webhook)
	}
	w.out = append(w.out, '}')
}

func (w *encoder) key(name string) {
	w.out = append(append(append(w.out, ',', '"'), name...), '"', ':')
}

// text writes a field, unless it is empty.
func (w *encoder) text(name, s string) {
	if s != "" {
		w.always(name, s)
	}
}

func (w *encoder) always(name, s string) {
	w.key(name)
	w.value(s)
}

func (w *encoder) value(s string) {
	if !plain(s) {
		w.marshal(s)
		return
	}
	w.out = append(append(append(w.out, '"'), s...), '"')
}

// plain tells whether a string stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// number writes a field, unless it is zero.
func (w *encoder) number(name string, n int64) {
	if n != 0 {
		w.key(name)
		w.out = strconv.AppendInt(w.out, n, 10)
	}
}

// raw writes a field that is JSON already, unless it is empty.
func (w *encoder) raw(name string, data json.RawMessage) {
	if len(data) == 0 {
		return
	}
	w.key(name)
	out := bytes.NewBuffer(w.out)
	if err := json.Compact(out, data); err != nil {
		w.err = err
		return
	}
	w.out = out.Bytes()
}

func (w *encoder) any(name string, value any) {
	w.key(name)
	w.marshal(value)
}

func (w *encoder) marshal(value any) {
	out := bytes.NewBuffer(w.out)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false) // it would make a text that is full of < six times as large
	if err := enc.Encode(value); err != nil {
		w.err = err
		return
	}
	w.out = bytes.TrimSuffix(out.Bytes(), []byte{'\n'})
}
