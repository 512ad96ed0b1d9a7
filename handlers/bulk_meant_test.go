package handlers

import (
	"fmt"
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestBulksLeaveDeliveriesOutThatAreNotNamed(t *testing.T) {
	for body, want := range map[string]string{
		`{"filter":{"service":"shop_1"}}`: "3", `{"filter":{"type":"webhook.deliver"}}`: "6", `{"filter":{"type":"webhook.deliver"},"limit":2}`: "2",
		`{"filter":{"service":"shop_1"},"limit":2}`: "2",
	} {
		for line, failed := range map[string]func(int) bool{bulkCancel: none, bulkRetry: all} {
			w := crowd(t, 6, failed)
			for i := range 3 {
				w.fake.journals[fmt.Sprintf("c00%d", 2*i)][0].Created.Type = saga.WebhookType
			}
			if a := w.must(200, line, body); a.json("done") != want || a.json("matched") != want {
				t.Errorf("%s %s: %s", line, body, a.Body)
			}
		}
	}
}

// A retry that is put off beside others that are started must not have those started again.
func TestABulkRetryStartsNoneTwice(t *testing.T) {
	for _, key := range []string{"", "Idempotency-Key: k"} {
		w := crowd(t, 40, all)
		w.fake.refuses = map[string]error{"c020": saga.ErrUnavailable}
		next, calls := "", 0
		for calls == 0 || next != "" && calls < 9 {
			calls++
			a := w.must(200, bulkRetry, `{"filter":{"status":"failed"}`+next+`}`, key)
			if key == "" && calls == 1 && (a.json("refused.0.id") != "c020" || a.json("matched") != "32" || a.json("done") != "31") {
				t.Errorf("got %s", a.Body)
			}
			if next = a.json("next"); next != "" {
				next = `,"cursor":"` + next + `"`
			}
			if key != "" {
				w.fake.refuses = nil
			}
		}
		starts := map[string]int{}
		for _, r := range w.fake.requests {
			starts[r.RetryOf]++
		}
		delete(starts, "")
		want := 40
		if key == "" {
			want = 39
		}
		if calls != 2 || len(starts) != want {
			t.Errorf("%q: %d calls, %d tasks", key, calls, len(starts))
		}
		for of, n := range starts {
			if n != 1 {
				t.Errorf("%q: %s was started %d times", key, of, n)
			}
		}
	}
}

func TestABulkRetryOfWhichAllIsPutOffSaysSo(t *testing.T) {
	w := crowd(t, 2, all)
	w.fake.refuses = map[string]error{"c000": saga.ErrUnavailable, "c001": saga.ErrUnavailable}
	w.must(503, bulkRetry, `{"all":true}`)
}

func TestABulkRefusesChildren(t *testing.T) {
	w := crowd(t, 3, all)
	w.fake.refuses = map[string]error{"c000": &saga.ChildError{Parent: "p"}, "c001": &saga.ChildError{}}
	a := w.must(200, bulkRetry, `{"all":true}`)
	if a.json("done") != "1" || a.json("matched") != "3" || a.json("refused.0.detail") != "It is the child of p: run that one again." || a.json("refused.1.id") != "c001" {
		t.Errorf("got %s", a.Body)
	}
	if a := w.must(409, "POST /v1/tasks/c000/retry", ``); a.slug() != "child" {
		t.Errorf("got %s", a.Body)
	}
}
