package tasks

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTemplatesAreReadOrRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a literal", "no $template {here}", ""},
		{"an answer", "${steps.a-b.body.x.0.y} and ${steps.a.status}${steps.a.headers.etag}", ""},
		{"a do", "${do.body}", ""},
		{"the input", "${input.data.a}", ""},
		{"a secret", "Bearer ${secrets.KEY_1}", ""},
		{"escaped", "$${steps} $$${x}", ""},
		{"a name in another language", "${steps.a.body.größe}", ""},
		{"no brace", "a ${steps.a", "no closing brace"},
		{"nothing in it", "${}", "is not a name"},
		{"an empty name", "${steps..body}", "is not a name"},
		{"a space", "${steps.a.body.x y}", "is not a name"},
		{"a line break", "${steps.a.body.\n}", "is not a name"},
		{"an expression", "${1 + 1}", "is not a name"},
		{"an unknown root", "${env.HOME}", "a template begins with steps, do, input or secrets"},
		{"a step alone", "${steps.a}", "an answer has status, headers.<name> and body"},
		{"no step", "${steps}", "name the step"},
		{"a header without name", "${do.headers}", "an answer has status"},
		{"below the status", "${do.status.x}", "an answer has status"},
		{"the input but its data", "${input.steps}", "write input.data"},
		{"all secrets", "${secrets}", "write secrets and the name"},
		{"below a secret", "${secrets.A.b}", "write secrets and the name"},
		{"too deep", "${do.body" + strings.Repeat(".a", 40) + "}", "more than 32 names"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parsed, err := parseTemplate(test.text)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want == "" && parsed.String() != test.text:
				t.Errorf("got %s back", parsed)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// testValues are what the templates of the tests may name.
func testValues() *values {
	secret := Secrets(secretMap{"KEY": "s3cr3t"})
	return &values{
		steps: map[string]any{"a": map[string]any{
			"status": json.Number("200"), "headers": map[string]any{"etag": `"1"`},
			"body": map[string]any{
				"id": "i/1", "n": json.Number("12345678901234567890"), "yes": true, "null": nil, "list": []any{"x", json.Number("2")},
				"dots": "..", "evil": "x\r\nSet-Cookie: a=b", "quote": `a"&<b`, "template": "${secrets.KEY}", "empty": "",
			},
		}},
		data:    map[string]any{"who": "Zoë & co"},
		secrets: newKeyring(secret, []string{"KEY", "MISSING"}),
	}
}

type secretMap map[string]string

func (m secretMap) Secret(name string) (string, bool) { v, ok := m[name]; return v, ok }

func TestTemplatesAreFilledIn(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"a string", "<${steps.a.body.id}>", "<i/1>"},
		{"a large number keeps its digits", "${steps.a.body.n}", "12345678901234567890"},
		{"a truth", "${steps.a.body.yes}", "true"},
		{"null is nothing", "<${steps.a.body.null}>", "<>"},
		{"below null there is null", "<${steps.a.body.null.x.y}>", "<>"},
		{"a step that was left behind is null", "<${steps.gone.body.x}>", "<>"},
		{"an unknown do is null", "<${do.body.id}>", "<>"},
		{"an item", "${steps.a.body.list.1}", "2"},
		{"a list is JSON", "${steps.a.body.list}!", `["x",2]!`},
		{"a header", "${steps.a.headers.etag}", `"1"`},
		{"the input", "${input.data.who}", "Zoë & co"},
		{"a secret", "Bearer ${secrets.KEY}", "Bearer s3cr3t"},
		{"an escape", "$${secrets.KEY}", "${secrets.KEY}"},
		{"what an endpoint answers is no template", "${steps.a.body.template}", "${secrets.KEY}"},
		{"a member that is not there", "${steps.a.body.nope}", `error: ${steps.a.body.nope}: there is no "nope"`},
		{"an item that is not there", "${steps.a.body.list.2}", `error: ${steps.a.body.list.2}: there is no item "2" in a list of 2`},
		{"below a string", "${steps.a.body.id.x}", `error: ${steps.a.body.id.x}: there is no "x" in "i/1"`},
		{"an unknown secret", "${secrets.MISSING}", "error: the secret MISSING is not known to this worker: set OSP_SECRET_MISSING, or OSP_SECRET_MISSING_FILE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parsed, err := parseTemplate(test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := testValues().text(parsed, nil)
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestBodiesAreFilledIn(t *testing.T) {
	for _, test := range []struct{ name, body, contentType, want, wantType string }{
		{"nothing", ``, "", "", ""},
		{"JSON stays JSON", `{"a":[1,true,null,"<&>"]}`, "", `{"a":[1,true,null,"<&>"]}`, "application/json"},
		{"a whole template keeps its type", `{"n":"${steps.a.body.n}","l":"${steps.a.body.list}","z":"${do.body.x}"}`, "", `{"l":["x",2],"n":12345678901234567890,"z":null}`, "application/json"},
		{"in a longer string it does not", `["id ${steps.a.body.n}"]`, "", `["id 12345678901234567890"]`, "application/json"},
		{"values cannot leave their string", `{"s":"${steps.a.body.quote}!"}`, "", `{"s":"a\"&<b!"}`, "application/json"},
		{"a string is sent as it is", `"id=${steps.a.body.id}"`, "", "id=i/1", "text/plain; charset=utf-8"},
		{"in a form it is escaped", `"a=${steps.a.body.quote}&b=1"`, "application/x-www-form-urlencoded", "a=a%22%26%3Cb&b=1", "text/plain; charset=utf-8"},
		{"in XML too", `"<a>${steps.a.body.quote}</a>"`, "application/soap+xml", "<a>a&#34;&amp;&lt;b</a>", "text/plain; charset=utf-8"},
		{"in JSON written as a string too", `"{\"a\":\"${steps.a.body.quote}\"}"`, "application/json", `{"a":"a\"&<b"}`, "text/plain; charset=utf-8"},
		{"a whole body may be an answer", `"${steps.a.body.list}"`, "", `["x",2]`, "application/json"},
		{"or a string of it", `"${steps.a.body.id}"`, "", `i/1`, "text/plain; charset=utf-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var p problems
			r := &reading{problems: &p}
			b := r.body("/body", json.RawMessage(test.body))
			if err := p.err(); err != nil {
				t.Fatal(err)
			}
			got, kind, err := b.render(testValues(), test.contentType)
			if err != nil || string(got) != test.want || kind != test.wantType {
				t.Errorf("got %s (%s), %v; want %s (%s)", got, kind, err, test.want, test.wantType)
			}
		})
	}
}

func TestHeadersTakeOneLine(t *testing.T) {
	var p problems
	list := (&reading{problems: &p}).headers("/headers", map[string]string{"x-a": " ${steps.a.body.evil}"})
	if _, err := renderHeaders(list, testValues()); err == nil || !strings.Contains(err.Error(), "line break") {
		t.Errorf("got %v, want a refusal of the line break", err)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "$${", "a${steps.a.body.b}c", "$$$${do.body}", "${secrets.A}${", "${input.data.\u202e}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := parseTemplate(s)
		if err != nil {
			return
		}
		again, err := parseTemplate(parsed.String())
		if err != nil || again.String() != parsed.String() {
			t.Fatalf("%q became %q became %q: %v", s, parsed, again, err)
		}
		_, _ = testValues().text(parsed, nil)
		if !parsed.dynamic() && !hasTemplate(s) && parsed.String() != s {
			t.Fatalf("the literal %q became %q", s, parsed)
		}
	})
}
