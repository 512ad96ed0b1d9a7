package scale

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Settings say which workers of which platform are scaled, and by whose leave.
type Settings struct {
	Platform string // one of [Platforms]
	Target   string // PLACE/NAME: what it means, the platform says
	Token    string // is sent to the platform, and appears nowhere else
	BaseURL  string // of the platform's API; empty: the real one
	Client   *http.Client
}

// Platforms are those that have a driver, with what their target is.
var Platforms = map[string]string{
	"heroku":  "APP/PROCESS, such as my-osp/worker",
	"railway": "SERVICE_ID/ENVIRONMENT_ID, both UUIDs",
}

// Open returns the driver of a platform. Its errors say what is wrong with the target, and never repeat the token.
func Open(s Settings) (Driver, error) {
	place, name, ok := strings.Cut(s.Target, "/")
	if !ok || place == "" || name == "" || strings.ContainsAny(s.Target, " ?#%") || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is no target: write %s", s.Target, Platforms[s.Platform])
	}
	switch s.Platform {
	case "heroku":
		return newHeroku(s, place, name), nil
	case "railway":
		return newRailway(s, place, name), nil
	}
	return nil, fmt.Errorf("there is no driver for %q", s.Platform)
}

// caller sends JSON to a platform's API.
type caller struct {
	base   string
	client *http.Client
	header http.Header // with the token
}

// maxAnswer is more than any answer that is read here.
const maxAnswer = 1 << 20

// call sends a request and decodes the answer. Errors have the status, and nothing of what was sent.
func (c caller) call(ctx context.Context, method, path string, body, answer any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		raw = nil
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(raw))
	if err != nil {
		return errors.New("the address of the platform's API is malformed")
	}
	req.Header = c.header.Clone()
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, c.base+path, errors.Unwrap(err))
	}
	defer func() { _ = res.Body.Close() }()
	raw, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, c.base+path, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%s %s: %s", method, c.base+path, res.Status)
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("%s %s: the answer is not what it should be: %w", method, c.base+path, err)
	}
	return nil
}
