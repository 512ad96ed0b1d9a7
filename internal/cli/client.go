package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// client speaks to one API.
type client struct {
	target target
	http   *http.Client
	agent  string
	now    func() time.Time
	talk   func(format string, args ...any)
	ahead  atomic.Int64 // how far the API's clock is ahead of ours, in ns, as far as that is known
}

func newClient(w World, to target, talk func(string, ...any)) *client {
	over := w.transport
	if over == nil {
		over = transport()
	}
	return &client{
		target: to, agent: "osp-cli/" + w.Version, now: w.Now, talk: talk,
		http: &http.Client{Transport: over, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a key goes where it was meant to go
		}},
	}
}

// call is one request.
type call struct {
	method string
	path   string // its parts are escaped already: see [path]
	query  url.Values
	body   []byte
	kind   string // of the body; JSON when it is empty
	header map[string]string
	again  bool // doing it twice is doing it once, as of every GET: it may be sent again when nobody knows what became of it
}

// path puts a path together of parts that may be anything.
func path(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

const (
	tries     = 4
	patience  = 30 * time.Second // what all pauses between tries may come to
	longest   = time.Minute      // one try; the API answers within 28 s
	maxAnswer = 64 << 20
)

// do sends a request and returns the answer's body. What the API has refused for now (429), and what may be sent again and
// met an API that is not itself (503), is sent again after the time that the API asks for.
func (c *client) do(ctx context.Context, r call) ([]byte, error) {
	left := patience
	for try := 1; ; try++ {
		raw, pause, err := c.once(ctx, r)
		if err == nil || pause <= 0 || try == tries || pause > left {
			return raw, err
		}
		left -= pause
		c.talk("%s Trying again in %s …", capital(brief(err)), lasting(pause))
		if !sleep(ctx, pause) {
			return nil, errInterrupted
		}
	}
}

// once sends a request once. If sending it again may help, it tells after what time.
func (c *client) once(ctx context.Context, r call) (raw []byte, again time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	res, err := c.send(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, 0, c.unreachable(ctx, err)
	case len(raw) > maxAnswer:
		return nil, 0, fmt.Errorf("the answer of %s has more than %d MiB", c.target.url, maxAnswer>>20)
	case res.StatusCode/100 != 2:
		err = c.refused(res, raw)
		if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable && (r.again || r.method == http.MethodGet) {
			again = retryAfter(res)
		}
		return nil, again, err
	case len(raw) > 0 && !strings.Contains(res.Header.Get("Content-Type"), "json"):
		return nil, 0, ended(exitUnreachable, "what answers at %s is not osp (it sent %s): %s",
			c.target.url, plain(or(res.Header.Get("Content-Type"), "no type")), c.target.rightURL())
	}
	return raw, 0, nil
}

// send sends a request and returns the answer as it begins.
func (c *client) send(ctx context.Context, r call) (*http.Response, error) {
	at := *c.target.url
	base := strings.TrimSuffix(at.EscapedPath(), "/")
	to := at.Scheme + "://" + at.Host + base + r.path
	if len(r.query) > 0 {
		to += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, to, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, to, err)
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", or(r.kind, "application/json"))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	if c.target.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.target.key)
	}
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	c.learnClock(res)
	return res, nil
}

// learnClock notes how the API's clock differs, from answers whose Date is exact to a second.
func (c *client) learnClock(res *http.Response) {
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return
	}
	if ahead := at.Sub(c.now()); ahead.Abs() > 2*time.Second {
		c.ahead.Store(int64(ahead))
	}
}

// unreachable tells that nobody answers, and what to do about it.
func (c *client) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return errInterrupted
	}
	why := err
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		why = wrapped.Err // the rest repeats the URL
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return ended(exitUnreachable, "nothing answers at %s (connection refused): start one with osp dev, or %s", c.target.url, c.target.otherURL())
	}
	return ended(exitUnreachable, "%s cannot be reached: %s: %s", c.target.url, plain(why.Error()), c.target.rightURL())
}

// errInterrupted is the end of a command that was told to stop.
var errInterrupted = ended(exitInterrupted, "interrupted")

// retryAfter reads Retry-After, in seconds; a second where the API says nothing.
func retryAfter(res *http.Response) time.Duration {
	n, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || n < 1 {
		return time.Second
	}
	return time.Duration(n) * time.Second
}

// sleep waits; false when the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
