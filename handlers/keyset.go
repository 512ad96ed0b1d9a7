package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// pace says how often the keys of a project are read.
type pace struct {
	every    time.Duration // when nothing calls for it
	gap      time.Duration // at the least between two reads for the sake of unknown keys
	retry    time.Duration // after a failure; doubled with each up to maxRetry
	maxRetry time.Duration
	timeout  time.Duration // of one read
	patience time.Duration // how long a request waits for a read
}

// Supabase's own caches keep the set for ten minutes.
var usualPace = pace{
	every: 10 * time.Minute, gap: 10 * time.Second, retry: time.Second, maxRetry: 30 * time.Second, timeout: 5 * time.Second,
	patience: 3 * time.Second,
}

// keySet holds the public keys of a project. Those it has it keeps while the project cannot be reached.
type keySet struct {
	client *http.Client
	url    string
	now    func() time.Time
	log    *slog.Logger
	pace   pace
	wanted chan struct{} // somebody waits for a key that is not there

	mu   sync.Mutex
	keys map[string]publicKey // nil before the first read that went well
	at   time.Time            // of the last read
	err  error                // of the last read
	read chan struct{}        // closed at the end of the next read
}

func newKeySet(c TokensConfig) *keySet {
	return &keySet{
		client: jwksClient(c.Transport), url: c.JWKS, now: c.Now, log: c.Log, pace: usualPace,
		wanted: make(chan struct{}, 1), read: make(chan struct{}),
	}
}

// run reads the keys until ctx ends.
func (s *keySet) run(ctx context.Context) {
	retry := s.pace.retry
	for {
		pause := s.pace.every
		if err := s.refresh(ctx); err != nil {
			pause, retry = retry, min(2*retry, s.pace.maxRetry)
		} else {
			retry = s.pace.retry
		}
		if !s.rest(ctx, pause) {
			return
		}
	}
}

// rest waits for the next read: for pause, or, if somebody wants a key, for the gap.
func (s *keySet) rest(ctx context.Context, pause time.Duration) bool {
	timer, gap := time.NewTimer(pause), time.NewTimer(min(pause, s.pace.gap))
	defer timer.Stop()
	defer gap.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-gap.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-s.wanted:
	}
	return true
}

// refresh reads the keys once. A key that is no longer in the set is no longer accepted.
func (s *keySet) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.pace.timeout)
	defer cancel()
	keys, err := fetchJWKS(ctx, s.client, s.url, s.log)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(len(keys), err)
	if err == nil {
		s.keys = keys
	}
	s.at, s.err = s.now(), err
	close(s.read)
	s.read = make(chan struct{})
	return err
}

// tell logs what has changed.
func (s *keySet) tell(keys int, err error) {
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil && s.err == nil:
		s.log.Warn("the project's signing keys cannot be read; trying again", "error", err, "keys", len(s.keys))
	case err == nil && (s.err != nil || s.keys == nil || len(s.keys) != keys):
		s.log.Info("signing keys read", "keys", keys)
	}
}

// find returns a key by its id; the zero key if the project has none of it. Errors: [saga.ErrUnavailable].
func (s *keySet) find(ctx context.Context, kid string) (publicKey, error) {
	s.mu.Lock()
	key, known := s.keys[kid]
	read, err := s.read, s.err
	fresh := !s.at.IsZero() && s.now().Sub(s.at) < s.pace.gap
	s.mu.Unlock()
	if known || fresh && err == nil {
		return key, nil
	}
	select {
	case s.wanted <- struct{}{}:
	default:
	}
	if err != nil {
		return publicKey{}, unreadable(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.pace.patience)
	defer cancel()
	select {
	case <-read:
	case <-ctx.Done():
		return publicKey{}, unreadable(ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key, known = s.keys[kid]; !known && s.err != nil {
		return publicKey{}, unreadable(s.err)
	}
	return key, nil
}

func unreadable(err error) error {
	return fmt.Errorf("%w: the project's signing keys: %w", saga.ErrUnavailable, err)
}
