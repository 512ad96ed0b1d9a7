package activities

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// refuse is a failure that certainly had no effect, and that no further attempt mends; at is a JSON pointer into the params.
func refuse(at, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if at != "" {
		text = "/params" + at + ": " + text
	}
	return saga.Permanent(saga.Definite(errors.New(text)))
}

// decode reads params. What is not known is refused: a misspelt name would be ignored without a word.
func decode[T any](params json.RawMessage) (into T, err error) {
	decoder := json.NewDecoder(bytes.NewReader(params))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&into); err != nil {
		return into, unreadable(err)
	}
	return into, nil
}

func unreadable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return refuse("/"+strings.ReplaceAll(wrong.Field, ".", "/"), "it is a %s, and must be another type (%s)", wrong.Value, wrong.Type)
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return refuse("/"+strings.Trim(name, `"`), "this is not known here: remove it, or mend its spelling")
	}
	return refuse("/", "%v", err)
}

// encode writes JSON as it was meant: < and & stay what they are.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, refuse("", "the output cannot be written as JSON: %v", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
