package results

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what is read of an answer: a page of large tasks fits.
const maxAnswer = 256 << 20

// transport adds the key to each request and turns each answer that says no into an *[APIError]: postgrest-go itself
// would lose the status, and panics on some.
type transport struct {
	base    *http.Transport
	through http.RoundTripper // base, or what is around it
	key     atomic.Pointer[http.Header]
}

func newTransport(connections int) *transport {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxConnsPerHost:       connections,
		MaxIdleConns:          connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &transport{base: base, through: base}
}

// RoundTrip sends a request that is ours alone: postgrest-go made it for this call.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	maps.Copy(req.Header, *t.key.Load())
	resp, err := t.through.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 { // redirects too: the key goes to nobody else
		defer func() { _ = resp.Body.Close() }()
		return nil, apiError(resp)
	}
	resp.Body = limited{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// limited is a body of which only the beginning is read.
type limited struct {
	io.Reader
	io.Closer
}

func apiError(resp *http.Response) *APIError {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // the status says enough
	var said struct {
		Code    any    `json:"code"` // the gateway's is a number
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
	_ = json.Unmarshal(body, &said) // an answer of a proxy is no JSON
	e := &APIError{Status: resp.StatusCode, Message: said.Message, Hint: said.Hint, RetryAfter: retryAfter(resp.Header)}
	e.Code, _ = said.Code.(string)
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
	if len(e.Message) > 500 {
		e.Message = strings.ToValidUTF8(e.Message[:500], "") + "…"
	}
	return e
}

// retryAfter reads Retry-After; a moment is taken relative to the answer's own Date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil {
		return max(0, time.Duration(s)*time.Second)
	}
	at, err1 := http.ParseTime(v)
	now, err2 := http.ParseTime(h.Get("Date"))
	if err1 != nil || err2 != nil {
		return 0
	}
	return max(0, at.Sub(now))
}
