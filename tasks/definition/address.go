package definition

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/osp-platform/osp/internal/credential"
	"github.com/osp-platform/osp/internal/sentence"
)

// calls are the activities that send something to an endpoint.
var calls = map[string]struct {
	place  string // the param that says where to: a URL, or the path of one
	secret string // the param that is the name of a secret, and nothing else
}{
	"call_api":     {place: "url"},
	"post_webhook": {place: "url", secret: "secret"},
	"call_stripe":  {place: "path", secret: "key"},
	"call_openai":  {place: "path", secret: "key"},
}

// activityParams compiles the params of an activity, and holds them to what it takes.
func (c *compiler) activityParams(a *Activity, s spot) params {
	p := c.sendingParams(a, s)
	if !c.stored {
		c.checkShape(a, p, s.at, s.own)
	}
	return p
}

// sendingParams compiles params. Of an activity that sends something, data may neither choose the host nor a header's name,
// and no credential is written out.
func (c *compiler) sendingParams(a *Activity, s spot) params {
	kind, calls := calls[a.Type]
	if !calls {
		return c.params(a.Params, s)
	}
	c.checkHeaders(a.Params["headers"], s.below("headers"))
	if given, ok := a.Params[kind.secret]; ok && !isSecret(given) {
		c.refusef(s.at+"/"+kind.secret, "Write ${secrets.NAME}: a secret that is written out would be stored with the definition.")
	}
	given, ok := a.Params[kind.place].(string)
	if ok && given != "" {
		c.checkAddress(given, kind.place, s.below(kind.place))
	}
	if !ok || !strings.Contains(given, "${") {
		return c.params(a.Params, s)
	}
	rest := maps.Clone(a.Params)
	delete(rest, kind.place)
	p := c.params(rest, s)
	p.value = addressed{value: p.value, name: kind.place, parts: c.address(given, kind.place, s.below(kind.place))}
	return p
}

// isSecret tells whether a param is the name of one secret.
func isSecret(given any) bool {
	s, _ := given.(string)
	name, opened := strings.CutPrefix(s, "${")
	name, closed := strings.CutSuffix(name, "}")
	return opened && closed && secret(strings.TrimSpace(name))
}

func (c *compiler) checkHeaders(given any, s spot) {
	headers, ok := given.(map[string]any)
	if !ok {
		if given != nil {
			c.refusef(s.at, "Write the headers out, as an object: data may fill in their values, but not choose their names.")
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if value, _ := headers[name].(string); credential.Header(name) && !strings.Contains(value, "${") {
			c.refusef(s.below(escape(name)).at, "This is a credential, and it would be stored with the definition: "+
				"set it on the workers as OSP_SECRET_NAME and write ${secrets.NAME} here.")
		}
	}
}

// address reads a URL, or the path of one, with templates in it.
func (c *compiler) address(given, place string, s spot) (parts []any) {
	segments, err := split(given)
	if err != nil {
		c.errorf(s.at, "%v.", err)
		return nil
	}
	if first := segments[0]; first.expr || !fixed(first.text, place) {
		c.errorf(s.at, "A template may not choose where a call goes to: write %s out.",
			map[string]string{"url": "https://, the host and the slash after it", "path": "the slash that the path begins with"}[place])
		return nil
	}
	if place == "url" && !callable(segments[0].text) {
		c.refuseURL(segments[0].text, s)
	}
	for _, part := range segments {
		switch {
		case !part.expr:
			parts = append(parts, part.text)
		case secret(part.text):
			c.errorf(s.at, "Secrets may not stand in a URL, for URLs end up in logs: use a header or the body.")
		default:
			if x, _ := c.expression(part.text, s); x != nil {
				parts = append(parts, x)
			}
		}
	}
	return parts
}

// fixed tells whether what stands before the first template has said where the call goes to.
func fixed(text, place string) bool {
	if place == "path" {
		return strings.HasPrefix(text, "/")
	}
	_, after, found := strings.Cut(text, "://")
	return found && strings.IndexAny(after, "/?") > 0
}

// addressed are params with an address among them.
type addressed struct {
	value
	name  string
	parts []any // string and *expression
}

func (a addressed) give(b *bindings) (any, error) {
	v, err := a.value.give(b)
	if err != nil {
		return nil, err
	}
	given, _ := v.(map[string]any) // params are an object
	given = maps.Clone(given)
	given[a.name], err = a.fill(b)
	return given, err
}

// fill fills the values in, each escaped for where it stands, so that none reaches beyond its place.
func (a addressed) fill(b *bindings) (string, error) {
	var s strings.Builder
	escape := url.PathEscape
	for _, part := range a.parts {
		x, ok := part.(*expression)
		if !ok {
			text := part.(string)
			s.WriteString(text)
			if strings.Contains(text, "?") {
				escape = url.QueryEscape
			}
			continue
		}
		v, err := x.scalar(b)
		if err != nil {
			return "", err
		}
		s.WriteString(escape(v))
	}
	return s.String(), checkSegments(s.String())
}

// scalar is the value of an expression in a URL: an empty one, or one that is no plain value, would mean another resource.
func (x *expression) scalar(b *bindings) (string, error) {
	v, err := whole{x}.give(b)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	switch v.(type) {
	case map[string]any, []any:
		err = errors.New("it is an object or a list")
	default:
		err = write(&s, v)
	}
	if err == nil && s.Len() == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("expression %s (%s): %w, and a URL needs a value", sentence.Shorten(x.source, 80), x.at, err)
	}
	return s.String(), nil
}

// checkSegments refuses a path that a server would take for another one, because of a value such as "..".
func checkSegments(address string) error {
	path, _, _ := strings.Cut(address, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("the path %q cannot be read: %w", path, err)
	}
	for segment := range strings.FieldsFuncSeq(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the path %q has the part %q: a value in it is not what it should be", path, segment)
		}
	}
	return nil
}
