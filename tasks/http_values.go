package tasks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

// values is what references are looked up in, for one call.
type values struct {
	steps   map[string]any // outputs; a step that failed and was left behind has none
	data    any            // the data of the task's input
	do      any            // the do's output; nil when it is not known
	secrets *keyring
}

var errUnknownAnswer = errors.New("the answer to this step's do was never seen")

// lookup returns the value of a reference. What is not there is an error; what is not known is nil.
func (v *values) lookup(r *reference) (any, error) {
	switch r.root {
	case rootSecrets:
		return v.secrets.value(r.path[0])
	case rootInput:
		return descend(v.data, r.path[1:], r)
	case rootDo:
		return descend(v.do, r.path, r)
	case rootSteps:
		return descend(v.steps[r.step], r.path, r)
	}
	return nil, fmt.Errorf("%s: nothing is known by that name", r)
}

// descend follows a path. Below null there is null: a step that was left behind, an answer that is not known.
func descend(v any, path []string, r *reference) (any, error) {
	for _, name := range path {
		switch in := v.(type) {
		case nil:
			return nil, nil
		case map[string]any:
			inner, ok := in[name]
			if !ok {
				return nil, fmt.Errorf("%s: there is no %q", r, name)
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil, fmt.Errorf("%s: there is no item %q in a list of %d", r, name, len(in))
			}
			v = in[i]
		default:
			return nil, fmt.Errorf("%s: there is no %q in %s", r, name, sentence.Value(in))
		}
	}
	return v, nil
}

// text renders a template into a string, with each value escaped by escape (nil: not at all).
func (v *values) text(t template, escape func(string) string) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.ref == nil {
			b.WriteString(p.literal)
			continue
		}
		s, err := v.string(p.ref)
		if err != nil {
			return "", err
		}
		if escape != nil {
			s = escape(s)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// string gives a value as it stands inside a longer string: null as nothing, objects and lists as JSON.
func (v *values) string(r *reference) (string, error) {
	found, err := v.lookup(r)
	if err != nil {
		return "", err
	}
	switch found := found.(type) {
	case nil:
		return "", nil
	case string:
		return found, nil
	case json.Number:
		return found.String(), nil
	case bool:
		return strconv.FormatBool(found), nil
	}
	raw, err := encodeJSON(found)
	return string(raw), err
}

// scalar is string for places where nothing but a plain value makes sense: a URL would mean another resource.
func (v *values) scalar(r *reference) (string, error) {
	found, err := v.lookup(r)
	if err != nil {
		return "", err
	}
	switch found.(type) {
	case nil:
		if r.root == rootDo && v.do == nil {
			return "", fmt.Errorf("%s: %w", r, errUnknownAnswer)
		}
		return "", fmt.Errorf("%s is null, and a URL needs a value", r)
	case map[string]any, []any:
		return "", fmt.Errorf("%s is an object or a list: name a member of it", r)
	}
	return v.string(r)
}

// decodeJSON reads JSON without bending its numbers. Nothing at all is nil.
func decodeJSON(raw []byte) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("there is more than one value")
	}
	return v, nil
}

// encodeJSON writes JSON as it was meant: < and & stay what they are.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
