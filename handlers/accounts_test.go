package handlers

import (
	"strings"
	"testing"
	"time"
)

const asAlice = `{"email":"alice@example.com","password":"hunter2 hunter2"}`

func TestAUserSignsIn(t *testing.T) {
	s := newAuth(t)
	d := newDesk(t, s.users)
	a := d.must(200, "POST /ui/session", asAlice)
	cookie := cookieOf(a)
	if a.json("user_id") != alice || a.json("name") != "user:"+alice || a.json("role") != "starter" || a.json("logins") != "[password supabase]" {
		t.Errorf("got %s", a.Body)
	}
	if s.key != "sb_secret_project" {
		t.Errorf("the project's key was %q", s.key)
	}
	d.must(202, "POST /v1/tasks", with(`"id":"a"`), cookie)
	if r := d.fake.requests["a"]; r.Owner != alice || r.By != "user:"+alice {
		t.Errorf("got %+v", r)
	}
	d.must(403, "GET /v1/dead-letters", "", cookie)
	for _, sealed := range d.shelf.kept {
		if strings.Contains(string(sealed), s.refresh) || strings.Contains(string(sealed), alice) {
			t.Error("the store can read the session")
		}
	}
	if told := a.Body.String() + d.log.String(); strings.Contains(told, "refresh-") || strings.Contains(told, "hunter2") || strings.Contains(told, "eyJ") {
		t.Errorf("a secret is told: %s", told)
	}
	d.must(204, "DELETE /ui/session", "", cookie)
	if !strings.HasPrefix(s.out, "Bearer eyJ") {
		t.Errorf("at Supabase it goes on: %q", s.out)
	}
}

func TestThatAUserExistsIsNotTold(t *testing.T) {
	s := newAuth(t)
	d := newDesk(t, s.users)
	wrong := d.must(401, "POST /ui/session", `{"email":"alice@example.com","password":"wrong"}`)
	for _, said := range []string{
		`{"code":400,"error_code":"email_not_confirmed","msg":"Email not confirmed"}`, `{"code":400,"error_code":"user_banned","msg":"User is banned"}`,
		`{"error":"invalid_grant","error_description":"Invalid login credentials"}`,
	} {
		s.set(func() { s.status, s.said = 400, said })
		a := d.must(401, "POST /ui/session", asAlice)
		if a.Body.String() != wrong.Body.String() {
			t.Errorf("%s: %s, and else %s", said, a.Body, wrong.Body)
		}
	}
	s.set(func() { s.status = 0 })
	nobody := d.must(401, "POST /ui/session", `{"email":"nobody@example.com","password":"wrong"}`)
	operator := d.must(401, "POST /ui/session", `{"password":"wrong"}`)
	if nobody.Body.String() != wrong.Body.String() || operator.Body.String() != wrong.Body.String() {
		t.Errorf("%s, %s, %s", nobody.Body, operator.Body, wrong.Body)
	}
}

func TestWhatSupabaseAuthAnswers(t *testing.T) {
	for _, c := range []struct {
		status, want int
		said         string
	}{
		{429, 429, `{"code":429,"error_code":"over_request_rate_limit","msg":"Request rate limit reached"}`},
		{500, 503, `{"code":500,"msg":"Internal"}`},
		{502, 503, `<html>`},
		{404, 503, `{}`},
		{401, 503, `{"message":"Invalid API key"}`},
		{401, 401, `{"code":401,"error_code":"bad_jwt","msg":"x"}`},
		{422, 401, `{"code":422,"error_code":"validation_failed","msg":"x"}`},
		{200, 503, `{"access_token":""}`},
		{200, 503, `no JSON`},
		{302, 503, ``},
		{200, 401, `{"access_token":"eyJ.made.up","refresh_token":"r","expires_in":3600}`},
	} {
		s := newAuth(t)
		d := newDesk(t, s.users)
		s.set(func() { s.status, s.said = c.status, c.said })
		a := d.must(c.want, "POST /ui/session", asAlice)
		if cookieOf(a) != "" || d.shelf.size() != 0 {
			t.Errorf("%+v: a session", c)
		}
	}
}

func TestAUsersTokenIsRenewed(t *testing.T) {
	s := newAuth(t)
	d := newDesk(t, s.users)
	cookie := cookieOf(d.must(200, "POST /ui/session", asAlice))
	d.later(58 * time.Minute)
	d.must(200, "GET /v1/types", "", cookie)
	if s.n != 1 {
		t.Errorf("renewed too early: %d", s.n)
	}
	d.later(90 * time.Second)
	for range 3 {
		d.must(200, "GET /v1/types", "", cookie)
	}
	if s.n != 2 {
		t.Errorf("there were %d tokens, want 2", s.n)
	}
	// While Auth is away, the token serves as long as it holds.
	d.later(time.Hour)
	s.set(func() { s.status = 503 })
	d.must(200, "GET /v1/types", "", cookie)
	s.set(func() { s.status = 0 })
	d.must(200, "GET /v1/types", "", cookie)
	if s.n != 3 {
		t.Errorf("there were %d tokens, want 3", s.n)
	}
	// The user is gone, or the session revoked.
	d.later(time.Hour)
	s.set(func() { s.refresh = "" })
	d.must(401, "GET /v1/types", "", cookie)
	if d.shelf.size() != 0 {
		t.Error("the session is still there")
	}
}

func TestManyRequestsRenewATokenOnce(t *testing.T) {
	s := newAuth(t)
	d := newDesk(t, s.users)
	cookie := cookieOf(d.must(200, "POST /ui/session", asAlice))
	d.later(61 * time.Minute)
	codes := make(chan int, 20)
	for range cap(codes) {
		go func() { codes <- d.get("GET /v1/types", cookie).Code }()
	}
	for range cap(codes) {
		if code := <-codes; code != 200 {
			t.Errorf("got %d", code)
		}
	}
	if s.n != 2 || s.asked != 1 {
		t.Errorf("there were %d tokens, want 2; %d were asked for, want 1", s.n, s.asked)
	}
}

// Two processes find at once that a token is due; the one that comes late has its refresh token refused.
func TestAnotherProcessRenewedIt(t *testing.T) {
	s := newAuth(t)
	one := newDesk(t, s.users)
	other := newDesk(t, s.users)
	other.shelf = one.shelf
	other.api.people.Store = one.shelf
	cookie := cookieOf(one.must(200, "POST /ui/session", asAlice))
	secret, _ := secretOf(request(t, "GET /", "", cookie))
	_, sealed, err := other.api.people.read(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	one.later(61 * time.Minute)
	one.must(200, "GET /v1/types", "", cookie)
	if p, err := other.api.people.otherwise(t.Context(), secret, sealed, ErrUnauthenticated); err != nil || p.Owner != alice {
		t.Errorf("got %+v, %v", p, err)
	}
}
