package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/osp-platform/osp/saga"
)

const (
	maxToken = 16 << 10 // Supabase's have 1 to 4 KB
	leeway   = 10 * time.Second

	// signedIn is the audience and the role of the tokens that Supabase Auth gives to users who signed in, also to those
	// who did so anonymously.
	signedIn = "authenticated"
)

// TokensConfig says which users' tokens are accepted. Issuer, JWKS and Now are required.
type TokensConfig struct {
	Issuer string // what their iss is, such as https://abc.supabase.co/auth/v1
	JWKS   string // where the project publishes the public keys that it signs with
	Secret string // what the older projects sign with, by HS256; empty: such tokens are refused
	Log    *slog.Logger
	Now    func() time.Time
	// Transport reads the JWKS; nil: [http.DefaultTransport].
	Transport http.RoundTripper
}

// Tokens authenticates the users of a Supabase project by their access tokens (JWT). [Tokens.Run] keeps its keys.
type Tokens struct {
	keys   *keySet
	secret atomic.Pointer[[]byte]
	parser *jwt.Parser
	log    *slog.Logger
}

// NewTokens makes an authenticator that has no public keys before Run.
func NewTokens(c TokensConfig) *Tokens {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{log: c.Log, keys: newKeySet(c), parser: jwt.NewParser(
		jwt.WithValidMethods([]string{algES256, algRS256, algHS256}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(c.Issuer), jwt.WithAudience(signedIn), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now),
	)}
	t.SetSecret(c.Secret)
	return t
}

// SetSecret changes the secret of HS256 for the tokens that come from now on. Empty: there is none.
func (t *Tokens) SetSecret(secret string) {
	if secret == "" {
		t.secret.Store(nil)
		return
	}
	key := []byte(secret)
	t.secret.Store(&key)
}

// Run reads the project's public keys, and reads them again from time to time, until ctx ends. Without them the tokens
// that need them are answered with [saga.ErrUnavailable].
func (t *Tokens) Run(ctx context.Context) { t.keys.run(ctx) }

// Authenticate accepts what the project has signed for a signed-in user, as long as it is valid.
func (t *Tokens) Authenticate(ctx context.Context, token string) (Principal, error) {
	if len(token) > maxToken {
		return Principal{}, denied("The token is too long.")
	}
	// A map, for in structs Go takes members in any case, and only "role" is the role.
	claims := jwt.MapClaims{}
	_, err := t.parser.ParseWithClaims(token, claims, func(token *jwt.Token) (any, error) { return t.key(ctx, token) })
	if err != nil {
		return Principal{}, reject(err)
	}
	return userOf(claims)
}

// key finds the key that a token must be signed with. Which kind of key is decided by the algorithm, so that none ever
// serves for another kind: a public key is never taken for the secret of HS256.
func (t *Tokens) key(ctx context.Context, token *jwt.Token) (any, error) {
	if _, ok := token.Header["crit"]; ok {
		return nil, denied("The token demands an extension that is not known here.")
	}
	alg := token.Method.Alg()
	if alg == algHS256 {
		if secret := t.secret.Load(); secret != nil {
			return *secret, nil
		}
		t.log.WarnContext(ctx, "a token signed with HS256 was refused: set SUPABASE_JWT_SECRET if the project signs so",
			"request_id", requestIDOf(ctx))
		return nil, denied("The token is signed with HS256, which is not accepted here.")
	}
	kid, _ := token.Header["kid"].(string)
	key, err := t.keys.find(ctx, kid)
	switch {
	case err != nil:
		return nil, err
	case key.alg != alg:
		return nil, denied("The token is signed with a key that this project does not have.")
	}
	return key.public, nil
}

// userOf makes a principal of claims that are true.
func userOf(claims jwt.MapClaims) (Principal, error) {
	switch role, _ := claims["role"].(string); role {
	case signedIn:
	case "anon", "service_role":
		return Principal{}, denied("This is a key of the Supabase project. Send the access token of a signed-in user, or an API key (osp_…).")
	default:
		return Principal{}, denied("The token's role is not that of a signed-in user.")
	}
	sub, _ := claims["sub"].(string)
	sub = strings.ToLower(sub)
	if !saga.ValidUUID(sub) || sub == saga.NilOwner { // tasks that belong to nobody have the nil UUID
		return Principal{}, denied("The token's sub is not a user's UUID.")
	}
	return Principal{Name: "user:" + sub, Role: RoleStarter, Owner: sub, Duties: dutiesOf(claims)}, nil
}

// dutiesOf reads what only the project itself can write. In user_metadata users write themselves.
func dutiesOf(claims jwt.MapClaims) *Duties {
	given, _ := claims["app_metadata"].(map[string]any)
	d := Duties{Roles: textsOf(given["roles"]), Services: textsOf(given["services"])}
	if role, ok := given["role"].(string); ok {
		d.Roles = append(d.Roles, role)
	}
	if d.Roles == nil {
		return nil
	}
	return &d
}

func textsOf(list any) (texts []string) {
	items, _ := list.([]any)
	for _, item := range items {
		if text, ok := item.(string); ok && text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

func denied(reason string) error { return &deniedError{reason} }

// rejections says what clients are told of a token that is not valid. The signature is checked before the claims, so that
// only who holds a token of this project learns of those.
var rejections = []struct {
	err    error
	reason string
}{
	{jwt.ErrTokenMalformed, "The token is neither an API key (osp_…) nor a JWT."},
	{jwt.ErrTokenSignatureInvalid, "The token's signature is not one of this project's."},
	{jwt.ErrTokenUnverifiable, "The token's algorithm is not accepted here."},
	{jwt.ErrTokenExpired, "The token has expired. Refresh the session."},
	{jwt.ErrTokenNotValidYet, "The token is not valid yet."},
	{jwt.ErrTokenUsedBeforeIssued, "The token was issued in the future."},
	{jwt.ErrTokenInvalidIssuer, "The token's iss is not this project's."},
	{jwt.ErrTokenInvalidAudience, `The token's aud is not "authenticated".`},
	{jwt.ErrTokenRequiredClaimMissing, "The token lacks exp, iss or aud."},
}

// reject says why a token is not accepted, without a word of it.
func reject(err error) error {
	if known, ok := errors.AsType[*deniedError](err); ok {
		return known
	}
	if errors.Is(err, saga.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, r := range rejections {
		if errors.Is(err, r.err) {
			return denied(r.reason)
		}
	}
	return denied("The token is not valid.")
}
