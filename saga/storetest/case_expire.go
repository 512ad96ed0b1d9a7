package storetest

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

var expireCases = []testCase{
	{"a finished task stays until its row is written", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.Advance(1000 * time.Hour)
		same(b, "events", b.kinds("a"), "created completed")
	}},
	{"a finished task stays while the version written is an old one", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		b.append(b.claim("a").Lease, finish(saga.KindCompleted, 1))
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"a finished task whose row is written is kept for 24 h", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.flush()
		b.Advance(23 * time.Hour)
		b.read("a")
		b.Advance(61 * time.Minute)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"an open task whose row is written is kept", func(b *bench) {
		b.started("a")
		b.flush()
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"its id stays taken for another 24 h", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.flush()
		b.Advance(47 * time.Hour)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrFinished, err)
		_, err = b.Journal.Post(b.Context(), "a", signal())
		b.wants(saga.ErrFinished, err)
		_, err = b.Journal.Post(b.Context(), "a", undoRequested())
		b.wants(saga.ErrFinished, err)
		s := b.started("a")
		same(b, "new", s.New, false)
		same(b, "finished", s.Finished, true)
		same(b, "id", s.Ref.ID, "a")
		c := created("a")
		c.Hash = "another"
		_, err = b.Journal.Start(b.Context(), saga.Start{Created: c})
		b.wants(saga.ErrConflict, err)
	}},
	{"after that the id is free", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.flush()
		b.Advance(49 * time.Hour)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrNotFound, err)
		same(b, "new", b.started("a").New, true)
	}},
	{"a task that is open again does not expire", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.flush()
		b.Advance(time.Hour)
		b.post("a", undoRequested())
		b.flush()
		b.Advance(1000 * time.Hour)
		same(b, "events", kinds(b.claim("a").Events), "created completed undo_requested")
	}},
}

var childCases = []testCase{
	{"a child does not expire before its parent", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"a child is kept for 24 h after its parent's row is written", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		b.Advance(100 * time.Hour)
		b.finished(created("p"), saga.KindCompleted)
		b.flush("a")
		b.Advance(23 * time.Hour)
		b.read("a")
		b.Advance(2 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
		_, err = b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrFinished, err)
	}},
	{"a child that is let go once more is not kept any longer", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		b.finished(created("p"), saga.KindCompleted)
		s := b.dirty()[0]
		f := saga.Flushed{ID: "p", Version: s.Version, Stored: s.Version, Children: []string{"a"}}
		b.clean(f)
		b.Advance(23 * time.Hour)
		b.clean(f)
		b.Advance(2 * time.Hour)
		for _, id := range []string{"a", "p"} {
			_, err := b.Journal.Read(b.Context(), id)
			b.wants(saga.ErrNotFound, err)
		}
	}},
	{"a child whose row is not written yet is let go, and expires with its own row", func(b *bench) {
		b.finished(created("p"), saga.KindFailed)
		b.flush("a")
		b.finished(child("a"), saga.KindCompleted)
		s := b.dirty()[0]
		b.finished(created("q"), saga.KindFailed)
		b.flush("a") // only q is dirty
		b.Advance(100 * time.Hour)
		b.read("a")
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"a child that has not ended is let go, and expires after its end", func(b *bench) {
		b.start(child("a"))
		b.finished(created("p"), saga.KindFailed)
		b.flush("a")
		b.Advance(100 * time.Hour)
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 1))
		b.flush()
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"a parent whose row is old lets no child go", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		b.finished(created("p"), saga.KindCompleted)
		s := b.dirty()[0]
		b.post("p", undoRequested())
		b.clean(saga.Flushed{ID: "p", Version: s.Version, Stored: s.Version, Children: []string{"a"}})
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"a child that is undone after it was let go does not expire", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		b.finished(created("p"), saga.KindCompleted)
		b.flush("a")
		b.post("a", undoRequested())
		b.append(b.claim("a").Lease, finish(saga.KindCancelled, 3))
		b.flush()
		b.Advance(1000 * time.Hour)
		b.read("a")
	}},
	{"a grandchild is kept as long as its grandparent may undo it", func(b *bench) {
		grandchild := child("g")
		grandchild.Parent = "a"
		b.finished(grandchild, saga.KindCompleted)
		b.flush()
		b.start(child("a"))
		b.append(b.claim("a").Lease, saga.Batch{
			Read: 1, Facts: []saga.Event{{Kind: saga.KindChildStarted, Path: "x"}},
			Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish,
		})
		b.flush("g")
		b.Advance(100 * time.Hour)
		same(b, "events", b.kinds("g"), "created completed")
		b.read("a")
		b.finished(created("p"), saga.KindCompleted)
		b.flush("a") // p lets a go
		b.flush("g") // and a, in turn, lets g go
		b.Advance(25 * time.Hour)
		for _, id := range []string{"a", "g"} {
			_, err := b.Journal.Read(b.Context(), id)
			b.wants(saga.ErrNotFound, err)
		}
	}},
	{"a child that is gone already is no obstacle", func(b *bench) {
		b.finished(created("p"), saga.KindCompleted)
		b.flush("missing")
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "p")
		b.wants(saga.ErrNotFound, err)
	}},
}
