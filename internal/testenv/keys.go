package testenv

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// jwtSecret signs the keys of every test server.
const jwtSecret = "a-secret-of-the-tests-that-is-long-enough"

// UserKey returns the access token of a signed-in user, as Supabase Auth would issue it, with more claims where some are given.
func (s *SupabaseServer) UserKey(userID string, more ...map[string]any) string {
	claims := map[string]any{
		"role": "authenticated", "sub": userID, "aud": "authenticated", "iss": s.URL + "/auth/v1",
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	for _, m := range more {
		maps.Copy(claims, m)
	}
	return sign(claims)
}

func roleKey(role string) string {
	return sign(map[string]any{"role": role, "iss": "supabase", "exp": time.Now().Add(24 * time.Hour).Unix()})
}

// sign makes a JWT (HS256).
func sign(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(fmt.Sprintf("testenv: claims: %v", err))
	}
	encode := base64.RawURLEncoding.EncodeToString
	head := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(body)
	mac := hmac.New(sha256.New, []byte(jwtSecret))
	_, _ = mac.Write([]byte(head))
	return head + "." + encode(mac.Sum(nil))
}
