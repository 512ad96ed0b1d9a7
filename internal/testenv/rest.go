package testenv

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// REST asks PostgREST itself, as the bearer of a key or a token, and returns the status and the body. Header holds names and
// values in turn.
func (s *SupabaseServer) REST(t testing.TB, key, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/rest/v1/"+path, strings.NewReader(body))
	must(t, s, err)
	req.Header.Set("apikey", key)
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(req)
	must(t, s, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	must(t, s, err)
	return res.StatusCode, string(answer)
}
