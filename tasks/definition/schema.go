package definition

import (
	"bytes"
	_ "embed" // schema.json
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed schema.json
var schemaJSON []byte

// Schema is the JSON Schema (2020-12) of the format. All structural checks follow from it.
func Schema() []byte { return bytes.Clone(schemaJSON) }

var structure = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile(schemaJSON) })

// compile reads a JSON Schema. References to other documents are not followed.
func compile(raw []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return compileDoc(doc)
}

func compileDoc(doc any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(jsonschema.SchemeURLLoader{})
	const url = "urn:osp:given"
	if err := c.AddResource(url, doc); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// holds notes what the value breaks of a schema.
func (r *report) holds(schema *jsonschema.Schema, value any) {
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(value)); ok {
		r.leaves(invalid)
	}
	found := slices.Clone(r.problems)
	r.problems = slices.DeleteFunc(r.problems, func(p Problem) bool {
		return p.Detail == misplaced && slices.ContainsFunc(found, func(other Problem) bool {
			return other.Detail != misplaced && within(other.Pointer, stepAround(p.Pointer))
		})
	})
}

// misplaced is said of a member that no rule of its step has accepted. Where a rule fails for another reason it has
// accepted nothing, and the reason is all there is to tell.
const misplaced = "This is not known here, at least not for a step of this type: remove it, or mend its spelling."

// stepAround is the pointer of the step that a pointer leads into.
func stepAround(pointer string) string {
	tokens := strings.SplitAfterN(pointer, "/", 4)
	return strings.TrimSuffix(strings.Join(tokens[:min(3, len(tokens))], ""), "/")
}

func within(pointer, outer string) bool {
	return pointer == outer || strings.HasPrefix(pointer, outer+"/")
}

// leaves notes the innermost errors: what stands above them only says that something below is wrong.
func (r *report) leaves(e *jsonschema.ValidationError) {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not: // a value that fits none of several forms would be told off for each
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				r.leaves(cause)
			}
			return
		}
	}
	r.breach(e)
}

// breach notes one error of the schema.
func (r *report) breach(e *jsonschema.ValidationError) {
	at := place(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		r.each(at, k.Missing, "%s is missing: add it.")
	case *kind.DependentRequired:
		r.each(at, k.Missing, "%s is missing: "+k.Prop+" needs it.")
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			r.errorf(at+"/"+escape(name), "This is not known here: remove it, or mend its spelling.")
		}
	default:
		r.errorf(at, "%s", said(k))
	}
}

func (r *report) each(at string, names []string, format string) {
	for _, name := range names {
		r.errorf(at+"/"+escape(name), format, name)
	}
}

// place is the JSON pointer of a place.
func place(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteString("/" + escape(t))
	}
	return b.String()
}
