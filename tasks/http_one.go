package tasks

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/osp-platform/osp/saga"
)

// HTTPCall is one call of an endpoint, whose values are all filled in but for secrets: ${secrets.NAME} may stand in
// headers and in the body. Nothing else in it is taken for a template, so data may hold any text.
type HTTPCall struct {
	Method  string
	URL     string
	Headers map[string]string
	// Body is JSON, and sent as that; a string is sent as it is. Nil: there is none.
	Body json.RawMessage
	// Form has the body, which is an object, sent as a form: {"a": {"b": [1]}} as a[b][0]=1.
	Form bool
	// Sign signs the body. Nil: it is not signed.
	Sign *Signature
}

// Call makes one attempt at a call, as a step of http.saga does: guarded, with the same Idempotency-Key for each attempt,
// and with no secret in what it returns. The output is {"status", "headers", "body"}; errors are marked with what they
// mean for further attempts, and have pointers that begin with /params where the call itself is wrong.
func (h *HTTP) Call(ctx context.Context, c saga.Call, call HTTPCall) (json.RawMessage, error) {
	if h == nil {
		return nil, saga.Permanent(saga.Definite(errors.New("this program was not made to call HTTP endpoints")))
	}
	r, names, err := call.parse()
	if err != nil {
		return nil, saga.Permanent(saga.Definite(err))
	}
	v := &values{secrets: newKeyring(h.options.Secrets, names)}
	// An undo that is a call of its own names what it undoes, and knows whether there is anything.
	a, err := h.call(ctx, c, r, v, true)
	if err != nil {
		return nil, err
	}
	out, err := a.output(v.secrets)
	return out, saga.Permanent(err)
}

// parse reads the call, and lists the secrets that it names.
func (call *HTTPCall) parse() (*request, []string, error) {
	var p problems
	found := &reading{problems: &p, secretsOnly: true}
	raw := httpRequest{Method: call.Method, URL: call.URL, Headers: call.Headers, Body: call.Body}
	r := raw.parseBy(found, "/params")
	if call.Form && r.body != nil {
		if _, isObject := r.body.tree.(map[string]any); !isObject {
			p.add("/params/body", "A form is made of an object: give one.")
		}
		r.body.isForm = true
	}
	var names []string
	for _, ref := range r.refs {
		names = append(names, ref.path[0])
	}
	if r.signature = call.Sign; call.Sign != nil {
		names = append(names, call.Sign.Secret)
	}
	return r, names, p.err()
}
