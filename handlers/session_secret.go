package handlers

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// sessionCookie holds a session's secret. Browsers take a cookie of this prefix only over HTTPS (or from localhost), for the
// whole host and for no other: no neighbour's page can put one there.
const sessionCookie = "__Host-osp_session"

// secret is what only the browser has. Id and key of its session are derived from it, so that the store alone opens none.
type secret [32]byte

func newSecret() (s secret) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

func (s secret) derive(what string) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, "osp session "+what, 32)
	if err != nil {
		panic(err) // only a length that SHA-256 cannot give
	}
	return key
}

func (s secret) id() string { return hex.EncodeToString(s.derive("id")) }

func (s secret) cipher() cipher.AEAD {
	block, err := aes.NewCipher(s.derive("seal"))
	if err == nil {
		var sealer cipher.AEAD
		if sealer, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return sealer
		}
	}
	panic(err) // only a key of another length
}

// secretOf reads the cookie. One that is not of our making is none.
func secretOf(r *http.Request) (s secret, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return s, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil || len(raw) != len(s) {
		return s, false
	}
	return secret(raw), true
}

// cookie is what the browser keeps. Lax: a link in a mail leads a browser that is signed in to the page. What changes
// something is checked besides, see [API.sameSite].
func (s secret) cookie(ends time.Time) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: base64.RawURLEncoding.EncodeToString(s[:]), Path: "/", Expires: ends,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	}
}

// noCookie has the browser forget it.
func noCookie() *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
}

// theOperator is who signs in with the operator password.
var theOperator = Principal{Name: "password:operator", Role: RoleOperator}

// Password is the operator password, which may be replaced while it is in use. The zero value lets nobody in.
type Password struct {
	hash atomic.Pointer[[sha256.Size]byte]
}

// Replace sets another password; what was signed in with the one before has ended. Empty: there is none.
func (p *Password) Replace(password string) {
	if password == "" {
		p.hash.Store(nil)
		return
	}
	hash := passwordHash(password)
	p.hash.Store(&hash)
}

func passwordHash(password string) [sha256.Size]byte {
	return sha256.Sum256([]byte("osp operator password " + password))
}

// proof is what a session keeps of the password that it began with; nil when there is none.
func (p *Password) proof() []byte {
	if p == nil {
		return nil
	}
	if hash := p.hash.Load(); hash != nil {
		return hash[:]
	}
	return nil
}

// is compares in constant time.
func (p *Password) is(password string) bool {
	proof, hash := p.proof(), passwordHash(password)
	return proof != nil && subtle.ConstantTimeCompare(proof, hash[:]) == 1
}

// LocalPath returns a path of this origin to go on to, and otherwise what is to be taken instead: nothing that a browser
// reads as another host's address, such as //evil.example or /\evil.example.
func LocalPath(next, otherwise string) string {
	clean := strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsFunc(next, func(r rune) bool {
		return r == '\\' || r < ' ' || r == 0x7f
	})
	if !clean {
		return otherwise
	}
	return next
}
