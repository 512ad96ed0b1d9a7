package results_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
)

// serviceKey looks like a service_role key; only the answers below ever see it.
const serviceKey = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"

// answering returns a store whose every call gets one answer.
func answering(t *testing.T, h http.HandlerFunc) *results.PostgREST {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	p, err := results.NewPostgREST(results.Supabase{URL: server.URL, Key: serviceKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestAnswersThatAreNoJSONDoNoHarm(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "<html>Bad Gateway</html>", `{"code":503}`, `"x"`} {
		p := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write([]byte(body))
		})
		var answer *results.APIError
		if err := p.Ping(t.Context()); !errors.As(err, &answer) || answer.Status != 502 {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestTheKeyGoesWhereItBelongs(t *testing.T) {
	for _, c := range []struct{ name, key, authorization, refused string }{
		{"a secret key goes into apikey only", "sb_secret_abc", "", ""},
		{"a service_role JWT goes into both", serviceKey, "Bearer " + serviceKey, ""},
		{"a publishable key is refused", "sb_publishable_abc", "", "publishable"},
		{"an anon JWT is refused", "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.x", "", `"anon"`},
		{"a broken JWT is refused", "eyJx", "", "service_role"},
		{"an empty key is refused", " ", "", "empty"},
		{"a key with a line break is refused", "sb_secret_a\nb", "", "line break"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got http.Header
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header.Clone()
				got.Set("Path", r.URL.Path)
				_, _ = w.Write([]byte(`{}`))
			}))
			defer server.Close()
			p, err := results.NewPostgREST(results.Supabase{URL: server.URL + "/rest/v1/", Key: c.key})
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "SUPABASE_SERVICE_ROLE_KEY") {
					t.Errorf("got %v, want an error with %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Close() }()
			if err := p.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got.Get("Apikey") != c.key || got.Get("Authorization") != c.authorization || got.Get("Path") != "/rest/v1/rpc/osp_ping" {
				t.Errorf("sent %v", got)
			}
		})
	}
}

func TestURLsThatAreNoneAreRefused(t *testing.T) {
	for _, u := range []string{"", "abc.supabase.co", "ftp://abc", "https://", "https://user:pass@abc.supabase.co", "http://a b"} {
		_, err := results.NewPostgREST(results.Supabase{URL: u, Key: serviceKey})
		if err == nil || !strings.Contains(err.Error(), "SUPABASE_URL") || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestACallEndsWithItsContextOrItsTime(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	p, err := results.NewPostgREST(results.Supabase{URL: server.URL, Key: serviceKey, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if err := p.Ping(t.Context()); err == nil {
		t.Error("a call that nobody answers has succeeded")
	}
}
