package handlers

import (
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestDelete(t *testing.T) {
	for body, want := range map[string]saga.Deletion{
		`{"task":"a","reason":"r"}`:                                 {Kind: saga.SubjectTask, Subject: "a"},
		`{"service":"shop_1","reason":"r"}`:                         {Kind: saga.SubjectService, Subject: "shop_1"},
		`{"user_id":"` + strings.ToUpper(alice) + `","reason":"r"}`: {Kind: saga.SubjectUser, Subject: alice},
		`{"task":"a","service":null,"reason":"r","dry_run":true}`:   {Kind: saga.SubjectTask, Subject: "a", DryRun: true},
	} {
		w := newWorld(t)
		a := w.must(200, "POST /v1/deletions", body)
		want.Reason, want.By = "r", "anonymous"
		got := w.fake.deletion
		if got.Kind != want.Kind || got.Subject != want.Subject || got.DryRun != want.DryRun || got.Reason != "r" || got.By != "anonymous" {
			t.Errorf("%s: asked for %+v, want %+v", body, got, want)
		}
		if !strings.Contains(a.Body.String(), `"deleted":{"tasks":2,"steps":0,"fences":0,"services":0,"rows":7}`) || a.json("id") != "d1" ||
			a.json("at") != "2026-09-21T14:13:20Z" || a.json("by") != "anonymous" || a.json("reason") != "r" {
			t.Errorf("%s is answered with %s", body, a.Body)
		}
	}
}

// The same request under the same key is the same deletion. Anything else is another one.
func TestDeleteUnderAKey(t *testing.T) {
	id := func(body string, headers ...string) string {
		w := newWorld(t)
		w.must(200, "POST /v1/deletions", body, headers...)
		return w.fake.deletion.ID
	}
	first := id(`{"task":"a","reason":"r"}`, "Idempotency-Key: k")
	if again := id(`{"reason":"r","task":"a"}`, `Idempotency-Key: "k"`); first == "" || again != first {
		t.Errorf("the same again has the id %q, after %q", again, first)
	}
	if got := id(`{"task":"a","reason":"r"}`); got != "" {
		t.Errorf("without a key the id is %q", got)
	}
	seen := map[string]string{first: "the first"}
	for _, c := range [][2]string{
		{`{"task":"a","reason":"r"}`, "other"},
		{`{"task":"b","reason":"r"}`, "k"},
		{`{"service":"a","reason":"r"}`, "k"},
		{`{"task":"a","reason":"another"}`, "k"},
	} {
		got := id(c[0], "Idempotency-Key: "+c[1])
		if was, ok := seen[got]; ok || got == "" {
			t.Errorf("%v has the id of %s: %q", c, was, got)
		}
		seen[got] = c[0] + " " + c[1]
	}
	newWorld(t).must(400, "POST /v1/deletions", `{"task":"a","reason":"r"}`, "Idempotency-Key: é")
}

func TestDeleteRefuses(t *testing.T) {
	w := newWorld(t)
	for body, faults := range map[string]string{
		`{"reason":"r"}`: "pointer ",
		`{"task":"a","user_id":"` + alice + `","reason":"r"}`: "pointer ",
		`{"task":"a"}`:                              "pointer /reason",
		`{"task":"a","reason":""}`:                  "pointer /reason",
		`{"task":"a/b","reason":"r"}`:               "pointer /task",
		`{"user_id":"alice","reason":"r"}`:          "pointer /user_id",
		`{"service":"public\"; drop","reason":"r"}`: "pointer /service",
		`{"task":"a","reason":"r","dry_run":"no"}`:  "pointer /dry_run",
		`{"task":"a","reason":"r","force":true}`:    "pointer /force",
	} {
		if a := w.must(422, "POST /v1/deletions", body); a.faults() != faults {
			t.Errorf("%s: got %s, want %q", body, a.Body, faults)
		}
	}
	if w.fake.deletion.Kind != "" {
		t.Errorf("it was asked for %+v", w.fake.deletion)
	}
	w.fake.fail = &saga.UnfinishedError{IDs: []string{"a", "b", "c"}}
	a := w.must(409, "POST /v1/deletions", `{"task":"a","reason":"r"}`)
	if a.slug() != "unfinished" || !strings.Contains(a.json("detail"), "3 of its tasks have not ended") {
		t.Errorf("got %s", a.Body)
	}
}
