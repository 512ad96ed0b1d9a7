package handlers

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const maxSignIn = 8 << 10 // of a body

var (
	passwordRule = rule{required: true, holds: upTo(1024), says: "must be 1 to 1024 bytes without a NUL"}
	emailRule    = rule{holds: upTo(320), says: "must be 1 to 320 bytes without a NUL"}
)

// sessionView is who a browser is signed in as.
type sessionView struct {
	SignedIn  bool       `json:"signed_in"`
	Open      bool       `json:"open"` // everybody is an operator
	Name      string     `json:"name,omitempty"`
	Role      string     `json:"role,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
	Service   string     `json:"service,omitempty"`
	Logins    []string   `json:"logins"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// viewOf describes a principal; the zero one is nobody.
func (a *API) viewOf(p Principal, ends time.Time) sessionView {
	v := sessionView{
		SignedIn: p.Role != 0 && a.auth != nil, Open: a.auth == nil, Name: p.Name, Role: p.Role.String(), UserID: p.Owner,
		Service: p.Service, Logins: a.logins(),
	}
	if !ends.IsZero() {
		ends = ends.UTC().Truncate(time.Second)
		v.ExpiresAt = &ends
	}
	return v
}

// logins are the ways in that there are.
func (a *API) logins() []string {
	ways := []string{}
	if a.auth == nil || a.people.Store == nil {
		return ways
	}
	if a.people.Operator.proof() != nil || a.people.Keys != nil && a.people.Keys.Any() {
		ways = append(ways, "password")
	}
	if a.people.Accounts != nil {
		ways = append(ways, "supabase")
	}
	return ways
}

// getSession tells who is signed in: GET /ui/session. Nobody is an answer, too.
func (a *API) getSession(c *gin.Context) {
	p, ends, err := a.identify(c.Request)
	if errors.Is(err, ErrUnauthenticated) {
		if _, ok := secretOf(c.Request); ok {
			http.SetCookie(c.Writer, noCookie())
		}
		p, ends, err = Principal{}, time.Time{}, nil
	}
	if err != nil {
		a.problem(c, err)
		return
	}
	a.json(c, http.StatusOK, a.viewOf(p, ends))
}

// signIn begins a session: POST /ui/session. An id that the browser brings is never taken up: its session ends.
func (a *API) signIn(c *gin.Context) {
	fresh, p, ends, err := a.enter(c)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		a.challenge(c)
		a.problem(c, refuse(badSignIn))
		return
	case err != nil:
		a.problem(c, err)
		return
	}
	if a.auth != nil {
		http.SetCookie(c.Writer, fresh.cookie(ends))
	}
	a.json(c, http.StatusOK, a.viewOf(p, ends))
}

func (a *API) enter(c *gin.Context) (fresh secret, p Principal, ends time.Time, err error) {
	if err := a.sameSite(c.Request); err != nil { // nobody is signed in by another site, either
		return fresh, p, ends, err
	}
	if a.auth == nil {
		return fresh, anonymous, ends, nil
	}
	email, password, err := credentials(c)
	if err != nil {
		return fresh, p, ends, err
	}
	if a.people.Store == nil {
		return fresh, p, ends, ErrUnauthenticated
	}
	giveBack, wait := a.people.attempts.take(addressOf(c.Request, a.people.Proxies))
	if wait > 0 {
		return fresh, p, ends, refuse(tooManySignIns.after(int(math.Ceil(wait.Seconds()))))
	}
	ctx := c.Request.Context()
	begun, p, err := a.people.prove(ctx, email, password)
	switch {
	case errors.Is(err, ErrTooManySignIns):
		return fresh, p, ends, refuse(tooManySignIns)
	case errors.Is(err, ErrUnauthenticated):
		a.noteRefused(c, begun.Way)
		return fresh, p, ends, err
	}
	giveBack() // whoever is let in, and whoever could not be told, guessed nothing
	if err != nil {
		return fresh, p, ends, err
	}
	if err := a.leave(c); err != nil {
		return fresh, p, ends, err
	}
	begun.Ends = a.now().Add(a.people.Lifetime)
	if fresh, err = a.people.begin(ctx, begun); err != nil {
		return fresh, p, ends, err
	}
	if err := a.noteSession(c, "sign-in", p, begun.Way, saga.OutcomeDone); err != nil { // what is not noted is not done
		return fresh, p, ends, errors.Join(err, a.people.end(ctx, fresh))
	}
	return fresh, p, begun.Ends, nil
}

// credentials reads {"password"} or {"email", "password"}.
func credentials(c *gin.Context) (email, password string, err error) {
	data, err := body(c, maxSignIn)
	if err != nil {
		return "", "", err
	}
	o, err := newObject(data)
	if err != nil {
		return "", "", err
	}
	email, password = o.text("email", emailRule), o.text("password", passwordRule)
	return email, password, o.end()
}

// prove finds out whose credentials these are. Errors: [ErrUnauthenticated], [ErrTooManySignIns], [saga.ErrUnavailable].
func (s *sessions) prove(ctx context.Context, email, password string) (session, Principal, error) {
	switch {
	case email != "":
		if s.Accounts == nil {
			return session{Way: byAccount}, Principal{}, ErrUnauthenticated
		}
		grant, err := s.Accounts.SignIn(ctx, email, password)
		if err != nil {
			return session{Way: byAccount}, Principal{}, err
		}
		p, err := s.auth.Authenticate(ctx, grant.Access)
		return session{Way: byAccount, Grant: &grant}, p, err
	case strings.HasPrefix(password, KeyPrefix):
		if s.Keys == nil {
			return session{Way: byKey}, Principal{}, ErrUnauthenticated
		}
		hash := keyHash(password)
		p, err := s.Keys.ByHash(hash[:])
		return session{Way: byKey, Proof: hash[:]}, p, err
	case s.Operator.is(password):
		hash := passwordHash(password) // and not the one of now, which may be another by now
		return session{Way: byPassword, Proof: hash[:]}, theOperator, nil
	}
	return session{Way: byPassword}, Principal{}, ErrUnauthenticated
}

// signOut ends the session: DELETE /ui/session.
func (a *API) signOut(c *gin.Context) {
	if err := a.sameSite(c.Request); err != nil {
		a.problem(c, err)
		return
	}
	p, _, err := a.bySession(c.Request)
	if err == nil {
		err = a.noteSession(c, "sign-out", p, "", saga.OutcomeDone)
	}
	if err == nil {
		err = a.leave(c)
	}
	if err != nil && !errors.Is(err, ErrUnauthenticated) {
		a.problem(c, err)
		return
	}
	http.SetCookie(c.Writer, noCookie())
	c.Status(http.StatusNoContent)
}

// leave ends the session that a browser brings, if it has one, and what that has at Supabase.
func (a *API) leave(c *gin.Context) error {
	of, ok := secretOf(c.Request)
	if !ok || a.auth == nil || a.people.Store == nil {
		return nil
	}
	ctx := c.Request.Context()
	found, _, err := a.people.read(ctx, of)
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	if err == nil {
		err = a.people.end(ctx, of)
	}
	if found.Grant == nil || a.people.Accounts == nil || err != nil {
		return err
	}
	if err := a.people.Accounts.SignOut(ctx, found.Grant.Access); err != nil && !errors.Is(err, ErrUnauthenticated) {
		// It is over here; there, the refresh token that nobody has any longer expires by itself.
		a.log.LogAttrs(ctx, slog.LevelWarn, "a user is signed out here, but not at Supabase Auth", slog.Any("error", err),
			slog.String("request_id", requestIDOf(ctx)))
	}
	return nil
}

// bySession tells who is signed in with the browser's cookie, and until when.
func (a *API) bySession(r *http.Request) (Principal, time.Time, error) {
	of, ok := secretOf(r)
	if !ok || a.people.Store == nil {
		return Principal{}, time.Time{}, ErrUnauthenticated
	}
	if err := a.sameSite(r); err != nil {
		return Principal{}, time.Time{}, err
	}
	p, ends, err := a.people.use(r.Context(), of)
	if err == nil {
		a.people.believe(of)
	}
	return p, ends, err
}
