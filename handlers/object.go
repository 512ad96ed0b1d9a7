package handlers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

// pointer makes a JSON pointer (RFC 6901) of names.
func pointer(names ...string) string {
	b := strings.Builder{}
	for _, name := range names {
		b.WriteByte('/')
		b.WriteString(escapePointer.Replace(name))
	}
	return clip(b.String())
}

func index(i int) string { return strconv.Itoa(i) }

// clip shortens a text that the client sent before it is sent back.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// object is a JSON object whose members are taken out one by one. It collects all that is wrong, so that the client
// learns it at once; whatever has not been asked for when it ends is unknown, and wrong too.
type object struct {
	members map[string]json.RawMessage
	known   map[string]bool
	faults  []fault
}

// newObject takes a well-formed document; nil counts as an empty object.
func newObject(data []byte) (*object, error) {
	o := &object{known: map[string]bool{}}
	if data == nil {
		return o, nil
	}
	if trimmed := bytes.TrimSpace(data); trimmed[0] != '{' {
		return nil, refuse(invalid, atPointer("", "must be an object"))
	}
	if err := json.Unmarshal(data, &o.members); err != nil {
		return nil, fmt.Errorf("decode a checked object: %w", err)
	}
	return o, nil
}

// rule is what a text must hold to.
type rule struct {
	required bool
	holds    func(string) bool
	says     string // completes "the member …"
}

// raw takes a member as it is; nil when it is missing. Null is a value.
func (o *object) raw(name string) json.RawMessage {
	o.known[name] = true
	return o.members[name]
}

// text takes a string; empty when it is missing or null, or wrong.
func (o *object) text(name string, r rule) string {
	raw := o.raw(name)
	if raw == nil || string(raw) == "null" {
		if r.required {
			o.wrong(name, "is missing: add it")
		}
		return ""
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		o.wrong(name, "must be a string")
		return ""
	}
	if !r.holds(s) {
		o.wrong(name, "%s", r.says)
		return ""
	}
	return s
}

// flag takes true or false; false when it is missing or null, or wrong.
func (o *object) flag(name string) (on bool) {
	if raw := o.raw(name); raw != nil && json.Unmarshal(raw, &on) != nil {
		o.wrong(name, "must be true or false")
	}
	return on
}

func (o *object) wrong(name, format string, args ...any) {
	o.faults = append(o.faults, atPointer(pointer(name), format, args...))
}

// end returns all that was wrong.
func (o *object) end() error {
	for _, name := range slices.Sorted(maps.Keys(o.members)) {
		if !o.known[name] {
			o.wrong(name, "is not known here; known are %s", strings.Join(slices.Sorted(maps.Keys(o.known)), ", "))
		}
	}
	if len(o.faults) == 0 {
		return nil
	}
	return refuse(invalid, o.faults...)
}

// mandatory is the same rule for a member that must be there.
func (r rule) mandatory() rule {
	r.required = true
	return r
}
