package handlers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const hmacSecret = "the-jwt-secret-of-an-older-project-0123456789"

// project is a Supabase project as far as its tokens go: it signs, and publishes its public keys over HTTP.
type project struct {
	*httptest.Server
	ec  *ecdsa.PrivateKey
	rsa *rsa.PrivateKey

	mu     sync.Mutex
	answer func(http.ResponseWriter, *http.Request)
	asked  int
}

var signers = sync.OnceValue(func() project {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return project{ec: ec, rsa: rs}
})

func newProject(t *testing.T) *project {
	t.Helper()
	keys := signers()
	p := &project{ec: keys.ec, rsa: keys.rsa}
	p.publish(ecJWK("ec", p.ec), rsaJWK("rsa", p.rsa))
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked++
		answer := p.answer
		p.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *project) answers(f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

func (p *project) publish(keys ...dict) {
	body, err := json.Marshal(dict{"keys": append([]dict{}, keys...)})
	if err != nil {
		panic(err)
	}
	p.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func (p *project) away() {
	p.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
}

func (p *project) reads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

type dict = map[string]any

func b64(n *big.Int, size int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, size)))
}

func ecJWK(kid string, k *ecdsa.PrivateKey) dict {
	raw, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	half := len(raw) / 2
	return dict{
		"kty": "EC", "crv": k.Params().Name, "kid": kid, "use": "sig",
		"x": encode(raw[1 : 1+half]), "y": encode(raw[1+half:]),
	}
}

func rsaJWK(kid string, k *rsa.PrivateKey) dict {
	return dict{"kty": "RSA", "alg": "RS256", "kid": kid, "use": "sig", "n": b64(k.N, k.Size()), "e": "AQAB"}
}

// claims are those of alice, who is signed in, with changes; a nil takes a claim away.
func (p *project) claims(changes dict) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": p.URL + "/auth/v1", "aud": "authenticated", "role": "authenticated", "sub": alice,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "email": "alice@example.com",
		"app_metadata": dict{"provider": "email"}, "session_id": "5", "is_anonymous": false,
	}
	for name, v := range changes {
		c[name] = v
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims, header ...string) string {
	t := jwt.NewWithClaims(method, claims)
	if kid != "" {
		t.Header["kid"] = kid
	}
	for i := 0; i+1 < len(header); i += 2 {
		t.Header[header[i]] = header[i+1]
	}
	s, err := t.SignedString(key)
	if err != nil {
		panic(err)
	}
	return s
}

func (p *project) es256(changes dict) string {
	return sign(jwt.SigningMethodES256, p.ec, "ec", p.claims(changes))
}

func (p *project) hs256(secret string) string {
	return sign(jwt.SigningMethodHS256, []byte(secret), "", p.claims(nil))
}

// quick is a pace for tests.
var quick = pace{
	every: time.Hour, gap: 20 * time.Millisecond, retry: 10 * time.Millisecond, maxRetry: 20 * time.Millisecond,
	timeout: 5 * time.Second, patience: 5 * time.Second,
}

// users is a world that accepts the project's tokens beside API keys. Tokens run until the test ends.
func users(t *testing.T, p *project, secret string, speed pace) (*world, *Tokens) {
	t.Helper()
	var tokens *Tokens
	w := newWorld(t, guarded, func(c *Config) {
		tokens = NewTokens(TokensConfig{
			Issuer: p.URL + "/auth/v1", JWKS: p.URL + "/auth/v1/.well-known/jwks.json", Secret: secret, Log: c.Log, Now: time.Now,
			Transport: &http.Transport{DisableKeepAlives: true},
		})
		c.Auth = Callers{Keys: c.Auth, Users: tokens}
	})
	tokens.keys.pace = speed
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { tokens.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return w, tokens
}
