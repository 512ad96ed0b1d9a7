package tasks

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
)

// Secrets knows the secrets that steps name as ${secrets.NAME}. It is asked for each call, so a secret may change while
// tasks wait. Whoever may start a task may have any of them sent to any host, so it holds what was put there for steps,
// never the whole environment. It must be safe for concurrent use.
type Secrets interface {
	// Secret returns a secret's value, or false when there is none of that name.
	Secret(name string) (value string, ok bool)
}

// keyring holds the secrets that one task names: it gives them out, and takes them out of all that comes back.
type keyring struct {
	values map[string]string
	hide   *strings.Replacer
}

// newKeyring looks the names up. Those that are not known are missed only by who needs them.
func newKeyring(secrets Secrets, names []string) *keyring {
	k := &keyring{values: map[string]string{}}
	for _, name := range names {
		if secrets == nil {
			break
		}
		if value, ok := secrets.Secret(name); ok && value != "" {
			k.values[name] = value
		}
	}
	k.hide = strings.NewReplacer(k.pairs()...)
	return k
}

// pairs lists each form in which a secret may come back, longest first, with what is shown instead.
func (k *keyring) pairs() []string {
	var forms [][2]string
	for name, secret := range k.values {
		shown := "[secret " + name + "]"
		for _, form := range spellings(secret) {
			forms = append(forms, [2]string{form, shown})
		}
	}
	slices.SortFunc(forms, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(len(b[0]), len(a[0])), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	var pairs []string
	for _, form := range forms {
		pairs = append(pairs, form[0], form[1])
	}
	return pairs
}

// spellings are the ways in which a text may hold a secret: as it is, in JSON, in a URL, in HTML.
func spellings(secret string) []string {
	inJSON := jsonEscape(secret)
	list := []string{
		secret, inJSON, strings.ReplaceAll(inJSON, "/", `\/`),
		url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
	}
	if raw, err := json.Marshal(secret); err == nil { // with < > & as \u003c and so on
		list = append(list, string(raw[1:len(raw)-1]))
	}
	return list
}

// value gives a secret out.
func (k *keyring) value(name string) (any, error) {
	secret, ok := k.values[name]
	if !ok {
		return nil, fmt.Errorf("the secret %s is not known to this worker: set OSP_SECRET_%s, or OSP_SECRET_%s_FILE", name, name, name)
	}
	return secret, nil
}

// redact takes the secrets out of a text.
func (k *keyring) redact(s string) string { return k.hide.Replace(s) }

// redactJSON takes the secrets out of a decoded JSON value, in place where it can.
func (k *keyring) redactJSON(v any) any {
	switch v := v.(type) {
	case string:
		return k.redact(v)
	case json.Number:
		if s := k.redact(v.String()); s != v.String() {
			return s
		}
	case []any:
		for i := range v {
			v[i] = k.redactJSON(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key, inner := range v {
			clean[k.redact(key)] = k.redactJSON(inner)
		}
		return clean
	}
	return v
}
