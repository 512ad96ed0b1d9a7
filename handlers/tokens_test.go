package handlers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestTokens(t *testing.T) {
	p, other := newProject(t), newProject(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&p.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := p.es256(nil)
	parts := strings.Split(good, ".")
	forged, err := json.Marshal(p.claims(dict{"sub": bob}))
	if err != nil {
		t.Fatal(err)
	}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	rs256 := func(kid string) string { return sign(jwt.SigningMethodRS256, p.rsa, kid, p.claims(nil)) }
	hmac := func(key []byte) string { return sign(jwt.SigningMethodHS256, key, "rsa", p.claims(nil)) }
	jwk, err := json.Marshal(rsaJWK("rsa", p.rsa))
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		what, token string
		status      int
		detail      string // what the client is told
	}{
		{"ES256", good, 200, ""},
		{"RS256", rs256("rsa"), 200, ""},
		{"HS256 with the secret", p.hs256(hmacSecret), 200, ""},
		{"an anonymous sign-in", p.es256(dict{"is_anonymous": true}), 200, ""},
		{"one audience of several", p.es256(dict{"aud": []string{"x", "authenticated"}}), 200, ""},
		{"sub in capitals", p.es256(dict{"sub": strings.ToUpper(alice)}), 200, ""},
		{"a clock that is 5 s behind", p.es256(dict{"iat": ago(-5 * time.Second), "nbf": ago(-5 * time.Second)}), 200, ""},

		{"expired", p.es256(dict{"exp": ago(time.Minute)}), 401, "has expired"},
		{"without exp", p.es256(dict{"exp": nil}), 401, "lacks exp"},
		{"exp that is no number", p.es256(dict{"exp": "tomorrow"}), 401, "not valid"},
		{"not valid yet", p.es256(dict{"nbf": ago(-time.Minute)}), 401, "not valid yet"},
		{"issued in the future", p.es256(dict{"iat": ago(-time.Minute)}), 401, "in the future"},
		{"another project's issuer", p.es256(dict{"iss": other.URL + "/auth/v1"}), 401, "iss"},
		{"an issuer that ours begins", p.es256(dict{"iss": p.URL + "/auth/v1/"}), 401, "iss"},
		{"without an issuer", p.es256(dict{"iss": nil}), 401, "lacks"},
		{"a wrong audience", p.es256(dict{"aud": "anon"}), 401, "aud"},
		{"audiences that are all wrong", p.es256(dict{"aud": []string{"x", "y"}}), 401, "aud"},
		{"without an audience", p.es256(dict{"aud": nil}), 401, "lacks"},

		{"alg none", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "ec", p.claims(nil)), 401, "signature"},
		{"alg None in capitals", swapHeader(good, `{"alg":"NONE","kid":"ec"}`, ""), 401, "algorithm"},
		{"alg none with a signature", swapHeader(good, `{"alg":"none","kid":"ec"}`, parts[2]), 401, "signature"},
		{"no alg", swapHeader(good, `{"kid":"ec"}`, parts[2]), 401, "algorithm"},
		{"alg that is no text", swapHeader(good, `{"alg":["ES256"],"kid":"ec"}`, parts[2]), 401, "algorithm"},
		{"the public key as HMAC secret, in PEM", hmac(pemKey), 401, "signature"},
		{"the public key as HMAC secret, in DER", hmac(der), 401, "signature"},
		{"the public key as HMAC secret, as JWK", hmac(jwk), 401, "signature"},
		{"HS256 with another secret", p.hs256(hmacSecret + "x"), 401, "signature"},
		{"HS256 with no secret", hmac([]byte{}), 401, "signature"},
		{"HS512 with the secret", sign(jwt.SigningMethodHS512, []byte(hmacSecret), "", p.claims(nil)), 401, "signature"},
		{"PS256", sign(jwt.SigningMethodPS256, p.rsa, "rsa", p.claims(nil)), 401, "signature"},
		{"RS256 under the key id of ES256", rs256("ec"), 401, "does not have"},
		{"an unknown key id", rs256("gone"), 401, "does not have"},
		{"no key id", rs256(""), 401, "does not have"},
		{"a key id that is no text", swapHeader(good, `{"alg":"ES256","kid":{"a":1}}`, parts[2]), 401, "does not have"},
		{"a stranger's key under our key id", sign(jwt.SigningMethodES256, stranger, "ec", p.claims(nil)), 401, "signature"},
		{
			"a stranger's key in the header", sign(jwt.SigningMethodES256, stranger, "ec", p.claims(nil), "jku", other.URL), 401,
			"signature",
		},
		{"a demand for an extension", sign(jwt.SigningMethodES256, p.ec, "ec", p.claims(nil), "crit", "b64"), 401, "extension"},
		{"a tampered payload", parts[0] + "." + base64.RawURLEncoding.EncodeToString(forged) + "." + parts[2], 401, "signature"},
		{"a cut signature", parts[0] + "." + parts[1] + "." + parts[2][:40], 401, "signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", 401, "signature"},

		{"the anon key", p.es256(dict{"role": "anon"}), 401, "key of the Supabase project"},
		{"the service_role key", p.es256(dict{"role": "service_role"}), 401, "key of the Supabase project"},
		{"a role of the project's own", p.es256(dict{"role": "supabase_admin"}), 401, "role"},
		{"without a role", p.es256(dict{"role": nil}), 401, "role"},
		{"the role under another name", p.es256(dict{"role": nil, "Role": "authenticated"}), 401, "role"},
		{"sub that is no UUID", p.es256(dict{"sub": "alice"}), 401, "sub"},
		{"sub with a filter in it", p.es256(dict{"sub": alice + ",or(1.eq.1)"}), 401, "sub"},
		{"the nil UUID", p.es256(dict{"sub": "00000000-0000-0000-0000-000000000000"}), 401, "sub"},
		{"without sub", p.es256(dict{"sub": nil}), 401, "sub"},

		{"a giant", p.es256(dict{"email": strings.Repeat("x", 1<<20)}), 401, "too long"},
		{"many dots", strings.Repeat(".", 10_000), 401, "neither"},
		{"garbage", "Hello, world", 401, "neither"},
		{"a new secret key of Supabase", "sb_secret_abcdefgh", 401, "neither"},
		{"two parts", parts[0] + "." + parts[1], 401, "neither"},
		{"five parts, as encrypted ones have", good + ".x.y", 401, "neither"},
		{"no base64", "§." + parts[1] + "." + parts[2], 401, "neither"},
		{"no JSON", "eA.eA.eA", 401, "neither"},
		{"an API key", readerKey, 200, ""},
		{"no API key", KeyPrefix + good, 401, "valid API key"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w, _ := users(t, p, hmacSecret, quick)
			a := w.call("GET /v1/tasks", "", "Authorization: Bearer "+c.token)
			if a.Code != c.status {
				t.Fatalf("%d, want %d: %s", a.Code, c.status, a.Body)
			}
			if c.status == 200 {
				if c.token != readerKey && w.fake.query.Owner != alice {
					t.Errorf("it is taken for %q", w.fake.query.Owner)
				}
				return
			}
			if a.slug() != "unauthenticated" || !strings.Contains(a.json("detail"), c.detail) {
				t.Errorf("told %s, want %q", a.Body, c.detail)
			}
			if got := a.Header().Get("WWW-Authenticate"); got != `Bearer realm="osp", error="invalid_token"` {
				t.Errorf("WWW-Authenticate: %s", got)
			}
			for part := range strings.SplitSeq(c.token, ".") {
				if told := fmt.Sprint(a.Header(), a.Body, w.log); len(part) > 8 && strings.Contains(told, part) {
					t.Errorf("a part of the token is told: %s", told)
				}
			}
		})
	}
}

// swapHeader puts another header, and another signature, around the claims of a token.
func swapHeader(token, header, signature string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(token, ".")[1] + "." + signature
}

func TestAUserIsAStarterOfItsOwnTasks(t *testing.T) {
	p := newProject(t)
	w, _ := users(t, p, "", quick)
	header := "Authorization: Bearer " + p.es256(nil)
	a := w.must(202, "POST /v1/tasks", with(`"id":"a"`), header)
	if r := w.fake.requests["a"]; a.json("user_id") != alice || r.Owner != alice || r.By != "user:"+alice {
		t.Errorf("got %+v, %s", r, a.Body)
	}
	bobs := "Authorization: Bearer " + p.es256(dict{"sub": bob})
	w.must(404, "GET /v1/tasks/a", "", bobs)
	w.must(403, "POST /v1/tasks/a/resolve", bodies["/v1/tasks/:id/resolve"], header)
}

func TestWithoutTheSecretHS256IsRefusedAndTheLogSaysWhatToSet(t *testing.T) {
	p := newProject(t)
	p.publish() // older projects publish no keys
	w, tokens := users(t, p, "", quick)
	a := w.must(401, "GET /v1/types", "", "Authorization: Bearer "+p.hs256(hmacSecret))
	if !strings.Contains(a.json("detail"), "HS256") || !strings.Contains(w.log.String(), "set SUPABASE_JWT_SECRET") {
		t.Errorf("told %s; log: %s", a.Body, w.log)
	}
	w.must(401, "GET /v1/types", "", "Authorization: Bearer "+p.hs256(""))
	tokens.SetSecret(hmacSecret)
	w.must(200, "GET /v1/types", "", "Authorization: Bearer "+p.hs256(hmacSecret))
	tokens.SetSecret("another-secret-that-is-long-enough-to-be-one")
	w.must(401, "GET /v1/types", "", "Authorization: Bearer "+p.hs256(hmacSecret))
}
