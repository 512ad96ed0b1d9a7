package tasks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
)

// urlTemplate is an absolute URL whose path and query may hold references. Its origin is fixed.
type urlTemplate struct {
	origin *url.URL // scheme and host
	rest   template // path and query, from the first / or ?
}

// url reads a URL.
func (r *reading) url(at, s string) *urlTemplate {
	u, err := parseURL(s, r.parse)
	if err != nil {
		r.problems.add(at, "%s", asSentence(err))
		return nil
	}
	r.note(at, u.rest)
	return u
}

// parseURL reads a URL, with parse for its templates, and says what is wrong with it.
func parseURL(s string, parse func(string) (template, error)) (*urlTemplate, error) {
	scheme, after, found := strings.Cut(s, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return nil, errors.New("a URL begins with http:// or https://, and a template cannot stand for that part")
	}
	cut := strings.IndexAny(after, "/?#\\")
	if cut < 0 {
		cut = len(after)
	}
	host, tail := after[:cut], after[cut:]
	if hasTemplate(host) {
		return nil, errors.New("templates may not stand in the host of a URL: write the host out")
	}
	origin, err := parseOrigin(scheme, host)
	if err != nil {
		return nil, err
	}
	rest, err := parse(tail)
	if err != nil {
		return nil, fmt.Errorf("the template %w", err)
	}
	return checkRest(&urlTemplate{origin: origin, rest: rest})
}

func parseOrigin(scheme, host string) (*url.URL, error) {
	u, err := url.Parse(strings.ToLower(scheme) + "://" + host)
	switch {
	case err != nil, u.Hostname() == "":
		return nil, fmt.Errorf("%q is not a host", sentence.Shorten(host, 80))
	case u.User != nil:
		return nil, errors.New("a URL may not hold a user or a password, for it would be stored: " +
			"use the header Authorization with ${secrets.NAME}")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("%q is not a port", port)
		}
	}
	return u, nil
}

// checkRest tries the URL with a plain value in place of each reference.
func checkRest(u *urlTemplate) (*urlTemplate, error) {
	var sample strings.Builder
	for _, p := range u.rest {
		sample.WriteString(p.literal)
		if p.ref != nil {
			sample.WriteByte('x')
		}
		if p.ref != nil && p.ref.root == rootSecrets {
			return nil, errors.New("secrets may not stand in a URL, for URLs end up in logs: use a header or the body")
		}
		if strings.Contains(p.literal, "#") {
			return nil, errors.New("a fragment (#…) is never sent: remove it, or write %23")
		}
	}
	if _, err := u.assemble(sample.String()); err != nil {
		return nil, err
	}
	return u, nil
}

// assemble joins origin and rest, and makes sure that the rest did not change the origin.
func (u *urlTemplate) assemble(rest string) (*url.URL, error) {
	if strings.HasPrefix(rest, "\\") {
		return nil, errors.New("a path begins with a slash, not a backslash")
	}
	full, err := url.Parse(u.origin.Scheme + "://" + u.origin.Host + rest)
	if err != nil {
		return nil, errors.New("this is not a valid URL: " + reason(err))
	}
	if full.Host != u.origin.Host || full.Scheme != u.origin.Scheme || full.User != nil {
		return nil, errors.New("this is not a valid URL: its host is not clear")
	}
	return full, nil
}

func reason(err error) string {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}

// render makes the URL of a call. Values are escaped for where they stand, so that none can reach beyond its place.
func (u *urlTemplate) render(v *values) (*url.URL, error) {
	var b strings.Builder
	escape := url.PathEscape
	for _, p := range u.rest {
		if p.ref == nil {
			b.WriteString(p.literal)
			if strings.Contains(p.literal, "?") {
				escape = url.QueryEscape
			}
			continue
		}
		s, err := v.scalar(p.ref)
		switch {
		case err != nil:
			return nil, err
		case s == "":
			return nil, fmt.Errorf("%s is empty, and a URL needs a value", p.ref)
		}
		b.WriteString(escape(s))
	}
	full, err := u.assemble(b.String())
	if err == nil && u.rest.dynamic() {
		err = checkSegments(full)
	}
	return full, err
}

// checkSegments refuses a path that a server would take for another one, because of a value such as "..".
func checkSegments(u *url.URL) error {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the path %q has the part %q: a value in it is not what it should be", u.EscapedPath(), segment)
		}
	}
	return nil
}

var numeric = regexp.MustCompile(`^(0[xX][0-9a-fA-F]*|[0-9]+)$`).MatchString

// oddAddress tells whether a host is an IP address in a notation that some resolvers understand and people do not, such
// as 2130706433 or 0x7f.1 for 127.0.0.1.
func oddAddress(host string) bool {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if !numeric(labels[len(labels)-1]) {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}
