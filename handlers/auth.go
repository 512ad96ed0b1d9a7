package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Role says what a caller may do. Each role may do all that the ones before it may.
type Role uint8

// The roles, from the least to the most powerful.
const (
	RoleReader   Role = iota + 1 // read tasks, events and types
	RoleStarter                  // start, cancel, signal and retry
	RoleOperator                 // resolve stuck tasks; the monitor
)

var roleNames = map[Role]string{RoleReader: "reader", RoleStarter: "starter", RoleOperator: "operator"}

func (r Role) String() string { return roleNames[r] }

// ParseRole is the inverse of String.
func ParseRole(name string) (Role, bool) {
	for role, n := range roleNames {
		if n == name {
			return role, true
		}
	}
	return 0, false
}

// Principal is who makes a request.
type Principal struct {
	Name string // goes into the journal as the one who asked for it, and into the log
	Role Role
	// Owner limits the principal to the tasks of one user, by UUID. Empty: everyone's, and a request may name any user.
	Owner string
	// Service limits the principal to the tasks of one service, by schema. Empty: every one's.
	Service string
	// Duties are what a user answers human tasks as.
	Duties *Duties
}

// Duties are the roles that a project has given a user, and the services, by schema, in which they count for tasks that are
// not the user's own. They let their holder answer human tasks, and do nothing else.
type Duties struct{ Roles, Services []string }

// anonymous is everybody when there is no authentication.
var anonymous = Principal{Name: "anonymous", Role: RoleOperator}

// ErrUnauthenticated means that a token is not one that the authenticator accepts: 401.
var ErrUnauthenticated = errors.New("unknown token")

// deniedError is [ErrUnauthenticated] with a reason that the client may read. It never holds a part of the token.
type deniedError struct{ reason string }

func (e *deniedError) Error() string { return ErrUnauthenticated.Error() + ": " + e.reason }

func (*deniedError) Unwrap() error { return ErrUnauthenticated }

// Authenticator tells whose token it is: [Keys], [KeyRing], [Tokens], and [Callers], which takes keys and tokens.
// Errors: [ErrUnauthenticated]; any other means that it could not tell, and becomes a 503 or a 500.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Principal, error)
}

// Callers takes API keys and users' tokens.
type Callers struct {
	Keys  Authenticator
	Users Authenticator // nil: users' tokens are not accepted
}

// Authenticate has the one tell whose kind of token it is.
func (c Callers) Authenticate(ctx context.Context, token string) (Principal, error) {
	if c.Users == nil || strings.HasPrefix(token, KeyPrefix) {
		return c.Keys.Authenticate(ctx, token)
	}
	return c.Users.Authenticate(ctx, token)
}

type principalKey struct{}

// WithPrincipal returns a context that carries p.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns who makes the request with this context. Without one it is the zero Principal, which may do
// nothing.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// Guard lets through whoever has the role, with the [Principal] in the request's context. Others get 401 or 403.
// The token comes in `Authorization: Bearer`; a browser that is signed in sends its cookie.
func (a *API) Guard(role Role) gin.HandlerFunc { return a.guard(role, false) }

// BrowserGuard is [API.Guard] for pages: a browser that is not signed in is sent to sign in.
func (a *API) BrowserGuard(role Role) gin.HandlerFunc { return a.guard(role, true) }

func (a *API) guard(role Role, page bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		p, _, err := a.identify(c.Request)
		switch {
		case errors.Is(err, ErrUnauthenticated) && page && wantsPage(c.Request):
			a.toSignIn(c)
			return
		case errors.Is(err, ErrUnauthenticated):
			a.challenge(c)
			a.problem(c, a.turnAway(c.Request.Context(), err))
			return
		case err != nil:
			a.problem(c, err)
			return
		}
		c.Request = c.Request.WithContext(WithPrincipal(c.Request.Context(), p)) // the log tells of refusals, too
		if err := p.holds(role); err != nil {
			a.problem(c, err)
		}
	}
}

// wantsPage tells whether a request is a browser's for a page, and not a script's for data.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// toSignIn sends a browser to the page where people sign in, which leads back to what was asked for.
func (a *API) toSignIn(c *gin.Context) {
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/ui/login?next="+url.QueryEscape(LocalPath(c.Request.URL.RequestURI(), "/ui/")))
	c.Abort()
}

// turnAway is the problem of a token that is not accepted, with the reason if it may be told.
func (a *API) turnAway(ctx context.Context, err error) error {
	denied, ok := errors.AsType[*deniedError](err)
	if !ok {
		return refuse(unauthenticated)
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "token refused", slog.String("reason", denied.reason),
		slog.String("request_id", requestIDOf(ctx)))
	return refuse(unauthenticated).because("%s", denied.reason)
}

// challenge tells the client how to authenticate.
func (a *API) challenge(c *gin.Context) {
	scheme := `Bearer realm="osp"`
	if c.GetHeader("Authorization") != "" {
		scheme += `, error="invalid_token"`
	}
	c.Header("WWW-Authenticate", scheme)
}

// identify tells who makes a request and, where that is by a session, when it ends at the latest. A token counts before a
// cookie, for a cookie browsers send along by themselves.
func (a *API) identify(r *http.Request) (Principal, time.Time, error) {
	if a.auth == nil {
		// Any page in the user's browser can reach an open API on localhost: it must not change anything.
		return anonymous, time.Time{}, a.sameSite(r)
	}
	if token, ok := bearer(r.Header.Get("Authorization")); ok {
		p, err := a.auth.Authenticate(r.Context(), token)
		return p, time.Time{}, err
	}
	return a.bySession(r)
}

func (a *API) sameSite(r *http.Request) error {
	if err := a.origin.Check(r); err != nil {
		return refuse(crossSite)
	}
	return nil
}

// bearer takes the token out of an Authorization header.
func bearer(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
