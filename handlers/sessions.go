package handlers

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Bounds of a session, where the configuration has none.
const (
	defaultLifetime = 12 * time.Hour
	defaultIdle     = 2 * time.Hour

	prolongEvery = time.Minute      // a session in use is prolonged no oftener
	rememberFor  = 10 * time.Second // how long a stream believes that its session goes on
	maxKnown     = 10_000           // sessions of which that is remembered
)

// SessionStore keeps sessions. What it keeps is sealed, with keys that it never sees.
type SessionStore interface {
	// KeepSession keeps data under an id that is new, for a time.
	KeepSession(ctx context.Context, id string, data []byte, keep time.Duration) error
	// Session returns the data, and for how long they are still kept. Errors: [saga.ErrNotFound].
	Session(ctx context.Context, id string) (data []byte, left time.Duration, err error)
	// ProlongSession keeps what is there for a time from now on.
	ProlongSession(ctx context.Context, id string, keep time.Duration) error
	// ReplaceSession puts other data in the place of those that were read, and tells whether these were still there.
	ReplaceSession(ctx context.Context, id string, read, data []byte, keep time.Duration) (bool, error)
	// DropSession forgets a session; one that is not there is no error.
	DropSession(ctx context.Context, id string) error
}

// SessionConfig says who may sign in with a browser, and for how long.
type SessionConfig struct {
	Store    SessionStore // nil: nobody can
	Operator *Password    // nil, or none set: nobody signs in as the operator
	Keys     KeyHashes    // nil: nobody signs in with an API key
	Accounts Accounts     // nil: users of Supabase cannot
	Lifetime time.Duration
	Idle     time.Duration
	// Proxies is how many proxies before this process add an address to X-Forwarded-For.
	Proxies int
}

// way is how somebody signed in.
type way string

const (
	byPassword way = "password"
	byKey      way = "key"
	byAccount  way = "supabase"
)

// session is what is kept, sealed, of a browser that is signed in.
type session struct {
	Way   way       `json:"way"`
	Proof []byte    `json:"proof,omitempty"` // the hash of the password or the key
	Grant *Grant    `json:"grant,omitempty"` // of Supabase
	Ends  time.Time `json:"ends"`
}

// sessions knows the browsers that are signed in.
type sessions struct {
	SessionConfig

	auth     Authenticator // of the users' tokens
	now      func() time.Time
	attempts *attempts
	renewing [64]chan struct{} // one renewal at a time, for sessions that share a place

	mu    sync.Mutex
	known map[string]time.Time // until when streams believe in sessions
}

func newSessions(c SessionConfig, auth Authenticator, now func() time.Time) *sessions {
	if c.Lifetime == 0 {
		c.Lifetime = defaultLifetime
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	s := &sessions{SessionConfig: c, auth: auth, now: now, attempts: newAttempts(now), known: map[string]time.Time{}}
	for i := range s.renewing {
		s.renewing[i] = make(chan struct{}, 1)
	}
	return s
}

var errEnded = denied("The session has ended. Sign in again.")

// begin keeps a new session, and returns the secret that the browser gets.
func (s *sessions) begin(ctx context.Context, begun session) (secret, error) {
	fresh := newSecret()
	sealed, err := fresh.seal(begun)
	if err != nil {
		return fresh, err
	}
	return fresh, s.Store.KeepSession(ctx, fresh.id(), sealed, s.keep(begun))
}

// keep is for how long a session is kept from now on.
func (s *sessions) keep(of session) time.Duration { return min(s.Idle, of.Ends.Sub(s.now())) }

// use returns who is signed in, and until when at the latest. A session never outlives what it came from.
func (s *sessions) use(ctx context.Context, of secret) (Principal, time.Time, error) {
	found, sealed, err := s.read(ctx, of)
	if err != nil {
		return Principal{}, time.Time{}, err
	}
	p, err := s.principal(ctx, of, found, sealed)
	if errors.Is(err, ErrUnauthenticated) {
		return p, found.Ends, errors.Join(errEnded, s.end(ctx, of))
	}
	return p, found.Ends, err
}

// read returns a session, and prolongs it.
func (s *sessions) read(ctx context.Context, of secret) (found session, sealed []byte, err error) {
	sealed, left, err := s.Store.Session(ctx, of.id())
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return found, nil, errEnded
	case err != nil:
		return found, nil, fmt.Errorf("read a session: %w", err)
	case of.open(sealed, &found) != nil, !s.now().Before(found.Ends):
		return found, nil, errEnded
	}
	if keep := s.keep(found); keep-left >= min(prolongEvery, s.Idle/2) {
		err = s.Store.ProlongSession(ctx, of.id(), keep)
	}
	return found, sealed, err
}

// principal asks what the session came from who its browser is by now. Errors: [ErrUnauthenticated].
func (s *sessions) principal(ctx context.Context, of secret, found session, sealed []byte) (Principal, error) {
	switch found.Way {
	case byPassword:
		if proof := s.Operator.proof(); proof == nil || subtle.ConstantTimeCompare(proof, found.Proof) != 1 {
			return Principal{}, ErrUnauthenticated
		}
		return theOperator, nil
	case byKey:
		if s.Keys == nil {
			return Principal{}, ErrUnauthenticated
		}
		return s.Keys.ByHash(found.Proof)
	case byAccount:
		if s.Accounts == nil || found.Grant == nil {
			return Principal{}, ErrUnauthenticated
		}
		return s.account(ctx, of, found, sealed)
	}
	return Principal{}, ErrUnauthenticated
}

// end forgets a session.
func (s *sessions) end(ctx context.Context, of secret) error {
	s.mu.Lock()
	delete(s.known, of.id())
	s.mu.Unlock()
	if err := s.Store.DropSession(ctx, of.id()); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// believed tells whether a stream need not ask again: a thousand of them, of one browser, are one question.
func (s *sessions) believed(of secret) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now().Before(s.known[of.id()])
}

func (s *sessions) believe(of secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[of.id()] = s.now().Add(rememberFor)
}

// seal and open keep a session's content from whoever has the store alone.
func (s secret) seal(v session) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a session: %w", err)
	}
	return s.cipher().Seal(nil, nil, plain, []byte(s.id())), nil //nolint:gosec // the cipher makes a nonce itself
}

func (s secret) open(sealed []byte, v *session) error {
	plain, err := s.cipher().Open(nil, nil, sealed, []byte(s.id()))
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(plain)).Decode(v)
}
