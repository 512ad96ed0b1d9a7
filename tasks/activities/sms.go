package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// GatewayOptions is how a provider of texts is called: POST, with ${to}, ${text} and ${from} in the path and query of URL
// and in Body.
type GatewayOptions struct {
	URL  string
	Body string // JSON if it begins with {, else a form; empty: {"to", "from", "text"}, from only where it is set
	From string // what ${from} stands for
	HTTP Caller
	// Authorization is the name of the secret that HTTP knows as the header's value. Empty: there is no such header.
	Authorization string
}

// Gateway sends texts through a provider.
type Gateway struct {
	GatewayOptions
	url, body gatewayTemplate
	form      bool
}

// NewGateway reads the templates. An error begins with url or body.
func NewGateway(o GatewayOptions) (*Gateway, error) {
	g := &Gateway{GatewayOptions: o}
	host, err := url.Parse(o.URL)
	if err != nil || host.Scheme != "https" && host.Scheme != "http" || host.Hostname() == "" || strings.Contains(host.Host, "$") ||
		host.User != nil || host.Fragment != "" {
		return nil, errors.New("url: it must be like https://sms.example.com/send, with no password and no template in the host")
	}
	if g.url, err = parseGateway(o.URL); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if o.Body == "" {
		o.Body = `{"to":"${to}","text":"${text}"}`
		if o.From != "" {
			o.Body = `{"to":"${to}","from":"${from}","text":"${text}"}`
		}
	}
	if g.body, err = parseGateway(o.Body); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	g.form = !strings.HasPrefix(strings.TrimSpace(o.Body), "{")
	if sample := g.body.fill(map[string]string{}, jsonEscape); !g.form && !json.Valid([]byte(sample)) {
		return nil, errors.New("body: it begins with { and is not JSON")
	}
	return g, nil
}

// gatewayTemplate is texts and names in turn, beginning with a text.
type gatewayTemplate []string

var gatewayName = regexp.MustCompile(`\$\{([^}]*)\}?`)

func parseGateway(s string) (gatewayTemplate, error) {
	var t gatewayTemplate
	end := 0
	for _, m := range gatewayName.FindAllStringSubmatchIndex(s, -1) {
		name := s[m[2]:m[3]]
		if name != "to" && name != "text" && name != "from" || s[m[1]-1] != '}' {
			return nil, fmt.Errorf("%q is not known: write ${to}, ${text} or ${from}", sentence.Shorten(s[m[0]:m[1]], 40))
		}
		t = append(t, s[end:m[0]], name)
		end = m[1]
	}
	return append(t, s[end:]), nil
}

func (t gatewayTemplate) fill(values map[string]string, escape func(string) string) string {
	var b strings.Builder
	for i, piece := range t {
		if i%2 == 1 {
			piece = escape(values[piece])
		}
		b.WriteString(piece)
	}
	return b.String()
}

func jsonEscape(s string) string {
	raw, err := encode(s)
	if err != nil {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}

// call is the call that sends a text.
func (g *Gateway) call(to, text string) (tasks.HTTPCall, error) {
	values := map[string]string{"to": to, "text": text, "from": g.From}
	call := tasks.HTTPCall{Method: http.MethodPost, URL: g.url.fill(values, escapeQuery), Headers: map[string]string{}}
	if g.Authorization != "" {
		call.Headers["Authorization"] = "${secrets." + g.Authorization + "}"
	}
	if !g.form {
		call.Body = json.RawMessage(g.body.fill(values, jsonEscape))
		return call, nil
	}
	call.Headers["Content-Type"] = "application/x-www-form-urlencoded"
	var err error
	call.Body, err = encode(g.body.fill(values, url.QueryEscape))
	return call, err
}

// escapeQuery escapes for paths and queries alike: %20 is a blank in both.
func escapeQuery(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// smsParams are the params of send_sms.
type smsParams struct {
	To   string `json:"to"`
	Text string `json:"text"`
}

// maxText is ten texts in one.
const maxText = 1600

var (
	phone       = regexp.MustCompile(`^\+?[0-9][0-9 ().\-/]{1,30}$`).MatchString
	punctuation = strings.NewReplacer(" ", "", "(", "", ")", "", ".", "", "-", "", "/", "")
)

// sendSMS sends a text. Its output is the gateway's answer: {"status", "headers", "body"}.
func (a *Activities) sendSMS(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	if a.SMS == nil {
		return nil, refuse("", "no text can be sent: set OSP_SMS_URL on the workers")
	}
	given, err := decode[smsParams](params)
	switch {
	case err != nil:
		return nil, err
	case !phone(given.To):
		return nil, refuse("/to", "%q is not a phone number, such as +49 30 901820", sentence.Shorten(given.To, 40))
	case given.Text == "":
		return nil, refuse("/text", "this is missing: add it")
	case len(given.Text) > maxText:
		return nil, refuse("/text", "it has %d bytes: at most %d are allowed", len(given.Text), maxText)
	}
	call, err := a.SMS.call(punctuation.Replace(given.To), given.Text)
	if err != nil {
		return nil, err
	}
	return a.SMS.HTTP.Call(ctx, c, call)
}
