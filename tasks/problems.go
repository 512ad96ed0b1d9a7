package tasks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/osp-platform/osp/saga"
)

// contract is what an input is held to.
type contract struct {
	schema *jsonschema.Schema
	doc    any // the schema as JSON
}

// newContract reads a JSON Schema; no schema at all takes anything. References to other documents are not followed.
func newContract(name string, schema json.RawMessage) (*contract, error) {
	if len(schema) == 0 {
		schema = json.RawMessage(`true`)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	url := "osp:///types/" + name
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &contract{schema: compiled, doc: doc}, nil
}

// CheckSchema tells what of a JSON Schema (2020-12) a value breaks, with pointers into the value. References to other
// documents are not followed. The error is about the schema.
func CheckSchema(schema, value json.RawMessage) ([]saga.Problem, error) {
	c, err := newContract("given", schema)
	if err != nil {
		return nil, err
	}
	list := c.problems(value)
	for i := range list {
		list[i].Pointer = strings.TrimPrefix(list[i].Pointer, "/input")
	}
	return list, nil
}

// problems holds an input to the schema, and returns what is wrong in the order of the pointers.
func (c *contract) problems(input json.RawMessage) problems {
	if len(input) == 0 {
		input = json.RawMessage(`null`)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		return problems{{Pointer: "/input", Detail: "This is not JSON: " + err.Error() + "."}}
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(c.schema.Validate(instance), &invalid) {
		return nil
	}
	found := complaint{contract: c, instance: instance}
	found.leaves(invalid, invalid)
	slices.SortStableFunc(found.problems, func(a, b saga.Problem) int { return cmp.Compare(a.Pointer, b.Pointer) })
	return slices.Compact(found.problems)
}

// complaint collects what is wrong with one input.
type complaint struct {
	*contract
	instance any
	problems problems
}

// leaves collects the innermost errors: what stands above them only says that something below is wrong.
func (c *complaint) leaves(e, above *jsonschema.ValidationError) {
	if len(e.Causes) == 0 || explainsItself(e.ErrorKind) {
		c.tell(e, above)
		return
	}
	for _, cause := range e.Causes {
		c.leaves(cause, e)
	}
}

// How a name stands in a JSON pointer.
var (
	pointerEscapes   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescapes = strings.NewReplacer("~1", "/", "~0", "~")
)

// pointer makes a JSON pointer into the request's body from a place in its input.
func pointer(place ...any) string {
	var b strings.Builder
	b.WriteString("/input")
	for _, token := range place {
		b.WriteByte('/')
		_, _ = pointerEscapes.WriteString(&b, fmt.Sprint(token))
	}
	return b.String()
}

// problems collects what a Check finds.
type problems []saga.Problem

func (p *problems) add(at, format string, args ...any) {
	*p = append(*p, saga.Problem{Pointer: at, Detail: fmt.Sprintf(format, args...)})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return &saga.InvalidError{Problems: p}
}

// asSentence writes an error as people write: with a capital and a full stop.
func asSentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
