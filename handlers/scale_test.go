package handlers

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestScale(t *testing.T) {
	w := newWorld(t)
	w.fake.scale = Scale{Backlog: 129, Desired: 3}
	if a := w.must(200, "GET /v1/scale", ""); strings.TrimSpace(a.Body.String()) != `{"backlog":129,"desired":3}` {
		t.Errorf("got %s", a.Body)
	}
}

func TestWhileRedisIsAwayNobodyIsToldToScale(t *testing.T) {
	w := newWorld(t)
	w.fake.fail = fmt.Errorf("redis: %w: %w", saga.ErrUnavailable, errors.New("dial tcp 10.0.0.7:6379"))
	a := w.must(503, "GET /v1/scale", "")
	if a.slug() != "unavailable" || strings.Contains(a.Body.String(), "desired") || strings.Contains(a.Body.String(), "10.0.0.7") {
		t.Errorf("got %s", a.Body)
	}
}
