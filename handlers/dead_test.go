package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// withLetters is a world in which the rows of some tasks were refused.
func withLetters(t *testing.T, ids ...string) *world {
	t.Helper()
	w := newWorld(t)
	for _, id := range ids {
		w.fake.letters = append(w.fake.letters, saga.DeadLetter{ID: id, Type: "demo", Version: 7, At: noon, Error: "no such column"})
	}
	return w
}

func TestDeadLettersAreListed(t *testing.T) {
	w := withLetters(t, "a", "b", "c")
	a := w.must(200, "GET /v1/dead-letters?limit=2", "")
	want := `{"dead_letters":[` +
		`{"id":"a","type":"demo","version":7,"at":"2026-11-23T12:00:00Z","error":"no such column"},` +
		`{"id":"b","type":"demo","version":7,"at":"2026-11-23T12:00:00Z","error":"no such column"}],"next":"b"}` + "\n"
	if a.Body.String() != want {
		t.Errorf("got %s", a.Body)
	}
	if a := w.must(200, "GET /v1/dead-letters?cursor=b", ""); a.json("dead_letters.0.id") != "c" || a.json("next") != "" {
		t.Errorf("the last page: %s", a.Body)
	}
	if a := newWorld(t).must(200, "GET /v1/dead-letters", ""); a.Body.String() != `{"dead_letters":[]}`+"\n" {
		t.Errorf("none: %s", a.Body)
	}
}

func TestDeadLettersAreSentAgain(t *testing.T) {
	for _, c := range []struct {
		body string
		n    int
		left string
	}{
		{`{"ids":["b"]}`, 1, "a c"},
		{`{"ids":["c","x","a"]}`, 2, "b"},
		{`{"ids":["x"]}`, 0, "a b c"},
		{`{"all":true}`, 3, ""},
	} {
		w := withLetters(t, "a", "b", "c")
		a := w.must(200, "POST /v1/dead-letters/resend", c.body)
		var left []string
		for _, l := range w.fake.letters {
			left = append(left, l.ID)
		}
		if a.json("resent") != fmt.Sprint(c.n) || strings.Join(left, " ") != c.left {
			t.Errorf("%s: %s, left %v", c.body, a.Body, left)
		}
	}
}

func TestDeadLettersRefuse(t *testing.T) {
	for _, c := range []struct {
		line, body string
		status     int
		faults     string
	}{
		{"GET /v1/dead-letters?limit=0", "", 400, "parameter limit"},
		{"GET /v1/dead-letters?limit=201", "", 400, "parameter limit"},
		{"GET /v1/dead-letters?type=demo", "", 400, "parameter type"},
		{"GET /v1/dead-letters?cursor=forged", "", 400, "parameter cursor"},
		{"POST /v1/dead-letters/resend", "", 422, "pointer "},
		{"POST /v1/dead-letters/resend", `{}`, 422, "pointer "},
		{"POST /v1/dead-letters/resend", `{"ids":["a"],"all":true}`, 422, "pointer "},
		{"POST /v1/dead-letters/resend", `{"all":false}`, 422, "pointer /all"},
		{"POST /v1/dead-letters/resend", `{"ids":[]}`, 422, "pointer /ids"},
		{"POST /v1/dead-letters/resend", `{"ids":"a"}`, 422, "pointer /ids"},
		{"POST /v1/dead-letters/resend", `{"ids":["a","a/b"]}`, 422, "pointer /ids/1"},
		{"POST /v1/dead-letters/resend", `{"ids":["` + strings.Repeat(`a","`, maxResend) + `a"]}`, 422, "pointer /ids"},
		{"POST /v1/dead-letters/resend", `{"every":true}`, 422, "pointer , pointer /every"},
	} {
		w := withLetters(t, "a")
		if a := w.must(c.status, c.line, c.body); a.faults() != c.faults {
			t.Errorf("%s %s: %s", c.line, c.body, a.Body)
		}
		if len(w.fake.letters) != 1 {
			t.Errorf("%s %s: refused, yet done", c.line, c.body)
		}
	}
}
