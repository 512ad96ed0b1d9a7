package tasks

import (
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// body is what a request sends: a text with references in it, or JSON whose strings may hold references.
type body struct {
	text   template
	isText bool
	isForm bool // the tree is sent as a form
	tree   any  // map[string]any, []any, template, or a JSON scalar
}

// parseBody reads a body; nil stands for none.
func (r *reading) body(at string, raw json.RawMessage) *body {
	if len(raw) == 0 {
		return nil
	}
	v, err := decodeJSON(raw)
	if err != nil {
		r.problems.add(at, "This is not JSON: %v.", err)
		return nil
	}
	if s, ok := v.(string); ok {
		return &body{text: r.template(at, s), isText: true}
	}
	return &body{tree: r.tree(at, v)}
}

func (r *reading) tree(at string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		tree := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			place := at + "/" + pointerEscapes.Replace(key)
			if r.hasTemplate(key) {
				r.problems.add(place, "Templates may stand in values, not in names: write the name out.")
			}
			tree[key] = r.tree(place, v[key])
		}
		return tree
	case []any:
		tree := make([]any, len(v))
		for i, item := range v {
			tree[i] = r.tree(at+"/"+strconv.Itoa(i), item)
		}
		return tree
	case string:
		return r.template(at, v)
	}
	return v
}

// render returns the bytes to send and the content type that goes with them unless the request names one.
func (b *body) render(v *values, contentType string) ([]byte, string, error) {
	if b == nil {
		return nil, "", nil
	}
	if !b.isText {
		rendered, err := renderTree(b.tree, v)
		if err != nil {
			return nil, "", err
		}
		if b.isForm {
			raw, err := encodeForm(rendered)
			return raw, formType, err
		}
		raw, err := encodeJSON(rendered)
		return raw, "application/json", err
	}
	if ref := b.text.whole(); ref != nil {
		return renderWhole(ref, v)
	}
	text, err := v.text(b.text, escapeFor(contentType))
	return []byte(text), "text/plain; charset=utf-8", err
}

// renderWhole sends what one reference stands for: a string as it is, anything else as JSON.
func renderWhole(ref *reference, v *values) ([]byte, string, error) {
	found, err := v.lookup(ref)
	if err != nil {
		return nil, "", err
	}
	if s, ok := found.(string); ok {
		return []byte(s), "text/plain; charset=utf-8", nil
	}
	raw, err := encodeJSON(found)
	return raw, "application/json", err
}

// renderTree fills the references in. A string that is exactly one reference takes the value's own type.
func renderTree(tree any, v *values) (any, error) {
	switch tree := tree.(type) {
	case map[string]any:
		out := make(map[string]any, len(tree))
		for key, inner := range tree {
			rendered, err := renderTree(inner, v)
			if err != nil {
				return nil, err
			}
			out[key] = rendered
		}
		return out, nil
	case []any:
		out := make([]any, len(tree))
		for i, inner := range tree {
			rendered, err := renderTree(inner, v)
			if err != nil {
				return nil, err
			}
			out[i] = rendered
		}
		return out, nil
	case template:
		if ref := tree.whole(); ref != nil {
			return v.lookup(ref)
		}
		return v.text(tree, nil)
	}
	return tree, nil
}

// escapeFor keeps a value in a text from ending what it stands in.
func escapeFor(contentType string) func(string) string {
	switch contentType = strings.ToLower(contentType); {
	case strings.Contains(contentType, "form-urlencoded"):
		return url.QueryEscape
	case strings.Contains(contentType, "xml"), strings.Contains(contentType, "html"):
		return html.EscapeString
	case strings.Contains(contentType, "json"):
		return jsonEscape
	}
	return nil
}

func jsonEscape(s string) string {
	raw, err := encodeJSON(s)
	if err != nil {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}
