package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// members are those of a JSON object, in the order in which they were written: authors put first what matters first.
type members[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *members[T]) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if begin, err := dec.Token(); err != nil || begin != json.Delim('{') {
		return errors.Join(err, errors.New("an object is expected"))
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		one := member[T]{Name: name.(string)}
		if err := dec.Decode(&one.Value); err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		*m = append(*m, one)
	}
	return nil
}

// get returns the member of a name, or the zero value.
func (m members[T]) get(name string) (value T) {
	for _, one := range m {
		if one.Name == name {
			return one.Value
		}
	}
	return value
}

// document is an OpenAPI document, as far as the page tells of it.
type document struct {
	Info struct {
		Title, Version, Summary, Description string
	}
	Tags       []struct{ Name string }
	Paths      members[path]
	Components struct {
		SecuritySchemes members[struct{ Description string }]
		Parameters      members[parameter]
		Responses       members[response]
		Schemas         members[schema]
	}
}

// path has the operations of a path by method, and what they have in common.
type path members[json.RawMessage]

// UnmarshalJSON implements [json.Unmarshaler].
func (p *path) UnmarshalJSON(data []byte) error {
	return (*members[json.RawMessage])(p).UnmarshalJSON(data)
}

type operation struct {
	OperationID string
	Summary     string
	Description string
	Tags        []string
	Role        string `json:"x-osp-role"`
	Parameters  []parameter
	RequestBody struct {
		Required bool
		Content  members[content]
	}
	Responses members[response]
}

type parameter struct {
	Ref         string `json:"$ref"`
	Name        string
	In          string
	Required    bool
	Description string
	Schema      schema
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     members[content]
}

type content struct{ Schema schema }

type schema struct {
	Ref         string `json:"$ref"`
	Type        kind
	Description string
	Format      string
	Pattern     string
	Enum        []any
	Const       any
	Default     any
	Minimum     any
	Maximum     any
	MinLength   any
	MaxLength   any
	MinItems    any
	MaxItems    any
	Required    []string
	Properties  members[schema]
	Items       *schema
	Additional  json.RawMessage `json:"additionalProperties"`
	OneOf       []schema
	AnyOf       []schema
}

// kind is the type of a schema, or its types.
type kind []string

// UnmarshalJSON implements [json.Unmarshaler].
func (k *kind) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*k = kind{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(k))
}

// last is the last name of a reference.
func last(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
