package handlers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// becomes asks until the answer has a status. Meanwhile others may ask, too.
func (w *world) becomes(status int, header string, others ...string) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		for _, other := range others {
			w.call("GET /v1/types", "", other)
		}
		a := w.call("GET /v1/types", "", header)
		if a.Code == status {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("answers %d, want %d: %s", a.Code, status, a.Body)
		}
	}
}

func TestKeysThatCannotBeReadAreNobodysFault(t *testing.T) {
	p := newProject(t)
	header := "Authorization: Bearer " + p.es256(nil)
	elsewhere := newProject(t)
	for what, answer := range map[string]http.HandlerFunc{
		"down":                 func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
		"a page":               func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no key set":           func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
		"null":                 func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("null")) },
		"endless":              func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxJWKS+1)) },
		"a redirect elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
	} {
		t.Run(what, func(t *testing.T) {
			p.answers(answer)
			w, _ := users(t, p, hmacSecret, quick)
			a := w.must(503, "GET /v1/types", "", header)
			if a.slug() != "unavailable" || a.Header().Get("Retry-After") == "" || a.Header().Get("WWW-Authenticate") != "" {
				t.Errorf("got %v %s", a.Header(), a.Body)
			}
			w.must(200, "GET /v1/types", "", "Authorization: Bearer "+readerKey)
			w.must(200, "GET /v1/types", "", "Authorization: Bearer "+p.hs256(hmacSecret))
			p.publish(ecJWK("ec", p.ec))
			w.becomes(200, header) // by itself
			p.away()
			w.must(200, "GET /v1/types", "", header) // the keys that are here stay
		})
	}
	if elsewhere.reads() != 0 {
		t.Error("a redirect was followed")
	}
}

func TestAHangingProjectHoldsNoRequestForLong(t *testing.T) {
	p := newProject(t)
	p.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	speed := quick
	speed.patience = 10 * time.Millisecond
	w, _ := users(t, p, "", speed)
	w.must(503, "GET /v1/types", "", "Authorization: Bearer "+p.es256(nil))
}

func TestKeysRotate(t *testing.T) {
	p := newProject(t)
	w, _ := users(t, p, "", quick)
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	before := "Authorization: Bearer " + p.es256(nil)
	after := "Authorization: Bearer " + sign(jwt.SigningMethodES256, next, "next", p.claims(nil))
	w.becomes(200, before)
	w.becomes(401, after)
	p.publish(ecJWK("ec", p.ec), ecJWK("next", next))
	w.becomes(200, after) // an unknown key is looked for
	w.must(200, "GET /v1/types", "", before)
	p.publish(ecJWK("next", next))
	unknown := "Authorization: Bearer " + sign(jwt.SigningMethodES256, next, "other", p.claims(nil))
	w.becomes(401, before, unknown) // which has the keys read
	w.must(200, "GET /v1/types", "", after)
}

func TestUnknownKeysAreLookedForSeldom(t *testing.T) {
	p := newProject(t)
	speed := quick
	speed.gap = time.Hour
	w, _ := users(t, p, "", speed)
	w.becomes(200, "Authorization: Bearer "+p.es256(nil))
	for i := range 50 {
		w.must(401, "GET /v1/types", "", "Authorization: Bearer "+sign(jwt.SigningMethodES256, p.ec, fmt.Sprint("no", i), p.claims(nil)))
	}
	if n := p.reads(); n != 1 {
		t.Errorf("the keys were read %d times", n)
	}
}

func TestKeysAreReadFromTimeToTime(t *testing.T) {
	p := newProject(t)
	speed := quick
	speed.every = 10 * time.Millisecond
	w, _ := users(t, p, "", speed)
	header := "Authorization: Bearer " + p.es256(nil)
	w.becomes(200, header)
	p.publish()
	w.becomes(401, header) // without anybody who asks for an unknown one
}

func TestWhichKeysOfASetAreTaken(t *testing.T) {
	p := newProject(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	change := func(key dict, name string, v any) dict { key[name] = v; return key }
	for _, c := range []struct {
		what string
		key  any
		want string // the algorithm that it serves for
	}{
		{"P-256", ecJWK("k", p.ec), algES256},
		{"P-256 with its alg", change(ecJWK("k", p.ec), "alg", "ES256"), algES256},
		{"RSA", rsaJWK("k", p.rsa), algRS256},
		{"with key_ops, as Supabase has them", change(ecJWK("k", p.ec), "key_ops", []string{"verify"}), algES256},
		{"a secret", dict{"kty": "oct", "kid": "k", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}, ""},
		{"P-384", ecJWK("k", p384), ""},
		{"RSA of 1024 bits", rsaJWK("k", short), ""},
		{"RSA for another algorithm", change(rsaJWK("k", p.rsa), "alg", "PS256"), ""},
		{"a key for encryption", change(ecJWK("k", p.ec), "use", "enc"), ""},
		{"a key without an id", ecJWK("", p.ec), ""},
		{"a point that is not on the curve", change(ecJWK("k", p.ec), "y", "AQAB"), ""},
		{"no key", 7, ""},
		{"an unknown kind", dict{"kty": "LATTICE", "kid": "k"}, ""},
	} {
		raw, err := json.Marshal(dict{"keys": []any{c.key, ecJWK("good", p.ec)}})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := parseJWKS(raw, slog.New(slog.DiscardHandler))
		if err != nil || keys["k"].alg != c.want || keys["good"].alg != algES256 {
			t.Errorf("%s: %v, %v", c.what, keys, err)
		}
	}
}

func TestTheLogTellsOfKeysOnceAndShowsNone(t *testing.T) {
	p := newProject(t)
	p.away()
	w, _ := users(t, p, "", quick)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for p.reads() < 4 {
		<-tick.C
	}
	p.publish(ecJWK("ec", p.ec))
	w.becomes(200, "Authorization: Bearer "+p.es256(nil))
	log := w.log.String()
	if strings.Count(log, "cannot be read") != 1 || strings.Count(log, "signing keys read") != 1 {
		t.Errorf("log: %s", log)
	}
}

func FuzzJWKS(f *testing.F) {
	f.Add(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AQAB","y":"AQAB"}]}`)
	f.Add(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"},{"kty":"oct","k":"AQAB"}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		keys, _ := parseJWKS([]byte(raw), slog.New(slog.DiscardHandler))
		for kid, k := range keys {
			if kid == "" || k.public == nil || k.alg != algES256 && k.alg != algRS256 {
				t.Errorf("took %q: %+v", kid, k)
			}
		}
	})
}

func FuzzTokens(f *testing.F) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	tokens := NewTokens(TokensConfig{Issuer: "x", JWKS: server.URL, Secret: hmacSecret, Now: time.Now})
	tokens.keys.pace.patience = time.Millisecond
	f.Add("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
	f.Add(`a.b.c`)
	f.Fuzz(func(t *testing.T, token string) {
		if p, err := tokens.Authenticate(t.Context(), token); err == nil {
			t.Errorf("took %q for %+v", token, p)
		}
	})
}
