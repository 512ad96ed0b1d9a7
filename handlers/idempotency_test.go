package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(w *world, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	return rec
}

func TestTheSameIdempotencyKeyStartsOneTask(t *testing.T) {
	w := newWorld(t)
	first := w.must(202, "POST /v1/tasks", demo, "Idempotency-Key: order 7")
	again := w.must(200, "POST /v1/tasks", demo, "Idempotency-Key: order 7")
	quoted := w.must(200, "POST /v1/tasks", demo, `Idempotency-Key: "order 7"`)
	if id := first.json("id"); id != again.json("id") || id != quoted.json("id") {
		t.Errorf("%s, %s, %s", id, again.json("id"), quoted.json("id"))
	}
	if id := first.json("id"); len(id) != 34 || !strings.HasPrefix(id, "ik") || !validID(id) {
		t.Errorf("id %q", id)
	}
	if a := w.must(409, "POST /v1/tasks", with(`"service":"x","priority":"low"`), "Idempotency-Key: order 7"); a.slug() != "conflict" {
		t.Errorf("another request under the key: %s", a.Body)
	}
	other := w.must(202, "POST /v1/tasks", with(`"user_id":"`+bob+`"`), "Idempotency-Key: order 7")
	if other.json("id") == first.json("id") {
		t.Error("two users' keys meet")
	}
}

// The ids are part of the API: a client's retry may come after an upgrade.
func TestKeyedIDsNeverChange(t *testing.T) {
	if got := keyedID(alice, "order 7", ""); got != "ik7cffd1a3d54f41ff481d2dfb9b8b03c2" {
		t.Errorf("got %s", got)
	}
	if keyedID(alice, "k", "1") == keyedID(alice, "k", "") || keyedID(alice, "k", "1") == keyedID(alice, "k1", "") {
		t.Error("keys meet")
	}
}

func TestIdempotencyKeyAndID(t *testing.T) {
	derived := keyedID("00000000-0000-0000-0000-000000000000", "k", "")
	cases := []struct {
		what, id string
		status   int
	}{
		{"another id", "other", 422},
		{"the key itself as id", "k", 202},
		{"the id that follows from the key", derived, 202},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			a := newWorld(t).must(tc.status, "POST /v1/tasks", with(`"id":"`+tc.id+`"`), "Idempotency-Key: k")
			if tc.status == 422 && a.faults() != "pointer /id" {
				t.Errorf("got %s", a.Body)
			}
			if tc.status == 202 && a.json("id") != tc.id {
				t.Errorf("got %s", a.Body)
			}
		})
	}
}

func TestBadIdempotencyKeys(t *testing.T) {
	for _, key := range []string{"", `""`, strings.Repeat("k", 256), "a\x01b", "schlüssel"} {
		w := newWorld(t)
		for _, line := range []string{"POST /v1/tasks", "POST /v1/tasks/batch", "POST /v1/tasks/a/signals/s"} {
			r := request(t, line, demo)
			r.Header["Idempotency-Key"] = []string{key}
			a := answer{serve(w, r), t}
			if a.Code != 400 || a.slug() != "bad-parameter" || a.faults() != "header Idempotency-Key" {
				t.Errorf("%s with %q: %d %s", line, key, a.Code, a.Body)
			}
		}
	}
	r := request(t, "POST /v1/tasks", demo)
	r.Header["Idempotency-Key"] = []string{"a", "b"}
	if rec := serve(newWorld(t), r); rec.Code != 400 {
		t.Errorf("two keys: %d %s", rec.Code, rec.Body)
	}
}
