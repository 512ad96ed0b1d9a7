package definition_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

// TestParamsThatAreRefused has activities that would refuse to act: in a compensation they would leave the task stuck.
func TestParamsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, activity, want string }{
		{"none", `{type: create_entity}`, `/steps/0/activity/params: create_entity needs the param "data": add it.`},
		{"one is missing", `{type: update_entity, params: {entity: a, data: {}}}`, `/steps/0/activity/params: update_entity needs the param "id"`},
		{"one is misspelt", `{type: delay, params: {second: 1}}`, `/steps/0/activity/params/second: delay has no such param: it takes seconds.`},
		{"a required one is null", `{type: query_entity, params: {entity: null}}`, `/steps/0/activity/params/entity: This is null, and must be a text.`},
		{"a number for a text", `{type: delete_entity, params: {entity: a, id: 7}}`, `/steps/0/activity/params/id: This is a number, and must be a text.`},
		{"a number's template for a text", `{type: delete_entity, params: {entity: a, id: "${n}"}}`, `/steps/0/activity/params/id: This is a number, and must be a text: write ${string(n)}.`},
		{"a text for an object", `{type: create_entity, params: {entity: a, data: "${name}"}}`, `/steps/0/activity/params/data: This is a text, and must be an object.`},
		{"a number in a header", `{type: call_api, params: {url: https://a.example/, headers: {X-N: 7}}}`, `/steps/0/activity/params/headers/X-N: This is a number, and must be a text.`},
		{"an item of a list", `{type: validate_data, params: {data: 1, required: [a, 2]}}`, `/steps/0/activity/params/required/1: This is a number, and must be a text.`},
		{"neither of two", `{type: send_email, params: {to: "${n}", subject: s}}`, `/steps/0/activity/params/to: This is a number, and must be a text or a list.`},
		{"a webhook without a body", `{type: post_webhook, params: {url: https://a.example/, secret: "${secrets.S}"}}`, `/steps/0/activity/params: post_webhook needs the param "body": add it.`},
		{"a text that is empty", `{type: delete_entity, params: {entity: a, id: ""}}`, `/steps/0/activity/params/id: This is empty: give a value.`},
		{"a manifest and a version", `{type: update_manifest, params: {manifest: {}, version: 3}}`, `/steps/0/activity/params: update_manifest takes only one of the params manifest and version: keep one.`},
		{"no manifest and no version", `{type: update_manifest, params: {activate: true, version: null}}`, `/steps/0/activity/params: update_manifest needs one of the params manifest and version: add it.`},
		{"a version below all", `{type: update_manifest, params: {version: 0}}`, `/steps/0/activity/params/version: 0 is too small: give at least 1.`},
		{"half a version", `{type: update_manifest, params: {version: 1.5}}`, `/steps/0/activity/params/version: 1.5 is no whole number as it is written`},
		{"a row and some", `{type: query_entity, params: {entity: a, id: b, filters: {}}}`, `/steps/0/activity/params: query_entity takes only one of the params id and filters: keep one.`},
		{"a mail without words", `{type: send_email, params: {to: a, subject: s, text: ""}}`, `/steps/0/activity/params: send_email needs one of the params text and html: add it.`},
		{"a delay of the past", `{type: delay, params: {seconds: -1}}`, `/steps/0/activity/params/seconds: -1 is too small: give at least 0.`},
		{"a delay of two years", `{type: delay, params: {seconds: 63072000}}`, `/steps/0/activity/params/seconds: 63072000 is too large: give at most 31536000.`},
		{"a secret in a mail", `{type: send_email, params: {to: a, subject: s, text: "key ${ secrets.S } of ${name}"}}`, `/steps/0/activity/params/text: send_email takes no secrets: only headers and bodies of calls do.`},
		{"a secret in a row", `{type: create_entity, params: {entity: a, data: {b: ["${secrets.S}"]}}}`, `/steps/0/activity/params/data: create_entity takes no secrets`},
		{"a secret in a transformation", `{type: transform_data, params: {a: {b: "${secrets.S}"}}}`, `/steps/0/activity/params/a: transform_data takes no secrets`},
		{"a secret for a method", `{type: call_api, params: {url: https://a.example/, method: "${secrets.S}"}}`, `/steps/0/activity/params/method: No secret may stand here: call_api takes them in headers, body.`},
		{"no URL", `{type: call_api, params: {url: a.example}}`, `/steps/0/activity/params/url: "a.example" is no URL that can be called`},
		{"an empty URL", `{type: call_api, params: {url: ""}}`, `/steps/0/activity/params/url: This is empty: give a value.`},
		{"a URL without a host", `{type: call_api, params: {url: "https:///x"}}`, `/steps/0/activity/params/url: "https:///x" is no URL that can be called`},
		{"a URL of another kind", `{type: call_api, params: {url: "ftp://a.example/${name}"}}`, `/steps/0/activity/params/url: "ftp://a.example/" is no URL that can be called`},
		{"a URL with a password", `{type: call_api, params: {url: "https://a:b@a.example/"}}`, `is no URL that can be called`},
		{"no path", `{type: call_stripe, params: {path: v1, key: "${secrets.S}"}}`, `/steps/0/activity/params/path: "v1" is no path: it begins with a slash`},
		{"beside an address with a template", `{type: call_api, params: {url: "https://a.example/${name}", form: "${name}"}}`, `/steps/0/activity/params/form: This is a text, and must be true or false.`},
	} {
		refused(t, c.name, `
id: w
input_schema: {type: object, properties: {n: {type: integer}, name: {type: string}}, required: [n, name]}
steps:
  - {id: a, type: activity, effect: none, activity: `+c.activity+`}`, c.want)
		if strings.Contains(c.activity, "call_api") {
			refused(t, c.name+" in a compensation", `
id: w
input_schema: {type: object, properties: {name: {type: string}}, required: [name]}
steps:
  - id: a
    type: activity
    activity: {type: call_api, params: {url: https://a.example/}}
    compensate: `+c.activity, strings.Replace(c.want, "/activity", "/compensate", 1))
		}
	}
}

// TestADelayInACompensationIsShort has delays that are timers, and one that would hold a worker for too long.
func TestADelayInACompensationIsShort(t *testing.T) {
	const source = "id: w\nsteps:\n  - {id: a, type: activity, activity: {type: call_api, params: {url: https://a.example/}}, %s}%s"
	const want = "params/seconds: 26 is too large: give at most 25."
	refused(t, "compensate", fmt.Sprintf(source, "compensate: {type: delay, params: {seconds: 26}}", ""), "/steps/0/compensate/"+want)
	listed := "\n  - {id: d, type: activity, activity: {type: delay, params: {seconds: 26}}}"
	refused(t, "compensation_steps", fmt.Sprintf(source, "compensation_steps: [d]", listed), "/steps/1/activity/"+want)
	refused(t, "of the whole", "compensation_steps: [d]\n"+fmt.Sprintf(source, "effect: none", listed), "/steps/1/activity/"+want)
	parsed(t, fmt.Sprintf(source, "compensate: {type: delay, params: {seconds: 25}}", ""))
	parsed(t, fmt.Sprintf(source, "effect: none", listed))
}

// TestAWrongExpressionIsOneProblem has params of which nobody knows what sort they would be.
func TestAWrongExpressionIsOneProblem(t *testing.T) {
	for params, want := range map[string]string{
		`{entity: a, data: "${nobody}"}`:             "/data: The expression nobody does not work: nobody is nothing that this definition knows",
		`{entity: a, data: "${1 +}"}`:                "/data: The expression 1 + does not work: character 4: Syntax error",
		`{entity: a, data: "${"}`:                    "/data: ${ has no closing brace",
		`{entity: a, data: "a ${}"}`:                 "/data: ${} is empty",
		`{entity: "${}", data: {}}`:                  "/entity: ${} is empty",
		`{entity: a, data: {b: ["${secrets.x.y}"]}}`: "/data/b/0: The expression secrets.x.y does not work: a secret may only stand by itself",
	} {
		_, problems := definition.Parse([]byte("id: w\nsteps:\n  - {id: s, type: activity, activity: {type: create_entity, params: " + params + "}}"))
		if len(problems) != 1 || !strings.Contains(problems.Error(), "/steps/0/activity/params"+want) {
			t.Errorf("%s: want %q alone, got %v", params, want, problems)
		}
	}
}
