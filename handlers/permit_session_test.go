package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// asKey has every API key be that of one principal.
type asKey struct{ p Principal }

func (a asKey) ByHash([]byte) (Principal, error) { return a.p, nil }

func (asKey) Any() bool { return true }

// Every route, as every principal of [people], by a session: what is answered, and what is done, is what it is by a token.
func TestASessionMayWhatItsPrincipalMay(t *testing.T) {
	for _, who := range people {
		w, _ := street(t, who.p)
		for _, r := range w.api.routes() {
			if strings.HasPrefix(r.path, "/ui/") || r.stream {
				continue
			}
			for _, id := range []string{"mine", "theirs"} {
				path := r.method + " " + strings.NewReplacer(":id", id, ":name", "demo", ":slug", "conflict", ":version", "1", ":step", "ask").Replace(r.path)
				token, _ := street(t, who.p)
				cookie, _ := street(t, who.p)
				keep := &shelf{now: time.Now, kept: map[string][]byte{}, until: map[string]time.Time{}}
				cookie.api.people.SessionConfig = SessionConfig{Store: keep, Keys: asKey{who.p}, Lifetime: time.Hour, Idle: time.Hour}
				in := cookieOf(cookie.must(200, "POST /ui/session", `{"password":"osp_x"}`))

				want, got := token.call(path, bodies[r.path], bearing), cookie.call(path, bodies[r.path], in)
				if got.Code != want.Code || want.Code >= 400 && got.Body.String() != want.Body.String() {
					t.Errorf("%s as %s: %d %s, by a token %d %s", path, who.p.Name, got.Code, got.Body, want.Code, want.Body)
				}
				for id, events := range token.fake.journals {
					if !slices.Equal(kindsOf(events), kindsOf(cookie.fake.journals[id])) {
						t.Errorf("%s as %s: what is done differs", path, who.p.Name)
					}
				}
			}
		}
	}
}

func kindsOf(events []saga.Event) (kinds []saga.EventKind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}
