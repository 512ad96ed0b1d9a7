package definition

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/internal/sentence"
)

// MaxDelay is how long a delay in a compensation may be, where it holds a worker.
const MaxDelay = 25 * time.Second

// choiceOf is how many of some params an activity takes.
type choiceOf struct {
	names       []string
	least, most int
}

// choices are the params of which an activity takes one or another.
var choices = map[string]choiceOf{
	"query_entity":    {[]string{"id", "filters"}, 0, 1},
	"update_manifest": {[]string{"manifest", "version"}, 1, 1},
	"send_email":      {[]string{"text", "html"}, 1, 2},
}

func (c *compiler) checkChoice(a *Activity, given map[string]value, at string) {
	of, ok := choices[a.Type]
	if !ok {
		return
	}
	some, sure := 0, 0
	for _, name := range of.names {
		if v := given[name]; v != nil && !empty(v) {
			some++
			if _, open := v.(whole); !open { // a template may stand for null
				sure++
			}
		}
	}
	switch {
	case some < of.least:
		c.errorf(at, "%s needs one of the params %s: add it.", a.Type, strings.Join(of.names, " and "))
	case sure > of.most:
		c.errorf(at, "%s takes only one of the params %s: keep one.", a.Type, strings.Join(of.names, " and "))
	}
}

// empty tells whether a value is as good as none, whenever it is made.
func empty(v value) bool {
	l, ok := v.(literal)
	return ok && (l.v == nil || l.v == "")
}

// holdNumber holds a number that is written out to its bounds.
func (c *compiler) holdNumber(v value, s shape, at string) {
	l, _ := v.(literal)
	written, ok := l.v.(json.Number)
	if !ok {
		return
	}
	n, err := written.Float64()
	_, broken := written.Int64()
	switch {
	case err != nil || n < s.from:
		c.errorf(at, "%s is too small: give at least %.f.", written, s.from)
	case s.to > 0 && n > s.to:
		c.errorf(at, "%s is too large: give at most %.f.", written, s.to)
	case s.whole && broken != nil:
		c.errorf(at, "%s is no whole number as it is written: leave point and exponent out.", written)
	}
}

// secretParams are the params in which an activity may be given the names of secrets; nil: in all of them.
var secretParams = map[string][]string{
	"call_api":      {"headers", "body"},
	"call_stripe":   {"key", "headers", "body"},
	"call_openai":   {"key", "headers", "body"},
	"post_webhook":  {"secret", "headers", "body"},
	"log_event":     nil, // it logs their names
	"trigger_agent": nil,
}

func (c *compiler) checkSecrets(a *Activity, given map[string]value, at string) {
	places, some := secretParams[a.Type]
	for name, v := range given {
		switch {
		case !secretIn(v) || some && (places == nil || slices.Contains(places, name)):
		case some:
			c.errorf(at+"/"+escape(name), "No secret may stand here: %s takes them in %s.", a.Type, strings.Join(places, ", "))
		default:
			c.errorf(at+"/"+escape(name), "%s takes no secrets: only headers and bodies of calls do.", a.Type)
		}
	}
}

// secretIn tells whether a value names a secret.
func secretIn(v value) bool {
	switch v := v.(type) {
	case literal:
		if s, ok := v.v.(string); ok {
			return strings.Contains(s, secretMark)
		}
	case text:
		return slices.ContainsFunc(v, func(part any) bool { s, _ := part.(string); return strings.Contains(s, secretMark) })
	}
	for _, member := range members(v) {
		if secretIn(member) {
			return true
		}
	}
	return false
}

// checkAddress holds an address that is written out to one that can be called.
func (c *compiler) checkAddress(given, place string, s spot) {
	switch {
	case strings.Contains(given, "${"), place == "path" && strings.HasPrefix(given, "/"), place == "url" && callable(given):
	case place == "path":
		c.refusef(s.at, "%q is no path: it begins with a slash, such as /v1/refunds.", sentence.Shorten(given, 80))
	default:
		c.refuseURL(given, s)
	}
}

func (c *compiler) refuseURL(given string, s spot) {
	c.refusef(s.at, "%q is no URL that can be called: it is like https://example.com/orders, with no password and no fragment.", sentence.Shorten(given, 80))
}

func callable(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && !strings.Contains(address, "#")
}
