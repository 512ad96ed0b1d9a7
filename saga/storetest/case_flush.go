package storetest

import (
	"strconv"
	"strings"
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
		same(b, "stored", len(list[0].Stored), 1)
		e, err := saga.Decode(list[0].Stored[0])
		b.no(err)
		same(b, "what is stored", e.Created.ID, list[0].Events[0].Created.ID)
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
	{"a row that could not be written is given back at once", func(b *bench) {
		b.started("a")
		b.dirty()
		b.clean(saga.Flushed{ID: "a"})
		same(b, "dirty at once", len(b.dirty()), 1)
		b.flush()
	}},
	{"a row that somebody has written in the meantime is not given back", func(b *bench) {
		b.started("a")
		b.flush()
		b.clean(saga.Flushed{ID: "a"})
		same(b, "dirty", len(b.dirty()), 0)
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
	{"what was written and has no journal any more is told", func(b *bench) {
		b.started("a")
		b.started("b")
		var written []saga.Flushed
		for _, s := range b.dirty() {
			written = append(written, saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version})
		}
		b.Lose()
		b.Advance(time.Second)
		b.started("a")
		gone, err := b.Journal.Clean(b.Context(), written)
		b.no(err)
		same(b, "gone", strings.Join(gone, " "), "b")
		same(b, "dirty", len(b.dirty()), 1)
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
