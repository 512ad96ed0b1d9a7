package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// forget removes journals, and returns the ids of those that were left alone.
func (b *bench) forget(ids ...string) string {
	b.Helper()
	left, err := b.Journal.Forget(b.Context(), ids)
	b.no(err)
	slices.Sort(left)
	return strings.Join(left, " ")
}

// unwritten lists the unwritten tasks of a service; one that was refused has a star and its end.
func (b *bench) unwritten(service string) string {
	b.Helper()
	list, err := b.Journal.Unwritten(b.Context(), func(c saga.Created) bool { return c.Service == service })
	b.no(err)
	var names []string
	for _, u := range list {
		name := u.ID
		if u.State != "" {
			name += "*" + string(u.State)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// of is a request for a task of a service.
func of(service, id string) saga.Created {
	c := created(id)
	c.Service = service
	return c
}

var forgetCases = []testCase{
	{"the journal of a task that has ended and is written is removed", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.finished(created("b"), saga.KindFailed)
		b.flush()
		same(b, "left", b.forget("a"), "")
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
		b.read("b")
		same(b, "left of what is gone", b.forget("a", "unheard-of"), "")
	}},
	{"its id stays taken as long as it would have", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.flush()
		b.Advance(10 * time.Hour)
		b.forget("a")
		b.Advance(37 * time.Hour)
		same(b, "new", b.started("a").New, false)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.wants(saga.ErrFinished, err)
		b.Advance(2 * time.Hour)
		same(b, "new", b.started("a").New, true)
	}},
	{"the id of a task that is gone already is taken, too, and no shorter than that of others", func(b *bench) {
		b.finished(created("old"), saga.KindCompleted)
		b.flush()
		b.Advance(47 * time.Hour) // its journal has expired, and its id is soon free
		b.forget("old", "unheard-of")
		b.Advance(23 * time.Hour)
		same(b, "new", b.started("old").New, false)
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: created("unheard-of")})
		b.wants(saga.ErrConflict, err)
		_, err = b.Journal.Claim(b.Context(), "unheard-of", b.nonce())
		b.wants(saga.ErrFinished, err)
		b.Advance(2 * time.Hour)
		same(b, "new", b.started("old").New, true)
		same(b, "new", b.started("unheard-of").New, true)
	}},
	{"a task that has not ended is left alone", func(b *bench) {
		b.started("new")
		b.parked("parked")
		b.claimed("claimed")
		b.flush()
		same(b, "left", b.forget("claimed", "new", "parked"), "claimed new parked")
		for _, id := range []string{"claimed", "new", "parked"} {
			b.read(id)
		}
	}},
	{"a task whose last row is not written is left alone, even while a flusher holds it", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		same(b, "left", b.forget("a"), "a")
		s := b.dirty()[0]
		same(b, "left while it is held", b.forget("a"), "a")
		b.clean(saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version})
		same(b, "left when it is written", b.forget("a"), "")
	}},
	{"a late flusher finds nothing to mark", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		s := b.dirty()[0]
		f := saga.Flushed{ID: "a", Version: s.Version, Stored: s.Version}
		b.clean(f)
		b.forget("a")
		b.clean(f)
		f.Stored++
		b.clean(f)
		b.Advance(time.Minute)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a child is left alone until its parent's row is written", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.flush()
		same(b, "left", b.forget("a"), "a")
		b.finished(created("p"), saga.KindCompleted)
		b.flush("a")
		same(b, "left after that", b.forget("a", "p"), "")
	}},
	{"a dead letter goes with its task", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.bury("a")
		same(b, "left", b.forget("a"), "")
		same(b, "new", b.started("a").New, false)
		b.Advance(25 * time.Hour)
		same(b, "new when the id is free", b.started("a").New, true)
		b.flush()
		same(b, "unwritten", b.unwritten(""), "")
		same(b, "letters", b.dead(), "")
	}},
	{"many are removed at once", func(b *bench) {
		var all []string
		for range 100 {
			id := "t" + b.nonce()
			all = append(all, id)
			b.finished(created(id), saga.KindCompleted)
		}
		b.flush()
		b.started("open")
		same(b, "left", b.forget(append(all, "open")...), "open")
		for _, id := range all {
			_, err := b.Journal.Read(b.Context(), id)
			b.wants(saga.ErrNotFound, err)
		}
	}},
	{"what is unwritten is told, with what was refused for good", func(b *bench) {
		b.start(of("shop", "written"))
		b.flush()
		b.finished(of("shop", "refused"), saga.KindCompleted)
		b.bury("refused")
		b.start(of("shop", "waits"))
		b.bury("waits") // it has not ended: it may have a row yet
		b.start(of("shop", "grows"))
		b.bury("grows")
		b.signal("grows")
		b.start(of("shop", "new"))
		b.finished(of("shop", "ended"), saga.KindCompleted)
		b.start(of("other", "other"))
		same(b, "unwritten", b.unwritten("shop"), "ended grows new refused*completed waits")
		b.Advance(time.Second)
		b.dirty()
		same(b, "unwritten while a flusher holds them", b.unwritten("shop"), "ended grows new refused*completed waits")
		same(b, "of another service", b.unwritten("other"), "other")
	}},
	{"with its version, which the refused row has", func(b *bench) {
		b.finished(of("shop", "a"), saga.KindFailed)
		letter := b.dirty()[0]
		_, err := b.Journal.Bury(b.Context(), "a", letter.Version, "no such column")
		b.no(err)
		list, err := b.Journal.Unwritten(b.Context(), func(saga.Created) bool { return true })
		b.no(err)
		same(b, "unwritten", len(list), 1)
		same(b, "it", list[0], saga.Unwritten{ID: "a", Version: letter.Version, State: saga.Failed})
	}},
	{"of many unwritten tasks each is told once", func(b *bench) {
		for range 700 {
			b.start(of("shop", "t"+b.nonce()))
		}
		same(b, "unwritten", len(strings.Fields(b.unwritten("shop"))), 700)
	}},
}
