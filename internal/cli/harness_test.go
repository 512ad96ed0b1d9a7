package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// api is an API that a test makes up: it answers by "METHOD /path", the last answer again and again.
type api struct {
	mu      sync.Mutex
	answers map[string][]http.HandlerFunc
	got     []got
}

// got is a request as it came.
type got struct {
	what   string // method and path
	query  string
	body   string
	header http.Header
}

func newAPI() *api { return &api{answers: map[string][]http.HandlerFunc{}} }

// on adds an answer.
func (a *api) on(what string, h http.HandlerFunc) *api {
	a.answers[what] = append(a.answers[what], h)
	return a
}

// says adds an answer of JSON.
func (a *api) says(what string, status int, body string, header ...string) *api {
	return a.on(what, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	what := r.Method + " " + r.URL.EscapedPath()
	a.mu.Lock()
	a.got = append(a.got, got{what, r.URL.RawQuery, string(raw), r.Header.Clone()})
	list := a.answers[what]
	if len(list) > 1 {
		a.answers[what] = list[1:]
	}
	a.mu.Unlock()
	if len(list) == 0 {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"type":"/problems/no-such-route","title":"There is no such endpoint","status":404}`)
		return
	}
	list[0](w, r)
}

// RoundTrip answers without a network, so that time can be a test's own.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result(), nil
}

// requests are what has come, as "METHOD /path?query".
func (a *api) requests() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []string
	for _, g := range a.got {
		if g.query != "" {
			g.what += "?" + g.query
		}
		list = append(list, g.what)
	}
	return strings.Join(list, "\n")
}

// ran is what a command came to.
type ran struct {
	code     int
	out, err string
}

// setting is what a command is run in.
type setting struct {
	env       map[string]string
	stdin     string
	transport http.RoundTripper
	now       func() time.Time
}

// run runs a command line as main does.
func (s setting) run(ctx context.Context, args ...string) ran {
	if s.now == nil {
		s.now = time.Now
	}
	w := World{
		Lookup: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
		Now:    s.now, NewID: func() string { return "made" }, Version: "1.2.3", transport: s.transport,
	}
	root := &cobra.Command{Use: "osp", SilenceErrors: true, SilenceUsage: true}
	workflow := &cobra.Command{Use: "workflow", RunE: Help}
	workflow.AddCommand(WorkflowCommands(w)...)
	root.AddCommand(append(Commands(w), workflow)...)
	root.SetFlagErrorFunc(FlagError)
	var out, talk bytes.Buffer
	root.SetArgs(args)
	root.SetIn(strings.NewReader(s.stdin))
	root.SetOut(&out)
	root.SetErr(&talk)
	err := root.ExecuteContext(ctx)
	r := ran{out: out.String(), err: talk.String()}
	if err != nil {
		r.code = exitFailed
		if own, ok := errors.AsType[*Error](err); ok {
			r.code = own.Code
		}
		r.err += "osp: " + err.Error() + "\n"
	}
	return r
}

// at runs a command against an API on this machine, with nothing else in its environment.
func at(t *testing.T, a *api, args ...string) ran {
	t.Helper()
	server := httptest.NewServer(a)
	defer server.Close()
	return setting{env: map[string]string{"OSP_URL": server.URL, "HOME": t.TempDir()}}.run(t.Context(), args...)
}

// without runs a command against an API without a network.
func without(t *testing.T, a *api, args ...string) ran {
	t.Helper()
	return setting{env: map[string]string{"OSP_URL": "http://osp.test"}, transport: a}.run(t.Context(), args...)
}

// is checks what a command came to: its code, and what its outputs have.
func (r ran) is(t *testing.T, code int, out, talk string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.err, talk) {
		t.Errorf("code %d, want %d\nstdout: %s\n  want: %s\nstderr: %s\n  want: %s", r.code, code, r.out, out, r.err, talk)
	}
}
