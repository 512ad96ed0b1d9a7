// Package reference makes a page for people of an OpenAPI document: one piece of HTML, without a script, that asks for nothing
// else.
package reference

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

var (
	//go:embed page.html
	pageTemplate string
	//go:embed style.css
	style string
)

// Policy is the Content-Security-Policy under which the page is to be served: its own style, and nothing else.
func Policy() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// Page makes the page of a document.
func Page(openAPI []byte) ([]byte, error) {
	var doc document
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	groups, err := doc.groups()
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"last": last, "shape": shape, "bounds": bounds, "style": func() template.CSS { return template.CSS(style) }, //nolint:gosec // it is ours
	}).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("the page of the API: %w", err)
	}
	var page bytes.Buffer
	if err := t.Execute(&page, map[string]any{"Doc": doc, "Groups": groups}); err != nil {
		return nil, fmt.Errorf("the page of the API: %w", err)
	}
	return page.Bytes(), nil
}

// group has the operations of a tag.
type group struct {
	Name       string
	Operations []shownOperation
}

// shownOperation is an operation with all that references stand for.
type shownOperation struct {
	operation
	Method, Path string
	Body         schema
}

// groups sorts the operations by their tags.
func (d document) groups() ([]group, error) {
	groups := make([]group, len(d.Tags))
	place := map[string]int{}
	for i, tag := range d.Tags {
		groups[i].Name, place[tag.Name] = tag.Name, i
	}
	for _, p := range d.Paths {
		var common []parameter
		for _, m := range p.Value {
			if m.Name == "parameters" {
				if err := json.Unmarshal(m.Value, &common); err != nil {
					return nil, fmt.Errorf("parameters of %s: %w", p.Name, err)
				}
			}
		}
		for _, m := range p.Value {
			if m.Name == "parameters" {
				continue
			}
			var o operation
			if err := json.Unmarshal(m.Value, &o); err != nil {
				return nil, fmt.Errorf("%s %s: %w", m.Name, p.Name, err)
			}
			if len(o.Tags) == 0 {
				return nil, fmt.Errorf("%s %s has no tag", m.Name, p.Name)
			}
			at, ok := place[o.Tags[0]]
			if !ok {
				return nil, fmt.Errorf("%s %s has the tag %q, which the document does not list", m.Name, p.Name, o.Tags[0])
			}
			groups[at].Operations = append(groups[at].Operations, d.shown(strings.ToUpper(m.Name), p.Name, common, o))
		}
	}
	return groups, nil
}

func (d document) shown(method, path string, common []parameter, o operation) shownOperation {
	all := append(append([]parameter{}, common...), o.Parameters...)
	for i, p := range all {
		if p.Ref != "" {
			all[i] = d.Components.Parameters.get(last(p.Ref))
		}
	}
	o.Parameters = all
	for i, r := range o.Responses {
		if r.Value.Ref != "" {
			o.Responses[i].Value = d.Components.Responses.get(last(r.Value.Ref))
		}
	}
	shown := shownOperation{operation: o, Method: method, Path: path}
	if len(o.RequestBody.Content) > 0 {
		shown.Body = o.RequestBody.Content[0].Value.Schema
	}
	return shown
}
