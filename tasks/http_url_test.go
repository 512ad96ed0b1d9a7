package tasks

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestURLsAreFilledInWithoutLeavingTheirPlace(t *testing.T) {
	for _, test := range []struct{ name, url, want string }{
		{"plain", "https://Example.com:8443/a%20b/?q=1", "https://Example.com:8443/a%20b/?q=1"},
		{"no path", "HTTP://example.com", "http://example.com"},
		{"a query at once", "http://example.com?a=${steps.a.status}", "http://example.com?a=200"},
		{"a slash in a path", "http://h/x/${steps.a.body.id}", "http://h/x/i%2F1"},
		{"signs in a query", "http://h/?w=${input.data.who}&b", "http://h/?w=Zo%C3%AB+%26+co&b"},
		{"a question mark between", "http://h/${steps.a.body.yes}?${steps.a.body.id}=1", "http://h/true?i%2F1=1"},
		{"an address", "http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/"},
		{"line breaks", "http://h/${steps.a.body.evil}", "http://h/x%0D%0ASet-Cookie:%20a=b"},

		{"dots", "http://h/a/${steps.a.body.dots}/b", "error: the path"},
		{"a dot made of two", "http://h/a/.${input.data.dot}/b", "error: the path"},
		{"one dot", "http://h/a/${input.data.dot}", "error: the path"},
		{"dots behind a slash", "http://h/a/${input.data.up}", "error: the path"},
		{"an empty value", "http://h/users/${steps.a.body.empty}", "error: ${steps.a.body.empty} is empty"},
		{"null", "http://h/users/${steps.a.body.null}", "error: ${steps.a.body.null} is null"},
		{"null in a query", "http://h/?u=${steps.a.body.null}", "error: ${steps.a.body.null} is null"},
		{"an unknown answer", "http://h/${do.body.id}", "error: ${do.body.id}: the answer to this step's do was never seen"},
		{"a list", "http://h/${steps.a.body.list}", "error: ${steps.a.body.list} is an object or a list"},

		{"no scheme", "example.com/a", "refused: a URL begins with http"},
		{"a path only", "/a", "refused: a URL begins with http"},
		{"another scheme", "file:///etc/passwd", "refused: a URL begins with http"},
		{"a template as URL", "${steps.a.body.url}", "refused: a URL begins with http"},
		{"a template as scheme", "${steps.a.body.s}://h/", "refused: a URL begins with http"},
		{"a template in the host", "http://${steps.a.body.h}/", "refused: templates may not stand in the host"},
		{"at the end of the host", "http://h${steps.a.body.h}", "refused: templates may not stand in the host"},
		{"in the port", "http://h:${steps.a.body.p}/", "refused: templates may not stand in the host"},
		{"a user", "http://u:p@h/", "refused: a URL may not hold a user"},
		{"no host", "http:///a", `refused: "" is not a host`},
		{"no host but a port", "http://:80/a", `refused: ":80" is not a host`},
		{"port 0", "http://h:0/", `refused: "0" is not a port`},
		{"port too large", "http://h:65536/", `refused: "65536" is not a port`},
		{"a backslash for a slash", `http://h\@evil/`, "refused: a path begins with a slash"},
		{"a line break", "http://h/\n", "refused: this is not a valid URL"},
		{"a fragment", "http://h/#a", "refused: a fragment"},
		{"a secret", "http://h/?k=${secrets.KEY}", "refused: secrets may not stand in a URL"},
		{"half a template", "http://h/${steps", "refused: the template"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := rendered(test.url); !strings.HasPrefix(got, test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func rendered(s string) string {
	u, err := parseURL(s, parseTemplate)
	if err != nil {
		return "refused: " + err.Error()
	}
	v := testValues()
	v.data = map[string]any{"who": "Zoë & co", "dot": ".", "up": "x/../../y", "n": json.Number("1")}
	full, err := u.render(v)
	if err != nil {
		return "error: " + err.Error()
	}
	return full.String()
}

func FuzzURLValueStaysInItsPlace(f *testing.F) {
	for _, seed := range []string{"a", "../..", "@evil.example/", "?x#y", "%2e%2e", "\\\\evil", "a\r\nb", "é"} {
		f.Add(seed)
	}
	u, err := parseURL("https://good.example/a/${input.data.x}/b?c=${input.data.x}&d=1", parseTemplate)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value string) {
		full, err := u.render(&values{data: map[string]any{"x": value}})
		if err != nil {
			return
		}
		query := full.Query()
		switch {
		case full.Host != "good.example", full.Fragment != "", full.User != nil, len(query) != 2, query.Get("d") != "1":
			t.Fatalf("%q made %s", value, full)
		case query.Get("c") != value, full.Path != "/a/"+value+"/b":
			t.Fatalf("%q arrives as %q and %q", value, full.Path, query.Get("c"))
		}
	})
}

func TestNumbersAreNoHosts(t *testing.T) {
	for host, odd := range map[string]bool{
		"example.com": false, "127.0.0.1": false, "::1": false, "a.1b": false, "1e100.net": false, "cafe": false,
		"2130706433": true, "0x7f.1": true, "0177.0.0.1": true, "127.1": true, "0x7f000001": true, "1.2.3.4.": true, "999.1.1.1": true,
	} {
		if oddAddress(host) != odd {
			t.Errorf("%s: odd is %t", host, !odd)
		}
	}
}
