package journal_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// order is a request like a real one: an input of 200 bytes, ids and hashes of their usual length.
func order(n int) saga.Created {
	return saga.Created{
		ID: "0193523e8a7c7d3f9b1e" + strconv.Itoa(100_000_000_000+n), Type: "order", Workflow: "order", Version: 1,
		TreeHash: "0123456789abcdef", Input: json.RawMessage(`"` + strings.Repeat("x", 198) + `"`),
		Owner: "6f0c5d7e-9f0d-4b52-9d3e-5a1b2c3d4e5f", Service: "restaurant", Queue: "default",
		Hash: strings.Repeat("0123456789abcdef", 4), By: "app",
	}
}

// waitingOrder takes a task through three steps to where it waits: eight events.
func waitingOrder(t testing.TB, j *journal.Redis, n int) string {
	t.Helper()
	c := order(n)
	_, err := j.Start(t.Context(), saga.Start{Created: c})
	must(t, err)
	claim, err := j.Claim(t.Context(), c.ID, "nonce-"+strconv.Itoa(n))
	must(t, err)
	b := saga.Batch{Read: 1, Decisions: []saga.Event{begin("reserve", claim.Now)}}
	for _, step := range []string{"charge", "ship"} {
		_, err := j.Append(t.Context(), claim.Lease, b)
		must(t, err)
		b = saga.Batch{
			Read:      b.Read + int64(len(b.Facts)+len(b.Decisions)),
			Facts:     []saga.Event{{Kind: saga.KindStepDone, Path: step, Data: json.RawMessage(`{"id":"12345678"}`)}},
			Decisions: []saga.Event{begin(step, claim.Now)},
		}
	}
	b.Decisions = append(b.Decisions[:0:0], begin("ship", claim.Now), begin("approval", claim.Now),
		saga.Event{Kind: saga.KindWaiting, Due: saga.MicrosOf(claim.Now.Add(time.Hour))})
	b.Then, b.Due = saga.Park, claim.Now.Add(time.Hour)
	_, err = j.Append(t.Context(), claim.Lease, b)
	must(t, err)
	return c.ID
}

func begin(step string, now time.Time) saga.Event {
	return saga.Event{
		Kind: saga.KindStepStarted, Path: step, StepKind: saga.KindActivity, Due: saga.MicrosOf(now.Add(2 * time.Minute)),
	}
}

func BenchmarkStart(b *testing.B) {
	j := journal.New(server(b), journal.Options{})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		_, err := j.Start(b.Context(), saga.Start{Created: order(n)})
		must(b, err)
	}
}

func BenchmarkClaimRelease(b *testing.B) {
	j := journal.New(server(b), journal.Options{})
	id := waitingOrder(b, j, 0)
	b.ReportAllocs()
	for b.Loop() {
		c, err := j.Claim(b.Context(), id, "nonce")
		must(b, err)
		must(b, j.Release(b.Context(), c.Lease, time.Time{}, false))
	}
}

func BenchmarkRenew(b *testing.B) {
	j := journal.New(server(b), journal.Options{})
	c, err := j.Claim(b.Context(), waitingOrder(b, j, 0), "nonce")
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		_, err := j.Renew(b.Context(), c.Lease)
		must(b, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	j := journal.New(server(b), journal.Options{})
	c, err := j.Claim(b.Context(), waitingOrder(b, j, 0), "nonce")
	must(b, err)
	read := int64(len(c.Events))
	b.ReportAllocs()
	for b.Loop() {
		a, err := j.Append(b.Context(), c.Lease, saga.Batch{
			Read:      read,
			Facts:     []saga.Event{{Kind: saga.KindStepDone, Path: "charge", Data: json.RawMessage(`{"id":"12345678"}`)}},
			Decisions: []saga.Event{begin("ship", c.Now)},
		})
		must(b, err)
		read = a.Facts + 1
	}
}

// BenchmarkLife is a whole task of three steps: start, claim, three appends, and the flusher's part.
func BenchmarkLife(b *testing.B) {
	j := journal.New(server(b), journal.Options{})
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		waitingOrder(b, j, n)
		if n%100 != 99 {
			continue
		}
		list, err := j.Dirty(b.Context(), 100)
		must(b, err)
		flushed := make([]saga.Flushed, len(list))
		for i, s := range list {
			flushed[i] = saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version}
		}
		clean(b, j, flushed...)
	}
}
