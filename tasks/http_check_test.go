package tasks_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestHTTPSagaIsCheckedBeforeItIsAccepted(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.HTTPSaga(nil))
	if err != nil {
		t.Fatal(err)
	}
	do := func(rest string) string {
		return `{"name":"a","do":{"method":"POST","url":"http://x.example/a"` + rest + `}}`
	}
	const at = "/input/steps/0/do"
	const stored = "This is a credential, and it would be stored with the task: set it on the workers as OSP_SECRET_NAME and write ${secrets.NAME} here."
	for _, test := range []struct{ name, steps, want string }{
		{"a plain step is fine", do(``), ""},
		{"steps are needed", ``, "/input/steps: This has 0 items: give at least 1."},
		{"a step needs a do", `{"name":"a"}`, at + ": This is missing: add it."},
		{"a method is one of seven", `{"name":"a","do":{"method":"TRACE","url":"http://x/"}}`, at + `/method: "TRACE" is not one of "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE".`},
		{"a URL is absolute", `{"name":"a","do":{"method":"GET","url":"/a"}}`, at + "/url: A URL begins with http:// or https://, and a template cannot stand for that part."},
		{"a URL holds no password", `{"name":"a","do":{"method":"GET","url":"http://u:p@x/"}}`, at + "/url: A URL may not hold a user or a password, for it would be stored: use the header Authorization with ${secrets.NAME}."},
		{"a name has no dots", `{"name":"a.b","do":{"method":"GET","url":"http://x/"}}`, `/input/steps/0/name: "a.b" must match ^[A-Za-z_][A-Za-z0-9_-]{0,63}$.`},
		{"names are unique", do(``) + "," + do(``), `/input/steps/1/name: Step 0 is called "a" too: give each its own name.`},

		{"credentials are secrets", do(`,"headers":{"Authorization":"Bearer abc","X-API-Key":"k","apikey":"k","Cookie":"a=b","x-auth-token":"$${secrets.A}"}`), strings.Join([]string{
			at + "/headers/Authorization: " + stored, at + "/headers/Cookie: " + stored, at + "/headers/X-API-Key: " + stored,
			at + "/headers/apikey: " + stored, at + "/headers/x-auth-token: " + stored,
		}, "\n")},
		{"named secrets are fine", do(`,"headers":{"Authorization":"Bearer ${secrets.A}","Accept":"x"}`), ""},
		{"our own headers are ours", do(`,"headers":{"idempotency-key":"1"}`), at + "/headers/idempotency-key: Idempotency-Key is not for a step to set: it is sent with every request, and is the same for every attempt. Remove it."},
		{"the host is the URL's", do(`,"headers":{"HOST":"y"}`), at + "/headers/HOST: Host is not for a step to set: the URL says it. Remove it."},
		{"a header stands once", do(`,"headers":{"X-A":"1","x-a":"2"}`), at + `/headers/x-a: This is the same header as "X-A": keep one.`},
		{"a header has a name", do(`,"headers":{"a b":"1"}`), at + `/headers/a b: "a b" is not the name of a header: write letters, digits and hyphens.`},
		{"a header has one line", do(`,"headers":{"X-A":"1\nX-B: 2"}`), at + "/headers/X-A: A header's value is one line of visible characters: remove the line break or control character."},

		{"a reference goes back", do(`,"body":{"x":["${steps.b.body}"]}`) + `,{"name":"b","do":{"method":"GET","url":"http://x/"}}`, at + `/body/x/0: ${steps.b.body}: there is no step "b" before this one. Mend the name, or put that step first.`},
		{"not to itself", do(`,"body":"${steps.a.body}"`), at + `/body: ${steps.a.body}: there is no step "a" before this one. Mend the name, or put that step first.`},
		{"a do has no do", do(`,"headers":{"X-A":"${do.body}"}`), at + "/headers/X-A: ${do.body} is for an undo, which sees its own do's answer; a do names an earlier step: ${steps.<name>.…}."},
		{
			"an undo names its do", `{"name":"a","do":{"method":"POST","url":"http://x/"},"undo":{"method":"POST","url":"http://x/${steps.a.body.id}"}}`,
			"/input/steps/0/undo/url: ${steps.a.body.id} is this step itself: an undo names its own do's answer as ${do.…}.",
		},
		{"an undo may name its do", `{"name":"a","do":{"method":"POST","url":"http://x/"},"undo":{"method":"DELETE","url":"http://x/${do.body.id}"}}`, ""},
		{"data is there", do(`,"body":"${input.data.who.first}"`), at + `/body: ${input.data.who.first}: there is no "first" in "Zoë" in the input's data: add it, or mend the name.`},
		{"a template closes", do(`,"body":{"a/b":"${do"}`), at + `/body/a~1b: The template "${do" has no closing brace; write $${ for the characters ${.`},
		{"names are no templates", do(`,"body":{"${input.data.who}":1}`), at + "/body/${input.data.who}: Templates may stand in values, not in names: write the name out."},
		{
			"all is told at once", `{"name":"a","do":{"method":"GET","url":"x","headers":{"Host":"y"}},"undo":{"method":"GET","url":"ftp://y"}}`,
			at + "/headers/Host: Host is not for a step to set: the URL says it. Remove it.\n" + at + "/url: A URL begins with http:// or https://, and a template cannot stand for that part.\n" +
				"/input/steps/0/undo/url: A URL begins with http:// or https://, and a template cannot stand for that part.",
		},
		{"a policy has limits", do(``)[:len(do(``))-1] + `,"retry":{"attempts":0,"factor":0.5},"timeout":0}`, strings.Join([]string{
			"/input/steps/0/retry/attempts: 0 is too small: give at least 1.", "/input/steps/0/retry/factor: 1/2 is too small: give at least 1.",
			"/input/steps/0/timeout: 0 is too small: give at least 1/10.",
		}, "\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := complaints(t, c.Validate(httpRequest("", test.steps))); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestHTTPSagaHasAtMost200Steps(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.HTTPSaga(nil))
	if err != nil {
		t.Fatal(err)
	}
	steps := make([]string, 201)
	for i := range steps {
		steps[i] = fmt.Sprintf(`{"name":"s%d","do":{"method":"GET","url":"http://x.example/"}}`, i)
	}
	got := complaints(t, c.Validate(httpRequest("", strings.Join(steps, ","))))
	if got != "/input/steps: This has 201 items: at most 200 are allowed." {
		t.Errorf("got %s", got)
	}
	if err := c.Validate(httpRequest("", strings.Join(steps[1:], ","))); err != nil {
		t.Error(err)
	}
}

func TestWithoutDataThereIsNothingToName(t *testing.T) {
	c, err := tasks.NewCatalogue(tasks.HTTPSaga(nil))
	if err != nil {
		t.Fatal(err)
	}
	input := `{"steps":[{"name":"a","do":{"method":"POST","url":"http://x.example/","body":"${input.data.x}"}}]}`
	got := complaints(t, c.Validate(saga.Request{Type: "http.saga", Input: json.RawMessage(input)}))
	if got != "/input/steps/0/do/body: ${input.data.x}: the input has no data: add it beside steps." {
		t.Errorf("got %s", got)
	}
}

func FuzzHTTPSagaBuild(f *testing.F) {
	f.Add([]byte(`{"steps":[` + post("a", "/a", `{"x":["${input.data.y}",1]}`, "/b", `"${do.body}"`) + `],"data":{"y":1}}`))
	f.Add([]byte(`{"steps":[{"name":"a","do":null},{"name":"b"}]}`))
	f.Add([]byte(`{"steps":[{"name":"a","do":{"url":"http://[::1","headers":{"":"${"}},"timeout":1e300}]}`))
	f.Add([]byte(`{"steps":null,"data":[}`))
	c, err := tasks.NewCatalogue(tasks.HTTPSaga(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		p, planErr := c.Plan("http.saga", input)
		if err := c.Validate(saga.Request{Type: "http.saga", Input: input}); err == nil && planErr != nil {
			t.Fatalf("%s is valid, but cannot be built: %v", input, planErr)
		}
		if planErr != nil {
			return
		}
		again, err := c.Plan("http.saga", input)
		if err != nil || again.TreeHash != p.TreeHash {
			t.Fatalf("built twice: %s and %s, %v", p.TreeHash, again.TreeHash, err)
		}
	})
}
