package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

// value is what a definition gives for a parameter: JSON with templates in its strings.
type value interface {
	// give makes the JSON value.
	give(b *bindings) (any, error)
}

type (
	// literal has no template in it.
	literal struct{ v any }
	// whole is a string that is one template: it keeps the type of what it stands for.
	whole struct{ *expression }
	// text is a string with templates among its characters.
	text []any // string and *expression
	list []value
	// unclear is a string whose expression is wrong: nothing more is said of it, and it is never made.
	unclear struct{}
	// fields are sorted by name.
	fields []field
	field  struct {
		name string
		value
	}
)

// params are what an activity is called with: an object.
type params struct {
	value
	secrets int // templates in it that name secrets, and stay as they are
}

// json makes the object. What data brings in may not look like a secret's name.
func (p params) json(b *bindings) (json.RawMessage, error) {
	v, err := p.give(b)
	if err != nil {
		return nil, err
	}
	raw, err := marshal(v)
	if err == nil && bytes.Count(raw, []byte(secretMark)) != p.secrets {
		err = fmt.Errorf("a value has %s…} in it: only the definition itself may name a secret", secretMark)
	}
	return raw, err
}

func (unclear) give(*bindings) (any, error) { return nil, errors.New("its expression is wrong") }

func (l literal) give(*bindings) (any, error) { return l.v, nil }

func (w whole) give(b *bindings) (any, error) {
	v, err := w.eval(b)
	if err != nil {
		return nil, err
	}
	given, err := fromCEL(v)
	if err != nil {
		return nil, fmt.Errorf("expression %s (%s): %w", sentence.Shorten(w.source, 80), w.at, err)
	}
	return given, nil
}

func (t text) give(b *bindings) (any, error) {
	var s strings.Builder
	for _, part := range t {
		x, ok := part.(*expression)
		if !ok {
			s.WriteString(part.(string))
			continue
		}
		v, err := whole{x}.give(b)
		if err != nil {
			return nil, err
		}
		if err := write(&s, v); err != nil {
			return nil, err
		}
	}
	return s.String(), nil
}

// write adds a value to a text: strings as they are, nothing for null, anything else as JSON.
func write(s *strings.Builder, v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		s.WriteString(v)
		return nil
	}
	raw, err := marshal(v)
	s.Write(raw)
	return err
}

func (l list) give(b *bindings) (any, error) {
	given := make([]any, len(l))
	for i, v := range l {
		var err error
		if given[i], err = v.give(b); err != nil {
			return nil, err
		}
	}
	return given, nil
}

func (f fields) give(b *bindings) (any, error) {
	given := make(map[string]any, len(f))
	for _, member := range f {
		var err error
		if given[member.name], err = member.give(b); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// marshal writes JSON as it is stored: < and > stay.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}
