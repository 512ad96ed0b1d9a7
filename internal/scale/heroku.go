package scale

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
)

// heroku sets the quantity of a process type, by the Platform API:
// https://devcenter.heroku.com/articles/platform-api-reference#formation
type heroku struct {
	api  caller
	path string
}

func newHeroku(s Settings, app, process string) heroku {
	api := caller{cmp.Or(s.BaseURL, "https://api.heroku.com"), s.Client, http.Header{
		"Accept": {"application/vnd.heroku+json; version=3"}, "Authorization": {"Bearer " + s.Token},
	}}
	return heroku{api, "/apps/" + url.PathEscape(app) + "/formation/" + url.PathEscape(process)}
}

// formation is the part of Heroku's answers that is read, and all of what is sent.
type formation struct {
	Quantity *int `json:"quantity"`
}

// Workers implements [Driver].
func (h heroku) Workers(ctx context.Context) (int, error) {
	var f formation
	if err := h.api.call(ctx, http.MethodGet, h.path, nil, &f); err != nil {
		return 0, err
	}
	if f.Quantity == nil {
		return 0, errors.New("heroku's answer has no quantity")
	}
	return *f.Quantity, nil
}

// SetWorkers implements [Driver].
func (h heroku) SetWorkers(ctx context.Context, n int) error {
	var f formation
	err := h.api.call(ctx, http.MethodPatch, h.path, formation{&n}, &f)
	if err == nil && (f.Quantity == nil || *f.Quantity != n) {
		err = errors.New("heroku's answer does not have the quantity that was asked for")
	}
	return err
}
