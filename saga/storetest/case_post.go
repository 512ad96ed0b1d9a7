package storetest

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

var postCases = []testCase{
	{"a message is appended without a lease", func(b *bench) {
		b.started("a")
		p := b.post("a", saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go", Data: []byte(`{"x":1}`), By: "me"}})
		same(b, "number", p.Seq, 2)
		same(b, "duplicate", p.Duplicate, false)
		same(b, "ref", p.Ref, saga.Ref{ID: "a", Type: "order", Queue: "default"})
		e := b.read("a").Events[1]
		same(b, "payload", string(e.Data), `{"x":1}`)
		same(b, "name and sender", e.Name+" "+e.By, "go me")
	}},
	{"an unknown task is not found", func(b *bench) {
		_, err := b.Journal.Post(b.Context(), "a", signal())
		b.wants(saga.ErrNotFound, err)
	}},
	{"after the end nothing is taken", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		for _, kind := range []saga.EventKind{saga.KindSignal, saga.KindCancel, saga.KindChildFinished, saga.KindResolved} {
			_, err := b.Journal.Post(b.Context(), "a", saga.Message{Event: saga.Event{Kind: kind}})
			b.wants(saga.ErrFinished, err)
		}
		same(b, "events", b.kinds("a"), "created completed")
	}},
	{"the same message is taken once", func(b *bench) {
		b.started("a")
		m := signal()
		m.Dedupe = "key"
		first := b.post("a", m)
		b.signal("a")
		again := b.post("a", m)
		same(b, "duplicate", again.Duplicate, true)
		same(b, "number", again.Seq, first.Seq)
		same(b, "events", b.kinds("a"), "created signal signal")
		m.Dedupe = "another"
		same(b, "duplicate", b.post("a", m).Duplicate, false)
	}},
	{"a long key dedupes as well", func(b *bench) {
		b.started("a")
		m := signal()
		for range 300 {
			m.Dedupe += "é"
		}
		b.post("a", m)
		same(b, "duplicate", b.post("a", m).Duplicate, true)
		m.Dedupe += "!"
		same(b, "duplicate", b.post("a", m).Duplicate, false)
	}},
	{"the same message after the end is refused, but known", func(b *bench) {
		b.started("a")
		m := signal()
		m.Dedupe = "key"
		b.post("a", m)
		b.append(b.claim("a").Lease, finish(saga.KindCompleted, 2))
		p, err := b.Journal.Post(b.Context(), "a", m)
		b.wants(saga.ErrFinished, err)
		same(b, "duplicate", p.Duplicate, true)
		same(b, "number", p.Seq, 2)
		m.Dedupe = "another"
		p, err = b.Journal.Post(b.Context(), "a", m)
		b.wants(saga.ErrFinished, err)
		same(b, "duplicate", p.Duplicate, false)
	}},
	{"without a key every message is taken", func(b *bench) {
		b.started("a")
		b.signal("a")
		b.signal("a")
		same(b, "events", b.kinds("a"), "created signal signal")
	}},
	{"a message sets the wake mark when no lease is held", func(b *bench) {
		b.parked("a")
		b.signal("a")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a message sets the wake mark when the lease has ended", func(b *bench) {
		b.claimed("a")
		b.Advance(5*time.Second + time.Millisecond)
		b.signal("a")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a message sets no wake mark under a fresh lease", func(b *bench) {
		b.claimed("a")
		b.signal("a")
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a duplicate sets no wake mark", func(b *bench) {
		b.started("a")
		m := signal()
		m.Dedupe = "key"
		b.post("a", m)
		b.append(b.claim("a").Lease, park(2, time.Time{}))
		b.post("a", m)
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a message marks the row dirty", func(b *bench) {
		b.started("a")
		b.flush()
		b.signal("a")
		same(b, "dirty", len(b.dirty()), 1)
	}},
}

var reopenCases = []testCase{
	{"a completed task is open again", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		before := b.read("a").Version
		p := b.post("a", undoRequested())
		same(b, "number", p.Seq, 3)
		r := b.read("a")
		same(b, "finished", r.Finished, false)
		same(b, "version rose", r.Version > before, true)
		same(b, "dirty", len(b.dirty()), 1)
		refs, _ := b.overdue()
		same(b, "overdue at once", refs, "")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
		b.Advance(2 * time.Second)
		refs, _ = b.overdue()
		same(b, "overdue", refs, "a")
		b.signal("a")
		same(b, "events", kinds(b.claim("a").Events), "created completed undo_requested signal")
	}},
	{"it is asked once", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.post("a", undoRequested())
		again := b.post("a", undoRequested())
		same(b, "duplicate", again.Duplicate, true)
		same(b, "number", again.Seq, 3)
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 3))
		same(b, "duplicate after its end", b.post("a", undoRequested()).Duplicate, true)
		same(b, "events", b.kinds("a"), "created completed undo_requested cancelled")
	}},
	{"a failed or cancelled task stays finished", func(b *bench) {
		b.finished(created("a"), saga.KindFailed)
		b.finished(created("b"), saga.KindCancelled)
		for _, id := range []string{"a", "b"} {
			_, err := b.Journal.Post(b.Context(), id, undoRequested())
			b.wants(saga.ErrFinished, err)
			same(b, "finished", b.read(id).Finished, true)
		}
	}},
	{"a task that has not ended has nothing to reopen", func(b *bench) {
		b.started("a")
		_, err := b.Journal.Post(b.Context(), "a", undoRequested())
		b.wants(saga.ErrConflict, err)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"its second end is the end", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.post("a", undoRequested())
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 3))
		same(b, "finished", b.read("a").Finished, true)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrFinished, err)
		same(b, "outbox", b.outbox()[0], saga.Delivery{Child: "a", Seq: 4, Parent: "p", Path: "loop[3]/ship"})
	}},
}
