package results

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// restURL returns where PostgREST is.
func restURL(supabase string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(supabase))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", errors.New("SUPABASE_URL is not like https://abc.supabase.co")
	}
	path := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/rest/v1")
	return u.Scheme + "://" + u.Host + path + "/rest/v1", nil
}

// keyHeaders returns the headers that carry a key. The newer keys go into apikey only; the gateway makes a token of
// them. Keys that cannot write are refused here, before the first task is.
func keyHeaders(key string) (http.Header, error) {
	const name = "SUPABASE_SERVICE_ROLE_KEY"
	key = strings.TrimSpace(key)
	h := http.Header{"Apikey": {key}}
	switch {
	case key == "":
		return nil, errors.New(name + " is empty")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New(name + " holds a space, a line break or a letter that no key has")
	case strings.HasPrefix(key, "sb_secret_"):
		return h, nil
	case strings.HasPrefix(key, "sb_publishable_"):
		return nil, errors.New(name + " is a publishable key: use the secret key (sb_secret_…)")
	case strings.HasPrefix(key, "eyJ"):
		if role := roleOf(key); role != "service_role" {
			return nil, fmt.Errorf("%s has the role %q: use the service_role key", name, role)
		}
	}
	h.Set("Authorization", "Bearer "+key)
	return h, nil
}

// roleOf reads a JWT's role. The signature is for Supabase to check.
func roleOf(jwt string) string {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return ""
	}
	var claims struct {
		Role string `json:"role"`
	}
	if body, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
		_ = json.Unmarshal(body, &claims) // no claims, no role
	}
	return claims.Role
}
