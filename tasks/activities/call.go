package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// callParams are the params of call_api. Empty method: POST with a body, GET without.
type callParams struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
	Form    bool              `json:"form"`
}

// callAPI calls an endpoint. Its output is {"status", "headers", "body"}.
func (a *Activities) callAPI(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[callParams](params)
	if err != nil {
		return nil, err
	}
	return a.HTTP.Call(ctx, c, tasks.HTTPCall{
		Method: methodOf(given.Method, given.Body), URL: given.URL, Headers: given.Headers, Body: given.Body, Form: given.Form,
	})
}

func methodOf(given string, body json.RawMessage) string {
	switch {
	case given != "":
		return strings.ToUpper(given)
	case body != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// Where the services are whose activities know it.
const (
	StripeURL = "https://api.stripe.com"
	OpenAIURL = "https://api.openai.com"
)

// serviceParams are the params of call_stripe and call_openai.
type serviceParams struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Key     string            `json:"key"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// callStripe calls Stripe's API, which takes forms and the Idempotency-Key. Its output is the object that Stripe answers.
func (a *Activities) callStripe(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	return a.callService(ctx, c, params, tasks.HTTPCall{URL: cmp.Or(a.StripeURL, StripeURL), Form: true})
}

// callOpenAI calls OpenAI's API, which takes JSON. Its output is the object that it answers.
func (a *Activities) callOpenAI(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	return a.callService(ctx, c, params, tasks.HTTPCall{URL: cmp.Or(a.OpenAIURL, OpenAIURL)})
}

func (a *Activities) callService(ctx context.Context, c saga.Call, params json.RawMessage, call tasks.HTTPCall) (json.RawMessage, error) {
	given, err := decode[serviceParams](params)
	if err != nil {
		return nil, err
	}
	if _, err := secretName("/key", given.Key); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(given.Path, "/") {
		return nil, refuse("/path", "%q is no path: it begins with a slash, such as /v1/refunds", sentence.Shorten(given.Path, 80))
	}
	call.URL += given.Path
	call.Method, call.Body = methodOf(given.Method, given.Body), given.Body
	call.Headers = map[string]string{}
	maps.Copy(call.Headers, given.Headers)
	call.Headers["Authorization"] = "Bearer " + given.Key
	out, err := a.HTTP.Call(ctx, c, call)
	if err != nil {
		return nil, err
	}
	return part(out, "body")
}

// secretName is the name in a param that is the name of a secret and nothing else.
func secretName(at, given string) (string, error) {
	name, opened := strings.CutPrefix(given, "${secrets.")
	name, closed := strings.CutSuffix(name, "}")
	if !opened || !closed || strings.Contains(name, "}") {
		return "", refuse(at, "this must be the name of a secret, ${secrets.NAME}, whose value the workers have as OSP_SECRET_NAME")
	}
	return name, nil
}

// webhookParams are the params of post_webhook.
type webhookParams struct {
	URL     string            `json:"url"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// postWebhook posts a signed body. Its output is {"status", "headers", "body"}.
func (a *Activities) postWebhook(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[webhookParams](params)
	if err != nil {
		return nil, err
	}
	name, err := secretName("/secret", given.Secret)
	switch {
	case err != nil:
		return nil, err
	case given.Body == nil:
		return nil, refuse("/body", "this is missing: say what to post")
	}
	return a.HTTP.Call(ctx, c, tasks.HTTPCall{
		Method: http.MethodPost, URL: given.URL, Headers: given.Headers, Body: given.Body,
		Sign: &tasks.Signature{Secret: name, At: a.Now()},
	})
}
