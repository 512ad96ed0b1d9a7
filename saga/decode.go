package saga

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Decode reads a stored event, header and body. An event in a newer format gives [ErrUnknownEvent].
func Decode(stored string) (Event, error) {
	version, rest, ok := strings.Cut(stored, ":")
	if !ok || len(version) != 1 || version[0] != formatVersion {
		return Event{}, fmt.Errorf("%w: format %.8q", ErrUnknownEvent, version)
	}
	seq, rest, ok1 := strings.Cut(rest, ":")
	at, body, ok2 := strings.Cut(rest, ":")
	n, err1 := strconv.ParseInt(seq, 10, 64)
	us, err2 := strconv.ParseInt(at, 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return Event{}, fmt.Errorf("%w: header %.40q", ErrUnknownEvent, stored)
	}
	var e Event
	d := decoder{rest: body, copies: len(stored) > maxPinned}
	if !d.event(&e) {
		var err error
		if e, err = reflected(body); err != nil {
			return Event{}, fmt.Errorf("%w: event %d: %w", ErrUnknownEvent, n, err)
		}
	}
	e.Seq, e.At = n, time.UnixMicro(us).UTC()
	return e, nil
}

// reflected reads any body. It is apart from Decode, whose own event need not outlive it.
func reflected(body string) (e Event, err error) {
	err = json.Unmarshal([]byte(body), &e)
	return e, err
}

// decoder reads what encoder has written, without reflection. It gives up on anything else: spaces, escapes, unknown fields,
// fields that come twice. Then encoding/json decides.
type decoder struct {
	rest   string
	copies bool // texts are copied, or each of them keeps the whole event in memory
}

// maxPinned is how large an event may be that its texts keep in memory beside a copy of its data.
const maxPinned = 4 << 10

func (d *decoder) event(e *Event) bool {
	return d.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "k":
			return 0, d.text((*string)(&e.Kind))
		case "p":
			return 1, d.text(&e.Path)
		case "u":
			return 2, d.truth(&e.Undo)
		case "n":
			var n int64
			ok = d.number(&n)
			e.N = int(n)
			return 3, ok
		case "d":
			return 4, d.number((*int64)(&e.Due))
		case "o":
			return 5, d.raw(&e.Data)
		case "e":
			return 6, d.text(&e.Error)
		case "f":
			var n int64
			ok = d.number(&n) && n >= 0 && n <= 255
			e.Flags = Flags(n)
			return 7, ok
		case "m":
			return 8, d.text(&e.Name)
		case "b":
			return 9, d.text(&e.By)
		case "r":
			return 10, d.number(&e.Ref)
		case "c":
			e.Created = new(Created)
			return 11, d.created(e.Created)
		case "t":
			return 12, d.text((*string)(&e.StepKind))
		case "x":
			return 13, d.text(&e.Dedupe)
		case "s":
			return 14, d.text(&e.Run)
		}
		return 0, false
	}) && d.rest == ""
}

func (d *decoder) created(c *Created) bool {
	return d.object(func(name string) (bit uint, ok bool) {
		switch name {
		case "id":
			return 0, d.text(&c.ID)
		case "type":
			return 1, d.text(&c.Type)
		case "workflow":
			return 2, d.text(&c.Workflow)
		case "version":
			var n int64
			ok = d.number(&n)
			c.Version = int(n)
			return 3, ok
		case "tree":
			return 4, d.text(&c.TreeHash)
		case "definition":
			return 5, d.text(&c.Definition)
		case "input":
			return 6, d.raw(&c.Input)
		case "owner":
			return 7, d.text(&c.Owner)
		case "service":
			return 8, d.text(&c.Service)
		case "queue":
			return 9, d.text(&c.Queue)
		case "limit_key":
			return 10, d.text(&c.LimitKey)
		case "hash":
			return 11, d.text(&c.Hash)
		case "process_at":
			return 12, d.number((*int64)(&c.ProcessAt))
		case "deadline":
			return 13, d.number((*int64)(&c.Deadline))
		case "retry_of":
			return 14, d.text(&c.RetryOf)
		case "parent":
			return 15, d.text(&c.Parent)
		case "parent_path":
			return 16, d.text(&c.ParentPath)
		case "by":
			return 17, d.text(&c.By)
		case "trace":
			return 18, d.text(&c.Trace)
		}
		return 0, false
	})
}

// object reads the fields of an object. field reads the value of one, and tells which it is, for none may come twice.
func (d *decoder) object(field func(name string) (bit uint, ok bool)) bool {
	if !d.skip('{') {
		return false
	}
	var seen uint32
	for {
		var name string
		if !d.text(&name) || !d.skip(':') {
			return false
		}
		bit, ok := field(name)
		if !ok || seen&(1<<bit) != 0 {
			return false
		}
		seen |= 1 << bit
		if d.skip('}') {
			return true
		}
		if !d.skip(',') {
			return false
		}
	}
}

func (d *decoder) skip(c byte) bool {
	if d.rest == "" || d.rest[0] != c {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

// text reads a string that stands in JSON as it is. It is a part of what is decoded, unless that is large.
func (d *decoder) text(s *string) bool {
	if !d.skip('"') {
		return false
	}
	end := strings.IndexByte(d.rest, '"')
	if end < 0 || !plain(d.rest[:end]) {
		return false
	}
	*s, d.rest = d.rest[:end], d.rest[end+1:]
	if d.copies {
		*s = strings.Clone(*s)
	}
	return true
}

func (d *decoder) truth(b *bool) (ok bool) {
	if d.rest, ok = strings.CutPrefix(d.rest, "true"); ok {
		*b = true
	}
	return ok
}

// number reads an integer that certainly fits.
func (d *decoder) number(n *int64) bool {
	end := 0
	if d.rest != "" && d.rest[0] == '-' {
		end = 1
	}
	first := end
	for end < len(d.rest) && '0' <= d.rest[end] && d.rest[end] <= '9' {
		end++
	}
	switch digits := d.rest[first:end]; {
	case digits == "", len(digits) > 18, digits[0] == '0' && len(digits) > 1:
		return false
	}
	*n, _ = strconv.ParseInt(d.rest[:end], 10, 64)
	d.rest = d.rest[end:]
	return true
}

// raw reads any value, as it stands.
func (d *decoder) raw(data *json.RawMessage) bool {
	end := extent(d.rest)
	if end == 0 || d.rest[0] <= ' ' || d.rest[end-1] <= ' ' {
		return false
	}
	*data = json.RawMessage(d.rest[:end])
	d.rest = d.rest[end:]
	return json.Valid(*data)
}

// extent is where the value ends that a text begins with. Whether it is one is for json.Valid to say.
func extent(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return i + 1
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // of the object around it
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case c == ',' && depth == 0:
			return i
		}
	}
	return 0
}
