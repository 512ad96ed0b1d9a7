package handlers

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/MicahParks/jwkset"
)

// The algorithms that tokens may be signed with.
const (
	algES256 = "ES256"
	algRS256 = "RS256"
	algHS256 = "HS256" // with a secret, which is never in a JWKS
)

const (
	maxJWKS   = 256 << 10
	minRSABit = 2048
)

// publicKey is a key that a project signs with, and the one algorithm that it serves for.
type publicKey struct {
	alg    string
	public crypto.PublicKey
}

// jwksClient never follows a redirect: keys come from the project itself.
func jwksClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// fetchJWKS reads a JSON Web Key Set (RFC 7517). Keys that tokens are not checked with are left out.
func fetchJWKS(ctx context.Context, client *http.Client, url string, log *slog.Logger) (map[string]publicKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("JWKS: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("JWKS: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("JWKS: %s answers %s", url, res.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxJWKS+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("JWKS: %w", err)
	case len(raw) > maxJWKS:
		return nil, fmt.Errorf("JWKS: %s answers with more than %d bytes", url, maxJWKS)
	}
	return parseJWKS(raw, log)
}

func parseJWKS(raw []byte, log *slog.Logger) (map[string]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil || set.Keys == nil { // {"keys":[]} is a set, {} is none
		return nil, errors.New("JWKS: the answer is not a JSON Web Key Set")
	}
	keys := make(map[string]publicKey, len(set.Keys))
	for i, one := range set.Keys {
		kid, key, err := parseJWK(one)
		if err != nil {
			log.Warn("a key of the project's JWKS is left out", "index", i, "error", err)
			continue
		}
		keys[kid] = key
	}
	return keys, nil
}

func parseJWK(raw []byte) (kid string, key publicKey, err error) {
	var marshal jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &marshal); err != nil {
		return "", key, errors.New("it is not a key")
	}
	jwk, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return "", key, err
	}
	key.public = jwk.Key()
	switch k := key.public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			key.alg = algES256
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= minRSABit {
			key.alg = algRS256
		}
	}
	switch {
	case marshal.KID == "":
		return "", key, errors.New("it has no kid")
	case key.alg == "":
		return "", key, errors.New("it is neither of P-256 nor of RSA with 2048 bits or more")
	case marshal.ALG != "" && marshal.ALG.String() != key.alg:
		return "", key, fmt.Errorf("its alg is not %s", key.alg)
	case marshal.USE != "" && marshal.USE != jwkset.UseSig:
		return "", key, errors.New("it is not for signatures")
	}
	return marshal.KID, key, nil
}
