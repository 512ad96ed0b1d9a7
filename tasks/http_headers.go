package tasks

import (
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"github.com/osp-platform/osp/internal/credential"
	"github.com/osp-platform/osp/internal/sentence"
)

// header is one header of a request; its name is in canonical form.
type header struct {
	name  string
	value template
}

var validHeader = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$").MatchString

// ownHeaders are not for a request to set: either the transport makes them, or this package does.
var ownHeaders = map[string]string{
	"Idempotency-Key":     "it is sent with every request, and is the same for every attempt",
	"Traceparent":         "it is sent with every request",
	"Host":                "the URL says it",
	"Content-Length":      "it follows from the body",
	"Transfer-Encoding":   "it follows from the body",
	"Accept-Encoding":     "answers are unpacked",
	"Connection":          "it concerns the connection, not the request",
	"Keep-Alive":          "it concerns the connection, not the request",
	"Te":                  "it concerns the connection, not the request",
	"Trailer":             "it concerns the connection, not the request",
	"Upgrade":             "it concerns the connection, not the request",
	"Expect":              "it concerns the connection, not the request",
	"Proxy-Authorization": "it concerns the connection, not the request",
	"Proxy-Connection":    "it concerns the connection, not the request",
}

// headers reads the headers in the order of their names.
func (r *reading) headers(at string, raw map[string]string) []header {
	var list []header
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		place := at + "/" + pointerEscapes.Replace(name)
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		value := r.template(place, raw[name])
		switch {
		case !validHeader(name):
			r.problems.add(place, "%q is not the name of a header: write letters, digits and hyphens.", sentence.Shorten(name, 80))
		case ownHeaders[canonical] != "":
			r.problems.add(place, "%s is not for a step to set: %s. Remove it.", canonical, ownHeaders[canonical])
		case seen[canonical] != "":
			r.problems.add(place, "This is the same header as %q: keep one.", seen[canonical])
		case unsafeHeader(raw[name]):
			r.problems.add(place, "A header's value is one line of visible characters: remove the line break or control character.")
		default:
			list = append(list, header{name: canonical, value: value})
		}
		seen[canonical] = name
	}
	return list
}

// checkCredentials refuses credentials that would be stored with the input.
func checkCredentials(p *problems, at string, raw map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if credential.Header(name) && !hasTemplate(strings.ReplaceAll(raw[name], "$${", "")) {
			p.add(at+"/"+pointerEscapes.Replace(name), "This is a credential, and it would be stored with the task: "+
				"set it on the workers as OSP_SECRET_NAME and write ${secrets.NAME} here.")
		}
	}
}

func unsafeHeader(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// renderHeaders makes the headers of a call. A value with a line break in it would be a second header: it is refused.
func renderHeaders(list []header, v *values) (http.Header, error) {
	h := http.Header{}
	for _, one := range list {
		s, err := v.text(one.value, nil)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", one.name, err)
		}
		if unsafeHeader(s) {
			return nil, fmt.Errorf("header %s: a value in it has a line break or another control character", one.name)
		}
		h.Set(one.name, strings.TrimSpace(s))
	}
	return h, nil
}

// secret tells whether a header must not be shown to another host.
func (h header) secret() bool {
	return credential.Header(h.name) || slices.ContainsFunc(h.value, func(p part) bool { return p.ref != nil && p.ref.root == rootSecrets })
}
