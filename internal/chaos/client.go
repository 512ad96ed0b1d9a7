package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// client talks to the APIs, and asks until it has an answer: another API when one does not answer, with the same id.
type client struct {
	apis []string // their URLs
	http *http.Client
	next atomic.Uint64
}

func newClient(links []*link) *client {
	c := &client{http: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	for _, l := range links {
		c.apis = append(c.apis, "http://"+l.address())
	}
	return c
}

func (c *client) close() { c.http.CloseIdleConnections() }

// askAgain is how long the client waits after an answer that is none.
const askAgain = 200 * time.Millisecond

// ask sends a request until it is answered, and returns the status.
func (c *client) ask(ctx context.Context, method, path string, body any) (int, []byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, nil, fmt.Errorf("encode a request: %w", err)
	}
	for {
		status, answer, err := c.once(ctx, method, path, raw)
		if err == nil && status != http.StatusTooManyRequests && status < 500 {
			return status, answer, nil
		}
		if !wait(ctx, askAgain) {
			return 0, nil, fmt.Errorf("%s %s: nobody answers: %d %s: %w", method, path, status, answer, ctx.Err())
		}
	}
}

func (c *client) once(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	api := c.apis[c.next.Add(1)%uint64(len(c.apis))]
	req, err := http.NewRequestWithContext(ctx, method, api+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make a request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("send a request: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("read an answer: %w", err)
	}
	return res.StatusCode, answer, nil
}
