package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const operatorPassword = "correct horse battery staple"

// shelf keeps sessions in memory, by the test's clock.
type shelf struct {
	mu    sync.Mutex
	now   func() time.Time
	kept  map[string][]byte
	until map[string]time.Time
	reads int
	fail  error
}

func (s *shelf) enter() (func(), error) {
	s.mu.Lock()
	for id, until := range s.until {
		if !s.now().Before(until) {
			delete(s.kept, id)
			delete(s.until, id)
		}
	}
	return s.mu.Unlock, s.fail
}

func (s *shelf) KeepSession(_ context.Context, id string, data []byte, keep time.Duration) error {
	leave, err := s.enter()
	defer leave()
	if err == nil {
		s.kept[id], s.until[id] = data, s.now().Add(keep)
	}
	return err
}

func (s *shelf) Session(_ context.Context, id string) ([]byte, time.Duration, error) {
	leave, err := s.enter()
	defer leave()
	s.reads++
	if err == nil && s.kept[id] == nil {
		err = saga.ErrNotFound
	}
	return s.kept[id], s.until[id].Sub(s.now()), err
}

func (s *shelf) ProlongSession(_ context.Context, id string, keep time.Duration) error {
	leave, err := s.enter()
	defer leave()
	if err == nil && s.kept[id] != nil {
		s.until[id] = s.now().Add(keep)
	}
	return err
}

func (s *shelf) ReplaceSession(_ context.Context, id string, read, data []byte, keep time.Duration) (bool, error) {
	leave, err := s.enter()
	defer leave()
	if err != nil || !bytes.Equal(s.kept[id], read) {
		return false, err
	}
	s.kept[id], s.until[id] = data, s.now().Add(keep)
	return true, nil
}

func (s *shelf) DropSession(_ context.Context, id string) error {
	leave, err := s.enter()
	defer leave()
	delete(s.kept, id)
	delete(s.until, id)
	return err
}

func (s *shelf) size() int {
	leave, _ := s.enter()
	defer leave()
	return len(s.kept)
}

// desk is a world that people sign in to, with its clock.
type desk struct {
	*world

	shelf    *shelf
	keys     *KeyRing
	operator *Password
	mu       sync.Mutex
	at       time.Time
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func newDesk(t *testing.T, change ...func(*Config)) *desk {
	t.Helper()
	d := &desk{at: time.Now(), keys: &KeyRing{}, operator: &Password{}}
	d.shelf = &shelf{now: d.clock, kept: map[string][]byte{}, until: map[string]time.Time{}}
	d.operator.Replace(operatorPassword)
	d.giveKeys("dash:reader:" + hashOf(readerKey) + ",shop:starter:" + hashOf(starterKey) + ",till:starter:" + hashOf(tillKey) +
		":shop_1,ops:operator:" + hashOf(operatorKey))
	d.world = newWorld(t, append([]func(*Config){func(c *Config) {
		c.Now, c.Auth = d.clock, Callers{Keys: d.keys}
		c.Sessions = SessionConfig{Store: d.shelf, Operator: d.operator, Keys: d.keys}
	}}, change...)...)
	d.api.Any("/monitor/*any", d.api.BrowserGuard(RoleReader), func(c *gin.Context) {
		c.String(http.StatusOK, PrincipalOf(c.Request.Context()).Name)
	})
	return d
}

const tillKey = "osp_till-key"

func (d *desk) giveKeys(written string) {
	keys, err := ParseKeys(written)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keys.Replace(keys)
}

// cookieOf returns "Cookie: …" of what an answer sets; "" when it sets none.
func cookieOf(a answer) string {
	for _, c := range a.Result().Cookies() {
		if c.Name == sessionCookie && c.MaxAge >= 0 {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	return ""
}

// enter signs in, and returns the browser's cookie.
func (d *desk) enter(password string, headers ...string) string {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{"password": password})
	if err != nil {
		d.t.Fatal(err)
	}
	a := d.must(200, "POST /ui/session", string(body), headers...)
	if cookieOf(a) == "" {
		d.t.Fatalf("no cookie: %v", a.Header())
	}
	return cookieOf(a)
}

// get asks for something that openapi.json does not have.
func (d *desk) get(line string, headers ...string) *httptest.ResponseRecorder {
	return serve(d.world, request(d.t, line, "", headers...))
}

// auth is Supabase Auth, for one user.
type auth struct {
	*project

	t        *testing.T
	mu       sync.Mutex
	lasts    time.Duration
	password string
	refresh  string // the one that is good now
	n        int    // how many there were
	asked    int    // how often for another one
	status   int    // what every question gets; 0: an answer
	said     string
	out      string // the token of the last sign-out
	key      string // the project's key in the last question
}

func newAuth(t *testing.T) *auth {
	t.Helper()
	a := &auth{project: newProject(t), t: t, lasts: time.Hour, password: "hunter2 hunter2"}
	jwks := a.answer
	a.answers(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "jwks.json") {
			jwks(w, r)
			return
		}
		a.serve(w, r)
	})
	return a
}

func (a *auth) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.key = r.Header.Get("Apikey")
	var asked map[string]string
	_ = json.NewDecoder(r.Body).Decode(&asked)
	refuse := func(status int, said string) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(said))
	}
	if r.URL.RawQuery == "grant_type=refresh_token" {
		a.asked++
	}
	switch {
	case a.status != 0:
		refuse(a.status, a.said)
	case r.URL.Path == "/auth/v1/logout":
		a.out, a.refresh = r.Header.Get("Authorization"), ""
		w.WriteHeader(http.StatusNoContent)
	case r.URL.RawQuery == "grant_type=password" && asked["email"] == "alice@example.com" && asked["password"] == a.password,
		r.URL.RawQuery == "grant_type=refresh_token" && asked["refresh_token"] == a.refresh && a.refresh != "":
		a.n++
		a.refresh = "refresh-" + strings.Repeat("x", a.n)
		_ = json.NewEncoder(w).Encode(dict{
			"access_token": a.es256(dict{"exp": time.Now().Add(a.lasts + time.Hour).Unix(), "n": a.n}), "token_type": "bearer",
			"expires_in": int(a.lasts.Seconds()), "refresh_token": a.refresh,
		})
	case r.URL.RawQuery == "grant_type=password":
		refuse(http.StatusBadRequest, `{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}`)
	default:
		refuse(http.StatusBadRequest, `{"code":400,"error_code":"refresh_token_not_found","msg":"Invalid Refresh Token"}`)
	}
}

// users has a desk take the users of this project.
func (a *auth) users(c *Config) {
	tokens := NewTokens(TokensConfig{
		Issuer: a.URL + "/auth/v1", JWKS: a.URL + "/auth/v1/.well-known/jwks.json", Log: c.Log, Now: time.Now,
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	tokens.keys.pace = quick
	ctx, cancel := context.WithCancel(context.WithoutCancel(a.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { tokens.Run(ctx) })
	a.t.Cleanup(func() { cancel(); running.Wait() })
	c.Auth = Callers{Keys: c.Auth.(Callers).Keys, Users: tokens}
	c.Sessions.Accounts = &SupabaseAuth{
		URL: a.URL + "/auth/v1", Key: func() string { return "sb_secret_project" }, Now: c.Now,
		Transport: &http.Transport{DisableKeepAlives: true},
	}
}

func (a *auth) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}
