package tasks

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

// httpRequest is a do or an undo as the input gives it.
type httpRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    json.RawMessage   `json:"body,omitempty"`
}

// request is a do or an undo, with its templates parsed.
type request struct {
	method  string
	url     *urlTemplate
	headers []header
	body    *body
	refs    []placed
	secrets bool // there are secrets in the body

	signature *Signature // nil: it is not signed
}

// placed is a reference with the JSON pointer to where it stands.
type placed struct {
	*reference
	at string
}

// reading collects what is found while a request is parsed.
type reading struct {
	problems    *problems
	refs        []placed
	secretsOnly bool // whatever else looks like a template is a text
}

// parse reads the templates; what is wrong goes to p with its place below at.
func (r *httpRequest) parse(p *problems, at string) *request {
	return r.parseBy(&reading{problems: p}, at)
}

func (r *httpRequest) parseBy(found *reading, at string) *request {
	if !methods[r.Method] {
		found.problems.add(at+"/method", "%q is not one of GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE.", sentence.Shorten(r.Method, 40))
	}
	parsed := &request{method: r.Method, body: found.body(at+"/body", r.Body)}
	parsed.secrets = slices.ContainsFunc(found.refs, func(ref placed) bool { return ref.root == rootSecrets })
	parsed.headers = found.headers(at+"/headers", r.Headers)
	parsed.url = found.url(at+"/url", r.URL)
	parsed.refs = found.refs
	return parsed
}

// template reads a template and notes the references in it.
func (r *reading) template(at, s string) template {
	t, err := r.parse(s)
	if err != nil {
		r.problems.add(at, "The template %v.", err)
	}
	r.note(at, t)
	return t
}

func (r *reading) parse(s string) (template, error) {
	if r.secretsOnly {
		return parseSecrets(s)
	}
	return parseTemplate(s)
}

// hasTemplate tells whether s would be more than a literal.
func (r *reading) hasTemplate(s string) bool {
	return hasTemplate(s) && (!r.secretsOnly || strings.Contains(s, secretMark))
}

func (r *reading) note(at string, t template) {
	for _, p := range t {
		if p.ref != nil {
			r.refs = append(r.refs, placed{reference: p.ref, at: at})
		}
	}
}

var methods = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodOptions: true, http.MethodPost: true,
	http.MethodPut: true, http.MethodPatch: true, http.MethodDelete: true,
}

// safe tells whether HTTP promises that the request changes nothing.
func (r *request) safe() bool {
	return r.method == http.MethodGet || r.method == http.MethodHead || r.method == http.MethodOptions
}

// message is a request with all its values filled in: what goes over the wire.
type message struct {
	method  string
	url     *url.URL
	header  http.Header
	body    []byte
	private []string // names of headers that only the URL's own origin may see
	secrets bool     // there are secrets in the body
	notice  bool     // a webhook's: nothing is wanted of its answer but the status, and redirects are not followed
}

// render fills the values in.
func (r *request) render(v *values) (*message, error) {
	u, err := r.url.render(v)
	if err != nil {
		return nil, err
	}
	h, err := renderHeaders(r.headers, v)
	if err != nil {
		return nil, err
	}
	raw, contentType, err := r.body.render(v, h.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if contentType != "" && h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
	m := &message{method: r.method, url: u, header: h, body: raw, secrets: r.secrets}
	for _, one := range r.headers {
		if one.secret() {
			m.private = append(m.private, one.name)
		}
	}
	return m, nil
}
