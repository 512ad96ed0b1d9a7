package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Accounts signs users in: [SupabaseAuth].
type Accounts interface {
	// SignIn takes an e-mail address and a password. Errors: [ErrUnauthenticated], [ErrTooManySignIns],
	// [saga.ErrUnavailable].
	SignIn(ctx context.Context, email, password string) (Grant, error)
	// Renew takes a refresh token, which is used up by that. Its errors are those of SignIn.
	Renew(ctx context.Context, refresh string) (Grant, error)
	// SignOut ends what an access token stands for.
	SignOut(ctx context.Context, access string) error
}

// ErrTooManySignIns means that Supabase Auth takes no more attempts for now.
var ErrTooManySignIns = errors.New("too many sign-ins")

// Grant is what a user gets for signing in.
type Grant struct {
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Due     time.Time `json:"due"` // when another access token is needed
}

const (
	accountsWithin = 10 * time.Second
	maxGrant       = 64 << 10
	dueBefore      = time.Minute // an access token is renewed so long before it expires
)

// SupabaseAuth is a project's Auth. URL is where it is, such as https://abc.supabase.co/auth/v1.
type SupabaseAuth struct {
	URL       string
	Key       func() string // the project's key, as it is now
	Now       func() time.Time
	Transport http.RoundTripper
}

// SignIn implements [Accounts].
func (s *SupabaseAuth) SignIn(ctx context.Context, email, password string) (Grant, error) {
	return s.grant(ctx, "password", map[string]string{"email": email, "password": password})
}

// Renew implements [Accounts].
func (s *SupabaseAuth) Renew(ctx context.Context, refresh string) (Grant, error) {
	return s.grant(ctx, "refresh_token", map[string]string{"refresh_token": refresh})
}

// SignOut implements [Accounts]. The user's other sessions go on.
func (s *SupabaseAuth) SignOut(ctx context.Context, access string) error {
	_, err := s.post(ctx, "/logout?scope=local", access, struct{}{})
	return err
}

func (s *SupabaseAuth) grant(ctx context.Context, kind string, of map[string]string) (Grant, error) {
	asked := s.Now()
	raw, err := s.post(ctx, "/token?grant_type="+kind, "", of)
	if err != nil {
		return Grant{}, err
	}
	var given struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Seconds int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(raw, &given); err != nil || given.Access == "" {
		return Grant{}, fmt.Errorf("%w: Supabase Auth gave no access token", saga.ErrUnavailable) // what it said may be secret
	}
	lasts := time.Duration(min(max(given.Seconds, 0), 7*24*3600)) * time.Second
	return Grant{Access: given.Access, Refresh: given.Refresh, Due: asked.Add(max(lasts-dueBefore, lasts/2))}, nil
}

// post asks Auth something. No error holds what was sent, or what came back.
func (s *SupabaseAuth) post(ctx context.Context, path, bearer string, v any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, accountsWithin)
	defer cancel()
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, errors.New("encode a question for Supabase Auth")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("ask Supabase Auth: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", s.Key())
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	transport := s.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req) // no redirects: keys and passwords go to nobody else
	if err != nil {
		return nil, fmt.Errorf("%w: ask Supabase Auth: %w", saga.ErrUnavailable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxGrant))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: read the answer of Supabase Auth: %w", saga.ErrUnavailable, err)
	case resp.StatusCode < 300:
		return answer, nil
	}
	return nil, refusedBy(resp.StatusCode, answer)
}

// refusedBy tells what an answer that says no means. Whatever is wrong with e-mail and password is the same to the client.
func refusedBy(status int, answer []byte) error {
	var said struct {
		Message string `json:"message"`
		Code    string `json:"error_code"`
	}
	_ = json.Unmarshal(answer, &said) // an answer of a proxy is no JSON
	switch {
	case status == http.StatusTooManyRequests:
		return ErrTooManySignIns
	case status == http.StatusUnauthorized && said.Code == "" && said.Message != "": // of the gateway, before Auth
		return fmt.Errorf("%w: Supabase's gateway takes the project's key for none: look at SUPABASE_SERVICE_ROLE_KEY", saga.ErrUnavailable)
	case status >= 400 && status < 500 && status != http.StatusNotFound && status != http.StatusRequestTimeout:
		return ErrUnauthenticated
	}
	return fmt.Errorf("%w: Supabase Auth answered %d", saga.ErrUnavailable, status)
}

// account is who a user is by the access token, which is renewed when that is due.
func (s *sessions) account(ctx context.Context, of secret, found session, sealed []byte) (Principal, error) {
	if s.now().Before(found.Grant.Due) {
		p, err := s.auth.Authenticate(ctx, found.Grant.Access)
		if !errors.Is(err, ErrUnauthenticated) {
			return p, err
		}
	}
	id := of.id()
	turn := s.renewing[int(of.derive("id")[0])%len(s.renewing)]
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return Principal{}, ctx.Err()
	}
	// Others may have renewed it meanwhile, here or in another process.
	if latest, raw, err := s.read(ctx, of); err != nil {
		return Principal{}, err
	} else if !bytes.Equal(raw, sealed) && latest.Grant != nil {
		return s.auth.Authenticate(ctx, latest.Grant.Access)
	}
	// A client that goes away meanwhile must not take a refresh token along that is used up.
	ctx = context.WithoutCancel(ctx)
	grant, err := s.Accounts.Renew(ctx, found.Grant.Refresh)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		return s.otherwise(ctx, of, sealed, err)
	case err != nil: // the token holds for a moment longer
		if p, held := s.auth.Authenticate(ctx, found.Grant.Access); held == nil {
			return p, nil
		}
		return Principal{}, err
	}
	p, err := s.auth.Authenticate(ctx, grant.Access)
	if err != nil {
		return p, err
	}
	found.Grant = &grant
	renewed, err := of.seal(found)
	if err == nil {
		_, err = s.Store.ReplaceSession(ctx, id, sealed, renewed, s.keep(found))
	}
	return p, err
}

// otherwise is for a refresh token that was refused: another process may have used it a moment before.
func (s *sessions) otherwise(ctx context.Context, of secret, sealed []byte, refused error) (Principal, error) {
	latest, raw, err := s.read(ctx, of)
	switch {
	case err != nil:
		return Principal{}, err
	case bytes.Equal(raw, sealed) || latest.Grant == nil:
		return Principal{}, refused
	}
	return s.auth.Authenticate(ctx, latest.Grant.Access)
}
