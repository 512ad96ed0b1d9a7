package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

var restoreChildCases = []testCase{
	{"a child that has ended stays so, and its parent is told once more", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		before := b.read("a")
		r := b.restored("a")
		same(b, "new", r.New, true)
		same(b, "finished", r.Finished, true)
		same(b, "events", strings.Join(b.read("a").Stored, "\n"), strings.Join(before.Stored, "\n"))
		same(b, "outbox", len(b.outbox()), 1)
		same(b, "delivery", b.outbox()[0], saga.Delivery{Child: "a", Seq: 2, Parent: "p", Path: "loop[3]/ship"})
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrFinished, err)
		due, _ := b.overdue()
		same(b, "open", due, "")
	}},
	{"it does not expire before its parent", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.restored("a")
		b.flush()
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"it is opened again when its parent is undone", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.restored("a")
		b.post("a", undoRequested())
		same(b, "events", kinds(b.claim("a").Events), "created completed undo_requested")
	}},
	{"one that was opened again is not opened twice", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.post("a", undoRequested())
		b.restored("a")
		same(b, "duplicate", b.post("a", undoRequested()).Duplicate, true)
		same(b, "events", b.kinds("a"), "created completed undo_requested recovered")
		same(b, "outbox", len(b.outbox()), 0)
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 4))
		same(b, "outbox", len(b.outbox()), 1)
	}},
	{"one that has not ended tells nobody yet", func(b *bench) {
		b.start(child("a"))
		b.restored("a")
		same(b, "outbox", len(b.outbox()), 0)
		b.append(b.claim("a").Lease, finish(saga.KindFailed, 2))
		same(b, "outbox", b.outbox()[0], saga.Delivery{Child: "a", Seq: 3, Parent: "p", Path: "loop[3]/ship"})
	}},
	{"a parent that has been told is not told again", func(b *bench) {
		b.started("p")
		told := saga.Message{Event: saga.Event{Kind: saga.KindChildFinished, Path: "loop[3]/ship", Name: "completed"}, Dedupe: "a/2"}
		l := b.claim("p").Lease
		b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{decision("loop[3]/ship")}})
		b.post("p", told)
		b.restored("p")
		same(b, "duplicate", b.post("p", told).Duplicate, true)
	}},
	{"a child with children of its own lets them go in the end", func(b *bench) {
		b.start(child("a"))
		started := saga.Event{Kind: saga.KindChildStarted, Path: "x"}
		b.append(b.claim("a").Lease, saga.Batch{Read: 1, Facts: []saga.Event{decision("x"), started}})
		b.restored("a")
		b.append(b.claim("a").Lease, finish(saga.KindCompleted, 4))
		b.flush("grandchild")
		b.started("p")
		b.append(b.claim("p").Lease, finish(saga.KindCompleted, 1))
		b.flush("a")
		var names []string
		for _, s := range b.dirty() {
			names = append(names, s.Ref.ID)
		}
		same(b, "comes by once more", slices.Contains(names, "a"), true)
	}},
}
