package definition

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/osp-platform/osp/internal/sentence"
)

// Limits of a document. What is beyond them is refused before it is understood.
const (
	MaxSize  = 1 << 20 // bytes
	MaxDepth = 64      // levels
)

// document is YAML or JSON (which is YAML too) as plain values, with the place of each.
type document struct {
	root  *yaml.Node
	value any // of nil, bool, json.Number, string, []any and map[string]any
}

// read reads a document. Its problems are those of the notation; what it says is not looked at.
func read(raw []byte) (*document, Problems) {
	if problem := unreadable(raw); problem != nil {
		return nil, Problems{*problem}
	}
	var node yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&node); err != nil {
		return nil, Problems{notYAML(err)}
	}
	doc := &document{root: node.Content[0]}
	r := &report{doc: doc}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		r.errorf("", "There is a second document after ---: give one definition in a file.")
	}
	doc.value = r.plain(doc.root, "", 1)
	return doc, r.sorted()
}

// unreadable tells of a document that is not even given to the parser.
func unreadable(raw []byte) *Problem {
	at := Problem{Severity: Error, Line: 1, Column: 1}
	switch {
	case len(raw) > MaxSize:
		at.Detail = fmt.Sprintf("It has %d bytes, at most %d are allowed.", len(raw), MaxSize)
	case !utf8.Valid(raw):
		at.Detail = "It is not UTF-8."
	case len(bytes.TrimSpace(raw)) == 0:
		at.Detail = "It is empty."
	default:
		return nil
	}
	return &at
}

var lineOf = regexp.MustCompile(`line (\d+): (.*)`)

// notYAML is the parser's complaint, which may name a line.
func notYAML(err error) Problem {
	p := Problem{Severity: Error, Line: 1, Column: 1}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := lineOf.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	p.Detail = "This is neither YAML nor JSON: " + sentence.Shorten(text, 200) + "."
	if text == "EOF" {
		p.Detail = "There is nothing in it. Where there is something in the file: curl sends it as it is with --data-binary, and without its line breaks with -d."
	}
	return p
}

// plain turns a node into a plain value, and notes what the format does not allow.
func (r *report) plain(n *yaml.Node, pointer string, depth int) any {
	refuse := func(format string, args ...any) any {
		r.errorf(pointer, format, args...)
		return nil
	}
	switch {
	case depth > MaxDepth:
		return refuse("This is nested too deeply: at most %d levels are allowed.", MaxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return refuse("Anchors and aliases (& and *) are not allowed: write the value out.")
	case n.Style&yaml.TaggedStyle != 0:
		return refuse("The tag %s is not allowed: write the value without it.", sentence.Shorten(n.Tag, 40))
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.object(n, pointer, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.plain(item, pointer+"/"+strconv.Itoa(i), depth+1)
		}
		return list
	case yaml.ScalarNode:
		v, err := scalar(n)
		if err != nil {
			return refuse("%v", err)
		}
		return v
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return refuse("This is not a value.")
}

func (r *report) object(n *yaml.Node, pointer string, depth int) any {
	object := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Value == "<<" && key.Style == 0 {
			r.errorf(pointer, "A key in line %d is not a plain name: lists, objects, anchors and << are not allowed there.", key.Line)
			continue
		}
		at := pointer + "/" + escape(key.Value)
		if _, twice := object[key.Value]; twice {
			r.problems = append(r.problems, Problem{
				Severity: Error, Pointer: at, Line: key.Line, Column: key.Column, Detail: "The key stands here a second time: keep one.",
			})
			continue
		}
		object[key.Value] = r.plain(value, at, depth+1)
	}
	return object
}

// position is where the value at a pointer stands; if there is none, where the innermost value around it does.
func (d *document) position(pointer string) (line, column int) {
	n := d.root
	if n == nil { // it is no document that anybody wrote
		return 1, 1
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := child(n, unescape(token))
		if next == nil {
			break
		}
		n = next
	}
	return max(1, n.Line), max(1, n.Column)
}

func child(n *yaml.Node, token string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == token {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return nil
}

// How a name stands in a JSON pointer.
var (
	escape   = strings.NewReplacer("~", "~0", "/", "~1").Replace
	unescape = strings.NewReplacer("~1", "/", "~0", "~").Replace
)

// Read reads YAML or JSON by the rules that hold for definitions, as nil, bool, json.Number, string, []any and
// map[string]any. What it says is not looked at.
func Read(raw []byte) (value any, problems Problems) {
	doc, problems := read(raw)
	if doc == nil {
		return nil, problems
	}
	return doc.value, problems
}
