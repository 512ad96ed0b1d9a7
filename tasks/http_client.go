package tasks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"
)

// HTTPOptions says how http.saga reaches the world. The zero value is safe: no secrets, and no private addresses.
type HTTPOptions struct {
	// Secrets are what steps may name. Nil: there are none.
	Secrets Secrets
	// AllowPrivate lets steps call private, loopback and link-local addresses (OSP_HTTP_ALLOW_PRIVATE). Without it
	// every connection's address is checked after DNS, redirects included.
	AllowPrivate bool
	// Proxy picks a proxy, such as [http.ProxyFromEnvironment]. It is used only with AllowPrivate: who asks a proxy
	// cannot know which address is reached.
	Proxy func(*http.Request) (*url.URL, error)
	// Traceparent gives the W3C trace context of a call. Nil or an empty answer: one is made from the task's id, so
	// that all calls of a task belong to one trace.
	Traceparent func(context.Context) string
	// Through wraps what sends the requests: to trace them. Nil: nothing does.
	Through func(http.RoundTripper) http.RoundTripper
	// Resolver looks hosts up. Nil: the system's.
	Resolver *net.Resolver
	// TLS is the configuration for https. Nil: the system's certificates.
	TLS *tls.Config
}

// HTTP makes the calls of http.saga. It is safe for concurrent use.
type HTTP struct {
	options   HTTPOptions
	guard     *ssrf.Guardian // nil: every address may be called
	transport *http.Transport
	through   http.RoundTripper // transport, or what is around it
}

// Limits of one call.
const (
	maxRedirects   = 5
	dialTimeout    = 10 * time.Second
	maxHeaderBytes = 64 << 10
	idlePerHost    = 16
	idleTimeout    = 90 * time.Second
)

// NewHTTP makes the client. [HTTP.Close] ends it.
func NewHTTP(o HTTPOptions) *HTTP {
	h := &HTTP{options: o}
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver}
	if !o.AllowPrivate {
		h.guard = ssrf.New(ssrf.WithAnyPort())
		dialer.Control = h.guard.Safe
	}
	h.transport = &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: o.TLS, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialTimeout, MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: idleTimeout,
	}
	if o.AllowPrivate {
		h.transport.Proxy = o.Proxy
	}
	h.through = h.transport
	if o.Through != nil {
		h.through = o.Through(h.transport)
	}
	return h
}

// Close ends the connections that are kept open between calls.
func (h *HTTP) Close() { h.transport.CloseIdleConnections() }

const refusedAddress = "it is private, loopback or link-local, or otherwise not on the internet; " +
	"set OSP_HTTP_ALLOW_PRIVATE=true on API and workers if steps may call such addresses"

// checkHost tells what is wrong with a host before any look-up: an address that is refused, or one that is written so
// that it does not look like what it is.
func (h *HTTP) checkHost(host string) error {
	if oddAddress(host) {
		return fmt.Errorf("the host %q is a number: write an address as 203.0.113.7 or [2001:db8::7]", host)
	}
	if h == nil || h.guard == nil {
		return nil
	}
	address, err := netip.ParseAddr(host)
	if err == nil && h.guard.SafeAddr(address) != nil {
		return fmt.Errorf("the address %s is refused: %s", address, refusedAddress)
	}
	return nil
}

// errRedirect is why a redirect is not followed. It is final: another attempt would be redirected too.
var errRedirect = errors.New("redirect refused")

// redirect decides about each redirect of a message. The client has turned the method into GET unless the answer was a
// 307 or 308, and copied the headers, the idempotency key among them.
func (h *HTTP) redirect(m *message) func(*http.Request, []*http.Request) error {
	strayed := false
	return func(next *http.Request, via []*http.Request) error {
		if m.notice {
			return http.ErrUseLastResponse
		}
		strayed = strayed || !sameHost(m.url, next.URL)
		next.Header.Del("Referer")
		switch {
		case len(via) > maxRedirects:
			return fmt.Errorf("%w: there are more than %d", errRedirect, maxRedirects)
		case next.URL.Scheme != "http" && next.URL.Scheme != "https":
			return fmt.Errorf("%w: it goes to %q, not to http or https", errRedirect, next.URL.Scheme)
		case next.URL.User != nil:
			return fmt.Errorf("%w: it holds a user or a password", errRedirect)
		case strayed && m.secrets && next.Body != nil:
			return fmt.Errorf("%w: it would send secrets in the body to %s", errRedirect, next.URL.Host)
		}
		if next.Body == nil {
			next.Header.Del("Content-Type")
		}
		if strayed {
			for _, name := range m.private {
				next.Header.Del(name)
			}
		}
		if err := h.checkHost(next.URL.Hostname()); err != nil {
			return fmt.Errorf("%w: %w", errRedirect, err)
		}
		return nil
	}
}

// sameHost tells whether credentials for one URL are meant for the other too: the same host and port, or the same host
// after the usual change from http to https. Never back to http.
func sameHost(from, to *url.URL) bool {
	if from.Hostname() != to.Hostname() {
		return false
	}
	upgraded := from.Scheme == "http" && to.Scheme == "https" && portOf(from) == "80" && portOf(to) == "443"
	return upgraded || from.Scheme == to.Scheme && portOf(from) == portOf(to)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
