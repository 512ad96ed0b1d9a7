package results_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
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

func TestWhatAnAnswerMeansToATask(t *testing.T) {
	for _, c := range []struct {
		status    int
		code      string
		effect    string // what becomes of an effect
		row       string // what becomes of a row
		retryAfer string
	}{
		{400, "OSP01", "undone", "retry", ""},
		{400, "OSP02", "refused", "refused", ""},
		{400, "22P02", "refused", "refused", ""},
		{400, "22P05", "refused", "refused", ""},
		{400, "21000", "refused", "refused", ""},
		{400, "P0001", "refused", "refused", ""},
		{400, "23514", "refused", "refused", ""},
		{409, "23505", "refused", "refused", ""},
		{500, "54000", "refused", "refused", ""},
		{413, "", "refused", "refused", ""},
		{400, "42P07", "refused", "retry", ""},
		{403, "42501", "refused", "retry", ""},
		{500, "57014", "retry", "retry", ""},
		{500, "40001", "retry", "retry", ""},
		{500, "40P01", "retry", "retry", ""},
		{500, "55P03", "retry", "retry", ""},
		{503, "53300", "retry", "retry", ""},
		{503, "57P01", "retry", "retry", ""},
		{503, "57P03", "retry", "retry", ""},
		{503, "PGRST000", "retry in 7s", "retry", "7"},
		{503, "PGRST001", "retry", "retry", ""},
		{503, "PGRST002", "retry", "retry", ""},
		{504, "PGRST003", "retry", "retry", ""},
		{408, "", "retry", "retry", ""},
		{429, "", "retry in 2s", "retry", "2"},
		{502, "", "retry", "retry", ""},
		{503, "", "retry in 1m0s", "retry", "Sun, 29 Mar 2026 01:01:00 GMT"},
		{504, "", "retry", "retry", ""},
		{522, "", "retry", "retry", ""},
		{544, "", "retry", "retry", ""},
		{402, "", "retry in 30s", "retry", ""},
		{540, "", "retry in 30s", "retry", ""},
		{401, "", "retry in 30s", "retry", ""},
		{401, "PGRST301", "retry in 30s", "retry", ""},
		{401, "PGRST303", "retry in 30s", "retry", ""},
		{404, "PGRST202", "retry in 30s", "retry", ""},
		{404, "PGRST205", "retry in 30s", "retry", ""},
		{404, "42883", "retry in 30s", "retry", ""},
		{404, "", "retry in 30s", "retry", ""},
		{301, "", "retry", "retry", ""},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.code), func(t *testing.T) {
			p := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", "Sun, 29 Mar 2026 01:00:00 GMT")
				w.Header().Set("Location", "https://elsewhere.invalid/")
				if c.retryAfer != "" {
					w.Header().Set("Retry-After", c.retryAfer)
				}
				w.WriteHeader(c.status)
				_, _ = fmt.Fprintf(w, `{"code":%q,"message":"no","details":"a secret","hint":null}`, c.code)
			})
			_, err := p.Apply(t.Context(), saga.Fence{Task: "t", Path: "p"}, "entity.insert", json.RawMessage(`{}`))
			var answer *results.APIError
			if !errors.As(err, &answer) || answer.Status != c.status || answer.Code != c.code {
				t.Fatalf("not the answer's error: %#v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the details: %v", err)
			}
			if got := meaning(err, answer); got != c.effect {
				t.Errorf("an effect is %s, want %s", got, c.effect)
			}
			_, err = p.Save(t.Context(), []saga.Task{{ID: "a"}})
			if got := saga.IsPermanent(err); got != (c.row == "refused") {
				t.Errorf("a row is refused: %v, want %s", got, c.row)
			}
		})
	}
}

func meaning(err error, answer *results.APIError) string {
	switch {
	case errors.Is(err, saga.ErrUndone):
		return "undone"
	case saga.IsPermanent(err):
		return "refused"
	case answer.Pause() > 0:
		return "retry in " + answer.Pause().String()
	}
	return "retry"
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
