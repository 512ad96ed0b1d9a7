package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// begun is a world with a task "a" that runs.
func begun(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := newWorld(t, change...)
	if _, _, err := w.fake.Start(t.Context(), saga.Request{ID: "a", Type: "demo", Input: []byte(`{}`), Owner: alice}); err != nil {
		t.Fatal(err)
	}
	w.fake.happen("a", saga.Event{Kind: saga.KindStepStarted, Path: "charge", StepKind: saga.KindActivity})
	return w
}

func TestCancel(t *testing.T) {
	w := begun(t)
	a := w.must(202, "POST /v1/tasks/a/cancel", `{"reason":"changed my mind"}`)
	if w.fake.cancelled != "anonymous: changed my mind" || a.Header().Get("Location") != "/v1/tasks/a" || a.json("id") != "a" {
		t.Errorf("%q %v %s", w.fake.cancelled, a.Header(), a.Body)
	}
	w.must(202, "POST /v1/tasks/a/cancel", "")
	w.must(202, "POST /v1/tasks/a/cancel", "{}")
	w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
	if a := w.must(409, "POST /v1/tasks/a/cancel", ""); a.slug() != "finished" {
		t.Errorf("got %s", a.Body)
	}
}

func TestSignal(t *testing.T) {
	w := begun(t)
	a := w.must(202, "POST /v1/tasks/a/signals/paid", `{"amount": 12.50}`, "Idempotency-Key: p1")
	if a.json("id") != "a" || a.json("signal") != "paid" || a.Header().Get("Location") != "/v1/tasks/a" {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	w.must(202, "POST /v1/tasks/a/signals/go", "")
	w.must(202, "POST /v1/tasks/a/signals/go", "null")
	got := fmt.Sprintf("%q", w.fake.signals)
	want := fmt.Sprintf("%q", []saga.SignalRequest{
		{Name: "paid", Payload: []byte(`{"amount": 12.50}`), Dedupe: "p1", By: "anonymous"},
		{Name: "go", By: "anonymous"},
		{Name: "go", Payload: []byte("null"), By: "anonymous"},
	})
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for what, body := range map[string]string{"half": `{"a":`, "two": "1 2", "bytes": "\"\xff\""} {
		if a := w.must(400, "POST /v1/tasks/a/signals/go", body); a.slug() != "malformed" {
			t.Errorf("%s: %s", what, a.Body)
		}
	}
	w.must(202, "POST /v1/tasks/a/signals/go", `"`+strings.Repeat("s", saga.MaxOutput-2)+`"`)
	w.must(413, "POST /v1/tasks/a/signals/go", `"`+strings.Repeat("s", saga.MaxOutput-1)+`"`)
	if a := w.must(422, "POST /v1/tasks/a/signals/a%2Fb", ""); a.faults() != "parameter name" {
		t.Errorf("got %s", a.Body)
	}
}

func TestRetry(t *testing.T) {
	w := begun(t)
	if a := w.must(409, "POST /v1/tasks/a/retry", ""); a.slug() != "unfinished" {
		t.Errorf("got %s", a.Body)
	}
	w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
	a := w.must(202, "POST /v1/tasks/a/retry", "")
	if a.json("retry_of") != "a" || a.Header().Get("Location") != "/v1/tasks/"+a.json("id") || a.json("id") == "a" {
		t.Errorf("got %v %s", a.Header(), a.Body)
	}
	if a := w.must(422, "POST /v1/tasks/a/retry", `{"input":{}}`); a.faults() != "pointer /input" {
		t.Errorf("got %s", a.Body)
	}
}

func TestResolve(t *testing.T) {
	w := begun(t)
	const skip = `{"step":"charge","action":"skip","reason":"refunded by hand"}`
	if a := w.must(409, "POST /v1/tasks/a/resolve", skip); a.slug() != "not-stuck" {
		t.Errorf("got %s", a.Body)
	}
	w.fake.happen("a", saga.Event{Kind: saga.KindCompensationStarted}, saga.Event{Kind: saga.KindStuck})
	w.must(202, "POST /v1/tasks/a/resolve", skip)
	if want := (saga.Resolution{Step: "charge", Action: saga.ResolveSkip, Reason: "refunded by hand", By: "anonymous"}); w.fake.resolved != want {
		t.Errorf("got %+v, want %+v", w.fake.resolved, want)
	}
	for body, faults := range map[string]string{
		"":   "pointer /step, pointer /action, pointer /reason",
		"{}": "pointer /step, pointer /action, pointer /reason",
		`{"step":"charge","action":"ignore","reason":"r"}`:         "pointer /action",
		`{"step":"charge","action":"skip","reason":""}`:            "pointer /reason",
		`{"step":"charge","action":"skip","reason":"r","force":1}`: "pointer /force",
	} {
		if a := w.must(422, "POST /v1/tasks/a/resolve", body); a.faults() != faults {
			t.Errorf("%s: got %s", body, a.Body)
		}
	}
}

func TestActionsRefuse(t *testing.T) {
	cases := []struct {
		what, action, body string
		status             int
	}{
		{"a list", "cancel", "[]", 422},
		{"half an object", "cancel", "{", 400},
		{"an unknown field", "cancel", `{"because":"x"}`, 422},
		{"a reason that is a number", "cancel", `{"reason":1}`, 422},
		{"a reason without end", "cancel", `{"reason":"` + strings.Repeat("r", 2001) + `"}`, 422},
		{"a large body", "cancel", `{"reason":"` + strings.Repeat("r", maxAction) + `"}`, 413},
		{"a large body", "retry", strings.Repeat(" ", maxAction+1), 413},
	}
	for _, tc := range cases {
		t.Run(tc.action+" with "+tc.what, func(t *testing.T) {
			w := begun(t)
			w.must(tc.status, "POST /v1/tasks/a/"+tc.action, tc.body)
			if n := len(w.fake.journals["a"]); n != 2 {
				t.Errorf("the journal grew to %d events", n)
			}
		})
	}
}
