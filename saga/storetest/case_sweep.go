package storetest

import (
	"strconv"
	"time"

	"github.com/osp-platform/osp/saga"
)

var sweepCases = []testCase{
	{"a wake mark is swept when it is 100 ms old", func(b *bench) {
		b.parked("a")
		b.signal("a")
		same(b, "woken at once", b.woken(), "")
		b.Advance(150 * time.Millisecond)
		refs, err := b.Journal.Woken(b.Context(), 10)
		b.no(err)
		same(b, "woken", len(refs), 1)
		same(b, "type and queue", refs[0].Type+" "+refs[0].Queue, "order default")
		same(b, "due now", refs[0].Due, time.Time{})
	}},
	{"a wake mark comes up again until somebody claims", func(b *bench) {
		b.parked("a")
		b.signal("a")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
		same(b, "woken by the next worker", b.woken(), "")
		b.Advance(150 * time.Millisecond)
		same(b, "woken again", b.woken(), "a")
		b.claim("a")
		b.Advance(150 * time.Millisecond)
		same(b, "woken after the claim", b.woken(), "")
	}},
	{"a stream of signals does not keep a wake mark young", func(b *bench) {
		b.parked("a")
		for range 4 {
			b.signal("a")
			b.Advance(60 * time.Millisecond)
		}
		same(b, "woken", b.woken(), "a")
	}},
	{"the oldest wake marks come first, up to the limit", func(b *bench) {
		for _, id := range []string{"c", "a", "b"} {
			b.parked(id)
			b.signal(id)
			b.Advance(10 * time.Millisecond)
		}
		b.Advance(150 * time.Millisecond)
		refs, err := b.Journal.Woken(b.Context(), 2)
		b.no(err)
		b.first(ids(refs), "c a")
		b.first(b.woken(), "b")
	}},
	{"a runner that died is overdue when its lease ends", func(b *bench) {
		b.claimed("a")
		b.Advance(4900 * time.Millisecond)
		refs, next := b.overdue()
		same(b, "overdue", refs, "")
		same(b, "next is soon", next.IsZero(), false)
		b.Advance(101 * time.Millisecond)
		refs, _ = b.overdue()
		same(b, "overdue", refs, "a")
	}},
	{"a task is overdue 2 s after it was due", func(b *bench) {
		b.started("a")
		c := b.claim("a")
		b.append(c.Lease, park(1, c.Now.Add(time.Minute)))
		b.Advance(time.Minute + time.Second)
		refs, _ := b.overdue()
		same(b, "overdue", refs, "")
		b.Advance(time.Second + time.Millisecond)
		got, _, err := b.Journal.Overdue(b.Context(), 10)
		b.no(err)
		same(b, "overdue", len(got), 1)
		same(b, "ref", got[0], saga.Ref{ID: "a", Type: "order", Queue: "default", Epoch: c.Lease.Epoch})
	}},
	{"an overdue task is handed out once in 10 s", func(b *bench) {
		b.started("a")
		b.Advance(3 * time.Second)
		refs, next := b.overdue()
		same(b, "overdue", refs, "a")
		same(b, "next is in 10 s", next.After(b.read("a").Events[0].At.Add(9*time.Second)), true)
		b.Advance(9 * time.Second)
		refs, _ = b.overdue()
		same(b, "overdue too soon", refs, "")
		b.Advance(1100 * time.Millisecond)
		refs, _ = b.overdue()
		same(b, "overdue again", refs, "a")
	}},
	{"of many overdue tasks each is handed out once, up to the limit", func(b *bench) {
		for i := range 7 {
			b.started("a" + strconv.Itoa(i))
		}
		b.Advance(3 * time.Second)
		seen := map[string]bool{}
		for range 4 {
			refs, _, err := b.Journal.Overdue(b.Context(), 3)
			b.no(err)
			same(b, "within the limit", len(refs) <= 3, true)
			for _, r := range refs {
				same(b, "seen before", seen[r.ID], false)
				seen[r.ID] = true
			}
		}
		same(b, "all", len(seen), 7)
	}},
	{"a claimed task is not overdue any more", func(b *bench) {
		b.started("a")
		b.Advance(3 * time.Second)
		b.claim("a")
		refs, _ := b.overdue()
		same(b, "overdue", refs, "")
	}},
	{"a child's end is in the outbox until it is delivered", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.finished(created("no child"[:2]), saga.KindCompleted)
		list := b.outbox()
		same(b, "entries", len(list), 1)
		want := saga.Delivery{Child: "a", Seq: 2, Parent: "p", Path: "loop[3]/ship"}
		same(b, "entry", list[0], want)
		same(b, "entry again", b.outbox()[0], want)
		b.no(b.Journal.Delivered(b.Context(), want))
		same(b, "entries", len(b.outbox()), 0)
		b.no(b.Journal.Delivered(b.Context(), want))
	}},
	{"a delivery does not forget a newer end", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		old := b.outbox()[0]
		b.post("a", undoRequested())
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 3))
		b.no(b.Journal.Delivered(b.Context(), old))
		list := b.outbox()
		same(b, "entries", len(list), 1)
		same(b, "number", list[0].Seq, 4)
	}},
	{"a child that has not ended is not in the outbox", func(b *bench) {
		b.start(child("a"))
		l := b.claim("a").Lease
		b.signal("a")
		b.append(l, finish(saga.KindCompleted, 1)) // refused
		same(b, "entries", len(b.outbox()), 0)
	}},
	{"every entry of the outbox comes up, a few at a time", func(b *bench) {
		for i := range 9 {
			b.finished(child("a"+strconv.Itoa(i)), saga.KindFailed)
		}
		seen := map[string]bool{}
		for range 20 {
			list, err := b.Journal.Outbox(b.Context(), 4)
			b.no(err)
			same(b, "within the limit", len(list) <= 4, true)
			for _, d := range list {
				seen[d.Child] = true
				b.no(b.Journal.Delivered(b.Context(), d))
			}
		}
		same(b, "all", len(seen), 9)
		same(b, "entries", len(b.outbox()), 0)
	}},
}
