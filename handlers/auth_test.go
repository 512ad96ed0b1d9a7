package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

const (
	readerKey   = "osp_reader-key"
	starterKey  = "osp_starter-key"
	operatorKey = "osp_operator-key"
)

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func guarded(c *Config) {
	keys, err := ParseKeys("dash:reader:" + hashOf(readerKey) + ",shop:starter:" + hashOf(starterKey) + ",ops:operator:" + hashOf(operatorKey))
	if err != nil {
		panic(err)
	}
	c.Auth = Keys(keys)
}

func TestWhoMayDoWhat(t *testing.T) {
	probe := newWorld(t)
	for _, r := range probe.api.routes() {
		line := r.method + " " + strings.NewReplacer(":id", "a", ":name", "demo", ":slug", "conflict").Replace(r.path)
		for role, key := range map[Role]string{0: "", RoleReader: readerKey, RoleStarter: starterKey, RoleOperator: operatorKey} {
			w := begun(t, guarded)
			w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
			headers := []string{}
			if key != "" {
				headers = append(headers, "Authorization: Bearer "+key)
			}
			a := w.call(line, "", headers...)
			refused := a.Code == 401 || a.Code == 403
			least := r.role
			if strings.HasPrefix(r.path, "/v1/tasks/bulk/") {
				least = RoleOperator // these keys see everybody's tasks
			}
			if refused != (role < least) {
				t.Errorf("%s as %q: %d", line, role, a.Code)
			}
			if refused && (a.Code == 401) != (role == 0) {
				t.Errorf("%s as %q: %d", line, role, a.Code)
			}
			if n := len(w.fake.journals["a"]); refused && n != 3 {
				t.Errorf("%s as %q: refused, yet done", line, role)
			}
		}
	}
}

func TestWhoIsNobody(t *testing.T) {
	w := newWorld(t, guarded)
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer osp_wrong", "Bearer " + readerKey + "x", "bearer" + readerKey, "Basic " + readerKey,
		"Bearer " + hashOf(readerKey), readerKey, "Basic OnBhc3N3b3Jk",
	} {
		a := w.must(401, "GET /v1/types", "", "Authorization: "+header)
		challenge := a.Header().Get("WWW-Authenticate")
		if a.slug() != "unauthenticated" || !strings.HasPrefix(challenge, `Bearer realm="osp"`) ||
			strings.Contains(challenge, "invalid_token") != (header != "") {
			t.Errorf("%q: %q %s", header, challenge, a.Body)
		}
	}
	w.must(200, "GET /v1/types", "", "Authorization: bearer  "+readerKey)
	r := request(t, "GET /v1/types", "")
	r.SetBasicAuth("dash", readerKey)
	if rec := serve(w, r); rec.Code != 401 {
		t.Errorf("browsers send Basic along by themselves, so the API does not take it: %d", rec.Code)
	}
}

func TestARoleThatIsTooLowIsNamed(t *testing.T) {
	w := newWorld(t, guarded)
	a := w.must(403, "POST /v1/tasks", demo, "Authorization: Bearer "+readerKey)
	if a.slug() != "forbidden" || a.json("detail") != "This needs the role starter; dash has the role reader." {
		t.Errorf("got %s", a.Body)
	}
}

func TestTheCallersNameIsRecorded(t *testing.T) {
	w := newWorld(t, guarded)
	w.must(202, "POST /v1/tasks", with(`"id":"a"`), "Authorization: Bearer "+starterKey)
	w.must(202, "POST /v1/tasks/a/cancel", "", "Authorization: Bearer "+operatorKey)
	if w.fake.requests["a"].By != "shop" || w.fake.cancelled != "ops: " {
		t.Errorf("got %q, %q", w.fake.requests["a"].By, w.fake.cancelled)
	}
}

// user authenticates everybody as one user, as [Tokens] do.
type user struct{ err error }

func (u user) Authenticate(context.Context, string) (Principal, error) {
	return Principal{Name: "user:" + alice, Role: RoleStarter, Owner: alice}, u.err
}

func TestAnAuthenticatorThatCannotTellIsNotARefusal(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Auth = user{err: saga.ErrUnavailable} })
	w.must(503, "GET /v1/types", "", "Authorization: Bearer x")
	w = newWorld(t, func(c *Config) { c.Auth = user{err: errors.New("broken")} })
	w.must(500, "GET /v1/types", "", "Authorization: Bearer x")
}

func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	const evil = "Sec-Fetch-Site: cross-site"
	w := newWorld(t)
	if a := w.must(403, "POST /v1/tasks", demo, evil); a.slug() != "cross-site" || len(w.fake.journals) != 0 {
		t.Errorf("got %s", a.Body)
	}
	w.must(403, "POST /v1/tasks", demo, "Origin: https://evil.example")
	w.must(202, "POST /v1/tasks", demo, "Sec-Fetch-Site: same-origin")
	w.must(200, "GET /v1/types", "", evil)
	newWorld(t, guarded).must(202, "POST /v1/tasks", demo, evil, "Authorization: Bearer "+starterKey)
}
