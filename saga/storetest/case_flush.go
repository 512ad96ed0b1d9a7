package storetest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/osp-platform/osp/saga"
)

var flushCases = []testCase{
	{"a new task is dirty", func(b *bench) {
		b.started("a")
		list := b.dirty()
		same(b, "dirty", len(list), 1)
		r := b.read("a")
		same(b, "ref", list[0].Ref, r.Ref)
		same(b, "version", list[0].Version, r.Version)
		same(b, "events", kinds(list[0].Events), "created")
		same(b, "finished", list[0].Finished, false)
	}},
	{"a dirty task is handed out once in 10 s", func(b *bench) {
		b.started("a")
		same(b, "dirty", len(b.dirty()), 1)
		same(b, "dirty for the next", len(b.dirty()), 0)
		b.Advance(9 * time.Second)
		same(b, "dirty too soon", len(b.dirty()), 0)
		b.Advance(1100 * time.Millisecond)
		same(b, "dirty again", len(b.dirty()), 1)
	}},
	{"up to the limit, the oldest first", func(b *bench) {
		for i := range 5 {
			b.started("a" + strconv.Itoa(4-i))
			b.Advance(time.Millisecond)
		}
		list, err := b.Journal.Dirty(b.Context(), 2)
		b.no(err)
		b.first(list[0].Ref.ID+" "+list[1].Ref.ID, "a4 a3")
		same(b, "the rest", len(b.dirty()), 3)
	}},
	{"a row that is written is clean", func(b *bench) {
		b.started("a")
		b.flush()
		b.Advance(time.Minute)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a row that the store refused for an equal one is clean", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		b.Advance(time.Minute)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"an append while the row is being written leaves it dirty at once", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		b.signal("a")
		same(b, "dirty while held", len(b.dirty()), 0)
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		list := b.dirty()
		same(b, "dirty", len(list), 1)
		same(b, "events", kinds(list[0].Events), "created signal")
		b.clean(saga.Flushed{ID: "a", Version: list[0].Version, Stored: list[0].Version})
		b.Advance(time.Minute)
		same(b, "dirty in the end", len(b.dirty()), 0)
	}},
	{"an append does not cut short what a flusher holds", func(b *bench) {
		l := b.claimed("a")
		same(b, "dirty", len(b.dirty()), 1)
		b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x")}})
		same(b, "dirty while held", len(b.dirty()), 0)
	}},
	{"an append does not postpone a mark", func(b *bench) {
		b.started("a")
		for range 3 {
			b.Advance(time.Second)
			b.signal("a")
		}
		b.started("b")
		list, err := b.Journal.Dirty(b.Context(), 1)
		b.no(err)
		b.first(list[0].Ref.ID, "a")
	}},
	{"a late flusher with an old version does not clean", func(b *bench) {
		b.started("a")
		old := b.dirty()[0]
		b.Advance(11 * time.Second)
		b.signal("a")
		s := b.dirty()[0]
		b.clean(saga.Flushed{ID: "a", Version: old.Version, Stored: old.Version})
		same(b, "dirty", len(b.dirty()), 1)
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		b.clean(saga.Flushed{ID: "a", Version: old.Version, Stored: old.Version})
		b.Advance(time.Minute)
		same(b, "dirty in the end", len(b.dirty()), 0)
	}},
	{"a store that is ahead makes the version rise above it", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		ahead := s.Version + int64(time.Hour/time.Microsecond)
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: ahead})
		list := b.dirty()
		same(b, "dirty at once", len(list), 1)
		same(b, "version", list[0].Version, ahead+1)
		b.signal("a")
		same(b, "version after that", b.read("a").Version, ahead+2)
		b.append(b.claim("a").Lease, saga.Batch{Read: 2, Decisions: []saga.Event{decision("x")}})
		same(b, "version after that", b.read("a").Version, ahead+3)
	}},
	{"a store that is ahead does not lower a version", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		b.Advance(time.Second)
		b.signal("a")
		version := b.read("a").Version
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version + 1})
		same(b, "version", b.read("a").Version, version)
		same(b, "dirty", len(b.dirty()), 1)
	}},
	{"a mark without a journal is forgotten", func(b *bench) {
		b.clean(saga.Flushed{ID: "missing", Version: 1, Stored: 1})
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"several rows are cleaned at once", func(b *bench) {
		for i := range 20 {
			b.started("a" + strconv.Itoa(i))
		}
		var list []saga.Flushed
		for _, s := range b.dirty() {
			list = append(list, saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version})
		}
		same(b, "dirty", len(list), 20)
		b.clean(list...)
		b.clean()
		b.Advance(time.Minute)
		same(b, "dirty", len(b.dirty()), 0)
	}},
}

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

var limitCases = []testCase{
	{"an input over its limit is refused, and nothing is written", func(b *bench) {
		c := created("a")
		c.Input = text(saga.MaxInput + 1)
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: c})
		b.wants(saga.ErrTooLarge, err)
		_, err = b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
		c.Input = text(saga.MaxInput)
		same(b, "new", b.start(c).New, true)
	}},
	{"a payload over its limit is refused, and nothing is written", func(b *bench) {
		b.started("a")
		m := signal()
		m.Event.Data = text(saga.MaxOutput + 1)
		_, err := b.Journal.Post(b.Context(), "a", m)
		b.wants(saga.ErrTooLarge, err)
		same(b, "events", b.kinds("a"), "created")
		m.Event.Data = text(saga.MaxOutput)
		b.post("a", m)
	}},
	{"a full journal takes no signal, but all that lets the task end", func(b *bench) {
		l := b.claimed("a")
		big := fact("x")
		big.Data = text(saga.MaxOutput)
		read := int64(1)
		for range saga.SoftJournal / saga.MaxOutput {
			b.append(l, saga.Batch{Read: read, Facts: []saga.Event{big}})
			read++
		}
		m := signal()
		m.Dedupe = "key"
		_, err := b.Journal.Post(b.Context(), "a", m)
		b.wants(saga.ErrTooLarge, err)
		r, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		same(b, "length", r.Length, read)
		b.append(l, park(read, time.Time{}))
		_, err = b.Journal.Post(b.Context(), "a", m)
		b.wants(saga.ErrTooLarge, err)
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
		for _, kind := range []saga.EventKind{saga.KindCancel, saga.KindResolved, saga.KindChildFinished} {
			b.post("a", saga.Message{Event: saga.Event{Kind: kind}})
		}
		c := b.claim("a")
		same(b, "bytes", c.Bytes > saga.SoftJournal && c.Bytes < saga.SoftJournal+10_000, true)
		b.append(c.Lease, finish(saga.KindCompleted, read+4))
		b.post("a", undoRequested())
	}},
}

var settingCases = []testCase{
	{"a lease may be shorter", func(b *bench) {
		b.started("a")
		same(b, "lease", b.claim("a").For, time.Second)
		b.Advance(time.Second + time.Millisecond)
		refs, _ := b.overdue()
		same(b, "overdue", refs, "a")
		same(b, "lease", b.claim("a").For, time.Second)
	}},
	{"a finished task may be kept for an hour, and its id for two more", func(b *bench) {
		b.finished(created("a"), saga.KindFailed)
		b.flush()
		b.Advance(59 * time.Minute)
		b.read("a")
		b.Advance(2 * time.Minute)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
		b.Advance(118 * time.Minute)
		same(b, "new", b.started("a").New, false)
		b.Advance(2 * time.Minute)
		same(b, "new", b.started("a").New, true)
	}},
}

// text is a JSON value of n bytes.
func text(n int) json.RawMessage {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = 'x'
	}
	raw[0], raw[n-1] = '"', '"'
	return raw
}
