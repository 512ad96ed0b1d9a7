package definition_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// calling is a definition of one call, which fails the task if it fails.
func calling(activity, params string) string {
	return "id: w\nsteps:\n  - id: s\n    type: activity\n    effect: none\n    activity:\n      type: " + activity +
		"\n      params: " + params
}

func TestCallsThatAreRefused(t *testing.T) {
	const nowhere = "/steps/0/activity/params/url: A template may not choose where a call goes to: " +
		"write https://, the host and the slash after it out."
	for _, c := range []struct{ name, activity, params, want string }{
		{"data chooses the URL", "call_api", `{url: "${input.url}"}`, nowhere},
		{"data chooses the host", "call_api", `{url: "https://${input.host}/x"}`, nowhere},
		{"data chooses a part of the host", "call_api", `{url: "https://api.${input.zone}.example/x"}`, nowhere},
		{"data ends the host", "post_webhook", `{url: "https://good.example${input.x}"}`, nowhere},
		{"data stands before the host", "call_api", `{url: "https://good.example:${input.port}/"}`, nowhere},
		{"data chooses the scheme", "call_api", `{url: "${input.s}://good.example/"}`, nowhere},
		{"there is no host before data", "call_api", `{url: "https:///${input.x}"}`, nowhere},
		{
			"data begins a path", "call_stripe", `{path: "${input.path}"}`,
			"/steps/0/activity/params/path: A template may not choose where a call goes to: write the slash that the path begins with out.",
		},
		{"a secret in a URL", "call_api", `{url: "https://x.example/?key=${secrets.KEY}"}`, "Secrets may not stand in a URL"},
		{
			"data chooses the names of headers", "call_api", `{url: "https://x.example/", headers: "${input.headers}"}`,
			"/steps/0/activity/params/headers: Write the headers out, as an object",
		},
		{
			"a credential is written out", "call_api", `{url: "https://x.example/", headers: {X-Api-Key: abc}}`,
			"/steps/0/activity/params/headers/X-Api-Key: This is a credential, and it would be stored with the definition",
		},
		{"Stripe's key is written out", "call_stripe", `{path: /v1/x, key: sk_live_1}`, "params/key: Write ${secrets.NAME}"},
		{"OpenAI's key comes from data", "call_openai", `{path: /v1/x, key: "${input.key}"}`, "params/key: Write ${secrets.NAME}"},
		{"a webhook's secret is written out", "post_webhook", `{url: "https://x.example/", secret: whsec_x}`, "params/secret: Write ${secrets.NAME}"},
	} {
		refused(t, c.name, calling(c.activity, c.params), c.want)
	}
	refused(t, "in a compensation", `
id: w
steps:
  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensate: {type: call_api, params: {url: "https://${input.host}/"}}}`,
		"/steps/0/compensate/params/url: A template may not choose")
}

// recorder notes the params that an activity is called with.
type recorder struct{ shop }

func (r *recorder) Action(string) (definition.Action, error) {
	return definition.Action{Do: func(_ context.Context, _ saga.Call, params json.RawMessage) (json.RawMessage, error) {
		r.trail = append(r.trail, string(params))
		return nil, nil
	}}, nil
}

// called runs a definition of one call, and returns the params, or why there was none.
func called(t *testing.T, source, input string) string {
	t.Helper()
	d := parsed(t, source)
	r := &recorder{}
	var err error
	if r.flow, err = d.Workflow(r); err != nil {
		t.Fatal(err)
	}
	record := r.carry(t, d, input)
	if len(r.trail) == 0 {
		return record.Reason
	}
	return strings.Join(r.trail, "\n")
}

func TestDataFillsInPartsOfAURL(t *testing.T) {
	const source = `{url: "https://good.example/a/${input.x}/b?c=${input.y}&d=1", headers: {X-To: "${input.y}"}}`
	for _, c := range []struct{ name, x, y, want string }{
		{"plain values", `"x"`, `5`, `"url":"https://good.example/a/x/b?c=5&d=1"`},
		{"what would be a path", `"../../etc"`, `1`, `the part ".."`},
		{"dots alone", `".."`, `1`, `the part ".."`},
		{"a slash", `"p/q"`, `1`, `"url":"https://good.example/a/p%2Fq/b?c=1&d=1"`},
		{"a backslash", `"..\\.."`, `1`, `the part ".."`},
		{"what would be another host", `"@evil.example/"`, `1`, `"url":"https://good.example/a/@evil.example%2F/b?c=1&d=1"`},
		{"what would be a query", `"?x=1#y"`, `"1&e=2#f"`, `"url":"https://good.example/a/%3Fx=1%23y/b?c=1%26e%3D2%23f&d=1"`},
		{"a line break", `"a\r\nHost: evil"`, `"b\nX: y"`, `"url":"https://good.example/a/a%0D%0AHost:%20evil/b?c=b%0AX%3A+y&d=1"`},
		{"a template", `"${input.y}"`, `1`, `"url":"https://good.example/a/$%7Binput.y%7D/b?c=1&d=1"`},
		{"nothing", `""`, `1`, `it is empty, and a URL needs a value`},
		{"null", `null`, `1`, `it is empty, and a URL needs a value`},
		{"an object", `{"a": 1}`, `1`, `it is an object or a list, and a URL needs a value`},
		{"an encoded dot", `"%2e%2e"`, `1`, `"url":"https://good.example/a/%252e%252e/b?c=1&d=1"`},
	} {
		if got := called(t, calling("call_api", source), `{"x": `+c.x+`, "y": `+c.y+`}`); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestADelayHoldsNoWorker has a delay become a timer of the engine.
func TestADelayHoldsNoWorker(t *testing.T) {
	d := parsed(t, `
id: w
steps:
  - {id: pause, type: activity, activity: {type: delay, params: {seconds: "${input.minutes * 60}"}}}
  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, compensation_steps: [again]}
  - {id: again, type: activity, activity: {type: delay, params: {seconds: 5}}}`)
	w, err := d.Workflow(&shop{})
	if err != nil {
		t.Fatal(err)
	}
	if pause := w.Root.Steps[0]; pause.Kind != saga.KindTimer || pause.Do != nil {
		t.Errorf("a delay is %+v", pause)
	}
	run, err := d.Simulate(script(t, d, `input: {minutes: 2}`))
	if err != nil {
		t.Fatal(err)
	}
	if first, then := run.Moves[0], run.Moves[1]; first.Kind != "wait" || first.Step != "pause" || then.Step != "a" || then.After != 120 {
		t.Errorf("it goes %+v, %+v", first, then)
	}
	refused(t, "its output", `
id: w
steps:
  - {id: pause, type: activity, activity: {type: delay, params: {seconds: 1}}}
  - {id: a, type: activity, activity: {type: log_event, params: {v: "${pause.x}"}}}`, "step pause is of type delay, which has no output")
	refused(t, "its compensation", `
id: w
steps:
  - {id: pause, type: activity, activity: {type: delay, params: {seconds: 1}}, compensate: {type: log_event}}`,
		"A delay does nothing that could be undone")
	refused(t, "longer than all", `
id: w
timeout_seconds: 100
steps:
  - {id: pause, type: activity, activity: {type: delay, params: {seconds: 101}}}`, "The timeouts add up to 1m41s")
}
