package tasks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"code.dny.dev/ssrf"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

const (
	// maxAnswer is the largest body of a do's answer, in bytes: what is kept of it besides must fit saga.MaxOutput too.
	maxAnswer = saga.MaxOutput - 16<<10
	// maxExcerpt is how much of a refusal's body is told in the error.
	maxExcerpt = 500
	// maxRefusal is how much of a refusal's body is read.
	maxRefusal = 64 << 10
)

// keptHeaders are the answer's headers that stay in the output.
var keptHeaders = []string{"Content-Type", "Etag", "Last-Modified", "Link", "Location", "Request-Id", "Retry-After", "X-Request-Id"}

// answer is what came back.
type answer struct {
	status     int
	header     http.Header
	body       []byte
	redirected bool
}

// call makes one attempt of a do or an undo. doKnown tells whether an undo knows its do's output. All errors come
// without secrets, and marked with what they mean for further attempts.
func (h *HTTP) call(ctx context.Context, c saga.Call, r *request, v *values, doKnown bool) (*answer, error) {
	fail := func(err error) error {
		return fmt.Errorf("%s %s: %s", r.method, r.url.origin, v.secrets.redact(err.Error()))
	}
	m, err := r.render(v)
	if err == nil {
		err = r.signature.sign(m, c.Key, v.secrets)
	}
	if err != nil {
		return nil, saga.Permanent(saga.Definite(fail(err)))
	}
	a, unsent := h.send(ctx, c, m)
	if unsent != nil {
		return nil, unsent.mark(fail(unsent.cause))
	}
	judged := outcomeOf(a.status)
	if judged == succeeded || c.Undo && alreadyGone(a.status, r.method, doKnown) {
		return a, nil
	}
	told := fmt.Errorf("%s %s: %d %s%s", m.method, withoutQuery(m.url), a.status, http.StatusText(a.status), a.excerpt(v.secrets))
	return nil, judged.mark(told, a.redirected, retryAfter(a.header, maxRetryAfter))
}

// sendError is a request without an answer.
type sendError struct {
	cause error
	sent  bool // a connection was had: it may have arrived
	final bool
}

func (e *sendError) mark(err error) error {
	if !e.sent {
		err = saga.Definite(err)
	}
	if e.final {
		err = saga.Permanent(err)
	}
	return err
}

// send sends a message and reads the answer. No attempt is made to tell how far a request got once there was a
// connection.
func (h *HTTP) send(ctx context.Context, c saga.Call, m *message) (*answer, *sendError) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := h.request(ctx, c, m)
	if err != nil {
		return nil, &sendError{cause: err, final: true}
	}
	if err := h.checkHost(m.url.Hostname()); err != nil {
		return nil, &sendError{cause: err, final: true}
	}
	client := http.Client{Transport: h.through, CheckRedirect: h.redirect(m)}
	resp, err := client.Do(req)
	if err != nil {
		cause, final := explain(err)
		return nil, &sendError{cause: cause, sent: connected.Load(), final: final}
	}
	defer func() { _ = resp.Body.Close() }() // read as far as it is wanted
	a := &answer{status: resp.StatusCode, header: resp.Header, redirected: resp.Request.Response != nil}
	if a.body, err = a.read(resp.Body, c.Undo || m.notice); err != nil {
		return nil, &sendError{cause: err, sent: true, final: errors.Is(err, errAnswerTooLarge)}
	}
	return a, nil
}

func (h *HTTP) request(ctx context.Context, c saga.Call, m *message) (*http.Request, error) {
	var content io.Reader
	if m.body != nil {
		content = bytes.NewReader(m.body)
	}
	req, err := http.NewRequestWithContext(ctx, m.method, m.url.String(), content)
	if err != nil {
		return nil, err
	}
	req.Header = m.header
	req.Header.Set("Idempotency-Key", c.Key)
	req.Header.Set("Traceparent", h.traceparent(ctx, c))
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "osp")
	}
	return req, nil
}

// traceparent is the trace context to send. One that is made here is the same for every attempt of a call.
func (h *HTTP) traceparent(ctx context.Context, c saga.Call) string {
	if h.options.Traceparent != nil {
		if given := h.options.Traceparent(ctx); given != "" {
			return given
		}
	}
	trace, span := sha256.Sum256([]byte(c.Task.ID)), sha256.Sum256([]byte(c.Key))
	return fmt.Sprintf("00-%x-%x-01", trace[:16], span[:8])
}

// explain makes a cause that a person can use of an error of net/http, and tells whether another attempt is in vain.
func explain(err error) (cause error, final bool) {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // what it adds is the URL, with its query
	}
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return fmt.Errorf("its address is refused: %s (%w)", refusedAddress, err), true
	case errors.Is(err, errRedirect):
		return err, true
	}
	return err, false
}

var errAnswerTooLarge = fmt.Errorf("the answer's body is over %d bytes, which is too much for a step's output", maxAnswer)

// read reads as much of the body as is wanted: all of a do's success, the beginning of anything else.
func (a *answer) read(body io.Reader, brief bool) ([]byte, error) {
	if brief || outcomeOf(a.status) != succeeded {
		return io.ReadAll(io.LimitReader(body, maxRefusal))
	}
	raw, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer: %w", err)
	case len(raw) > maxAnswer:
		return nil, errAnswerTooLarge
	}
	return raw, nil
}

// excerpt is the beginning of the body, for an error. JSON is written anew, so that no way to spell a secret escapes.
func (a *answer) excerpt(k *keyring) string {
	content := k.redactJSON(a.content())
	text, isText := content.(string)
	if !isText && content != nil {
		raw, err := encodeJSON(content)
		if err != nil {
			return ""
		}
		text = string(raw)
	}
	if text = strings.TrimSpace(text); text == "" {
		return ""
	}
	return ": " + sentence.Shorten(text, maxExcerpt)
}

// output is what a do leaves for later steps and for its undo: {"status", "headers", "body"}. The body is JSON where
// the answer is, and a string otherwise.
func (a *answer) output(k *keyring) (json.RawMessage, error) {
	headers := map[string]string{}
	for _, name := range keptHeaders {
		if s := a.header.Get(name); s != "" {
			headers[strings.ToLower(name)] = k.redact(sentence.Shorten(s, 1<<10))
		}
	}
	raw, err := encodeJSON(struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    any               `json:"body"`
	}{a.status, headers, k.redactJSON(a.content())})
	if err == nil && len(raw) > saga.MaxOutput {
		err = errAnswerTooLarge
	}
	return raw, err
}

func (a *answer) content() any {
	if len(a.body) == 0 {
		return nil
	}
	media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")) // one that cannot be read is not JSON
	if media == "application/json" || strings.HasSuffix(media, "+json") {
		if v, err := decodeJSON(a.body); err == nil {
			return v
		}
	}
	return strings.ToValidUTF8(string(a.body), "�")
}

func withoutQuery(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
