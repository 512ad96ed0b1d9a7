package activities_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// callerFunc fails every call.
type callerFunc func() error

// Call implements [activities.Caller].
func (f callerFunc) Call(context.Context, saga.Call, tasks.HTTPCall) (json.RawMessage, error) {
	return nil, f()
}

// elsewhere sends what is for the services that activities know to an endpoint of the test.
type elsewhere struct {
	*tasks.HTTP
	url string
}

// Call implements [activities.Caller].
func (e elsewhere) Call(ctx context.Context, c saga.Call, call tasks.HTTPCall) (json.RawMessage, error) {
	for _, host := range []string{"https://api.stripe.com", "https://api.openai.com"} {
		if rest, ok := strings.CutPrefix(call.URL, host); ok {
			call.URL = e.url + rest
		}
	}
	return e.HTTP.Call(ctx, c, call)
}

type secrets map[string]string

func (s secrets) Secret(name string) (string, bool) { v, ok := s[name]; return v, ok }

const (
	stripeKey = "sk_test_51secret"
	hookKey   = "twenty-four bytes or more"
)

// endpoint is somebody's HTTP service.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	calls []*http.Request
	body  []string
}

// newEndpoint has the world call an endpoint that gives one answer after the other, and the last one from then on.
func newEndpoint(w *world, answers ...http.HandlerFunc) *endpoint {
	w.t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.calls, e.body = append(e.calls, r), append(e.body, string(body))
		answer := answers[min(len(e.calls), len(answers))-1]
		e.mu.Unlock()
		rw.Header().Set("Content-Type", "application/json")
		answer(rw, r)
	}))
	w.t.Cleanup(e.Close)
	h := tasks.NewHTTP(tasks.HTTPOptions{AllowPrivate: true, Secrets: secrets{
		"STRIPE_KEY": stripeKey, "HOOK": "whsec_" + base64.StdEncoding.EncodeToString([]byte(hookKey)),
	}})
	w.t.Cleanup(h.Close)
	w.options.HTTP = elsewhere{h, e.URL}
	return e
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (e *endpoint) told(i int) string {
	return e.calls[i].Method + " " + e.calls[i].URL.RequestURI() + " " + e.body[i]
}

func TestCallsSayWhatTheyAreTold(t *testing.T) {
	w := newWorld(t)
	e := newEndpoint(w, says(200, `{"id":7}`))
	got := w.output("call_api", `{url: "`+e.URL+`/a/${input.who}?b=${input.who}", headers: {X-Who: "${input.who}"}, body: {who: "${input.who}", n: 12.50}}`,
		`{"who": "Zoë & Co"}`)
	w.same("output", got, `{"status":200,"headers":{"content-type":"application/json"},"body":{"id":7}}`)
	if e.told(0) != `POST /a/Zo%C3%AB%20&%20Co?b=Zo%C3%AB+%26+Co {"n":12.50,"who":"Zoë & Co"}` || e.calls[0].Header.Get("X-Who") != "Zoë & Co" {
		t.Errorf("it was told %s, %v", e.told(0), e.calls[0].Header)
	}
	w.output("call_api", `{url: "`+e.URL+`/x"}`, `{}`)
	w.output("call_api", `{method: put, url: "`+e.URL+`/x", form: true, body: {a: [1, 2]}}`, `{}`)
	if e.told(1) != "GET /x " || e.told(2) != "PUT /x a%5B0%5D=1&a%5B1%5D=2" {
		t.Errorf("it was told %s, %s", e.told(1), e.told(2))
	}
}

func TestCallStripe(t *testing.T) {
	w := newWorld(t)
	e := newEndpoint(w, says(503, `{}`), says(200, `{"id":"pi_1","amount":1250}`))
	got := w.run(strings.Replace(one("call_stripe", `
        path: /v1/payment_intents
        key: ${secrets.STRIPE_KEY}
        headers: {Stripe-Version: "2026-01-01"}
        body: {amount: "${int(input.amount * 100.0)}", currency: eur, metadata: {task: "${task.id}", none: null}}`),
		"max_attempts: 1", "max_attempts: 2", 1), `{"amount": 12.5}`)
	w.ended(got, saga.Completed, "")
	w.same("output", string(got.Output), `{"id":"pi_1","amount":1250}`)
	if want := "POST /v1/payment_intents amount=1250&currency=eur&metadata%5Btask%5D=task-"; !strings.HasPrefix(e.told(0), want) || e.told(0) != e.told(1) {
		t.Errorf("it was told %s, then %s", e.told(0), e.told(1))
	}
	header := e.calls[0].Header
	if header.Get("Authorization") != "Bearer "+stripeKey || header.Get("Stripe-Version") == "" ||
		header.Get("Idempotency-Key") == "" || header.Get("Idempotency-Key") != e.calls[1].Header.Get("Idempotency-Key") {
		t.Errorf("headers %v, then %v", header, e.calls[1].Header)
	}
}

func TestCallOpenAI(t *testing.T) {
	w := newWorld(t)
	e := newEndpoint(w, says(200, `{"choices":[{"message":{"content":"Hi"}}]}`))
	got := w.output("call_openai", `{path: /v1/chat/completions, key: "${secrets.STRIPE_KEY}", body: {model: m, messages: [{role: user, content: "${input.q}"}]}}`, `{"q": "Say \"hi\""}`)
	w.same("output", got, `{"choices":[{"message":{"content":"Hi"}}]}`)
	if e.told(0) != `POST /v1/chat/completions {"messages":[{"content":"Say \"hi\"","role":"user"}],"model":"m"}` {
		t.Errorf("it was told %s", e.told(0))
	}
}

func TestPostWebhook(t *testing.T) {
	w := newWorld(t)
	w.options.Now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	e := newEndpoint(w, says(500, ``), says(204, ``))
	r := w.run(strings.Replace(one("post_webhook", `{url: "`+e.URL+`/hook", secret: "${secrets.HOOK}", body: {type: paid, id: "${input.id}"}}`),
		"max_attempts: 1", "max_attempts: 2", 1), `{"id": 7}`)
	w.ended(r, saga.Completed, "")
	first, again := e.calls[0].Header, e.calls[1].Header
	if first.Get("Webhook-Id") == "" || first.Get("Webhook-Id") != again.Get("Webhook-Id") || first.Get("Webhook-Timestamp") != "1700000000" ||
		!strings.HasPrefix(first.Get("Webhook-Signature"), "v1,") || e.told(1) != `POST /hook {"id":7,"type":"paid"}` {
		t.Errorf("it was told %s with %v", e.told(1), first)
	}
}

func TestCallsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	e := newEndpoint(w, says(200, `{}`))
	for _, c := range []struct{ activity, params, input, want string }{
		{"call_api", `{url: "` + e.URL + `/", headers: {X-A: "${input.v}"}}`, `{"v": "a\r\nX-Evil: b"}`, "/params/headers/X-A: A header's value is one line"},
		{"call_api", `{url: "` + e.URL + `/${input.v}"}`, `{"v": "../admin"}`, `has the part ".."`},
		{"call_api", `{url: "` + e.URL + `/", body: "${input.v}"}`, `{"v": "${secrets.STRIPE_KEY}"}`, "only the definition itself may name a secret"},
		{"call_api", `{url: "` + e.URL + `/", boddy: 1}`, `{}`, "/params/boddy: call_api has no such param"},
		{"call_api", `{url: "` + e.URL + `/", method: "${input.v}"}`, `{"v": "GET / HTTP/1.1\r\n"}`, "/params/method: "},
		{"call_api", `{url: x}`, `{}`, `/params/url: "x" is no URL that can be called`},
		{"call_api", `{url: "https://api.example.com/", headers: {Authorization: "Bearer ${secrets.NOBODY}"}}`, `{}`, "set OSP_SECRET_NOBODY"},
		{"call_stripe", `{path: /v1/refunds}`, `{}`, `call_stripe needs the param "key"`},
		{"call_stripe", `{path: v1, key: "${secrets.STRIPE_KEY}"}`, `{}`, `/params/path: "v1" is no path`},
		{"call_stripe", `{path: "@evil.example/", key: "${secrets.STRIPE_KEY}"}`, `{}`, "is no path"},
		{"post_webhook", `{url: "` + e.URL + `/", body: {}}`, `{}`, `post_webhook needs the param "secret"`},
		{"post_webhook", `{url: "` + e.URL + `/", secret: "${secrets.HOOK}"}`, `{}`, `post_webhook needs the param "body"`},
		{"post_webhook", `{url: "` + e.URL + `/", secret: "${secrets.STRIPE_KEY}", body: {}}`, `{}`, "the secret STRIPE_KEY cannot sign"},
		{"trigger_agent", `{agent: x}`, `{}`, "trigger_agent is not supported: call the agent's endpoint by call_api"},
	} {
		w.n += 1000
		w.fails(c.activity, c.params, c.input, c.want)
	}
	if len(e.calls) > 0 {
		t.Errorf("it was called: %s", e.told(0))
	}
}

// TestSecretsComeBackFromNowhere has an endpoint repeat a secret in every way, in an answer and in a refusal.
func TestSecretsComeBackFromNowhere(t *testing.T) {
	w := newWorld(t)
	repeat := func(status int) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Etag", r.Header.Get("Authorization"))
			rw.WriteHeader(status)
			raw, _ := json.Marshal(map[string]string{"said": r.Header.Get("Authorization"), stripeKey: "name"})
			_, _ = rw.Write(raw)
		}
	}
	newEndpoint(w, repeat(200), repeat(402))
	const params = `{path: /v1/charges, key: "${secrets.STRIPE_KEY}", body: {a: 1}}`
	told := w.output("call_stripe", params, `{}`)
	w.n += 1000
	r := w.run(one("call_stripe", params), `{}`)
	w.ended(r, saga.Failed, "402 Payment Required")
	told += r.Reason
	for _, s := range r.Steps {
		told += s.Do.Error + string(s.Output)
	}
	if strings.Contains(told+w.log.String(), stripeKey) || !strings.Contains(told, "[secret STRIPE_KEY]") {
		t.Errorf("it tells %s", told)
	}
}
