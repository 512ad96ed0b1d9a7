package handlers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	ownedFor  = time.Minute // how long it is believed that a service is a user's
	maxOwners = 10_000      // what is kept of that
)

// ownerCache asks whose services are. It keeps the answer that one is the asking user's; that it is not, it asks again:
// the service may just have been made.
type ownerCache struct {
	services Services // nil: there are none
	now      func() time.Time

	mu    sync.Mutex
	until map[owned]time.Time
}

type owned struct{ user, service string }

func newOwnerCache(s Services, now func() time.Time) *ownerCache {
	return &ownerCache{services: s, now: now, until: map[owned]time.Time{}}
}

// owns tells whether a service is a user's. Errors: [saga.ErrUnavailable].
func (c *ownerCache) owns(ctx context.Context, user, service string) (bool, error) {
	pair := owned{user, service}
	switch {
	case c.services == nil || !validService(service):
		return false, nil
	case c.knows(pair):
		return true, nil
	}
	owner, err := c.services.ServiceOwner(ctx, service)
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w: %w", saga.ErrUnavailable, err)
	case owner != user:
		return false, nil
	}
	c.keep(pair)
	return true, nil
}

// unheardOf tells whether it is known that there is no such service.
func (c *ownerCache) unheardOf(ctx context.Context, service string) bool {
	if c.services == nil || service == "" {
		return false
	}
	_, err := c.services.ServiceOwner(ctx, service)
	return errors.Is(err, saga.ErrNotFound)
}

func (c *ownerCache) knows(pair owned) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now().Before(c.until[pair])
}

// keep makes room by forgetting everything: that costs a question each, and only when very many users are active.
func (c *ownerCache) keep(pair owned) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.until) >= maxOwners {
		clear(c.until)
	}
	c.until[pair] = c.now().Add(ownedFor)
}
