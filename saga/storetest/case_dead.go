package storetest

import (
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// buried is a new task whose row was refused; it returns what was handed out of it.
func (b *bench) buried(id string) saga.Snapshot {
	b.Helper()
	b.started(id)
	return b.bury(id)
}

// bury refuses the row of the one task that is dirty.
func (b *bench) bury(id string) saga.Snapshot {
	b.Helper()
	list := b.dirty()
	same(b, "dirty", len(list), 1)
	fresh, err := b.Journal.Bury(b.Context(), id, list[0].Version, "no such column")
	b.no(err)
	same(b, "a new letter", fresh, true)
	return list[0]
}

// dead lists the ids of all letters.
func (b *bench) dead() string {
	b.Helper()
	letters, err := b.Journal.DeadLetters(b.Context(), "", 100)
	b.no(err)
	var list []string
	for _, l := range letters {
		list = append(list, l.ID)
	}
	return strings.Join(list, " ")
}

func (b *bench) resend(ids ...string) int {
	b.Helper()
	n, err := b.Journal.Resend(b.Context(), ids)
	b.no(err)
	return n
}

var deadCases = []testCase{
	{"a letter tells which row was refused, and why", func(b *bench) {
		s := b.buried("a")
		letters, err := b.Journal.DeadLetters(b.Context(), "", 10)
		b.no(err)
		same(b, "letters", len(letters), 1)
		l := letters[0]
		same(b, "id, type and error", l.ID+", "+l.Type+", "+l.Error, "a, order, no such column")
		same(b, "version", l.Version, s.Version)
		same(b, "when", l.At.Sub(s.Events[0].At) < time.Minute && !l.At.Before(s.Events[0].At), true)
	}},
	{"a buried row is not dirty any more", func(b *bench) {
		b.buried("a")
		b.Advance(time.Hour)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a row that is buried twice is one letter, and the first one stays", func(b *bench) {
		s := b.buried("a")
		fresh, err := b.Journal.Bury(b.Context(), "a", s.Version, "another reason")
		b.no(err)
		same(b, "new", fresh, false)
		letters, err := b.Journal.DeadLetters(b.Context(), "", 10)
		b.no(err)
		same(b, "letters", len(letters), 1)
		same(b, "error", letters[0].Error, "no such column")
	}},
	{"a task that has grown since is not buried, but dirty at once", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		b.signal("a")
		fresh, err := b.Journal.Bury(b.Context(), "a", s.Version, "no")
		b.no(err)
		same(b, "new", fresh, false)
		same(b, "letters", b.dead(), "")
		same(b, "dirty", len(b.dirty()), 1)
	}},
	{"a task that is unknown is not buried", func(b *bench) {
		fresh, err := b.Journal.Bury(b.Context(), "missing", 1, "no")
		b.no(err)
		same(b, "new", fresh, false)
		same(b, "letters", b.dead(), "")
	}},
	{"an append has a buried row tried again, and success removes the letter", func(b *bench) {
		b.buried("a")
		b.signal("a")
		same(b, "letters until then", b.dead(), "a")
		b.flush()
		same(b, "letters", b.dead(), "")
		same(b, "resent", b.resend("a"), 0)
		b.Advance(time.Minute)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a row that is refused again replaces its letter", func(b *bench) {
		b.buried("a")
		b.signal("a")
		s := b.bury("a")
		letters, err := b.Journal.DeadLetters(b.Context(), "", 10)
		b.no(err)
		same(b, "letters", len(letters), 1)
		same(b, "version", letters[0].Version, s.Version)
	}},
	{"a late flusher with an old version removes no letter", func(b *bench) {
		b.started("a")
		old := b.dirty()[0]
		b.Advance(11 * time.Second)
		b.signal("a")
		b.bury("a")
		b.clean(saga.Flushed{ID: "a", Version: old.Version, Stored: old.Version})
		same(b, "letters", b.dead(), "a")
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a letter that is sent again is dirty at once, and gone", func(b *bench) {
		b.buried("a")
		same(b, "resent", b.resend("a", "missing"), 1)
		same(b, "letters", b.dead(), "")
		same(b, "resent again", b.resend("a"), 0)
		b.bury("a")
		same(b, "letters after it was refused again", b.dead(), "a")
	}},
	{"what has no letter is not sent again", func(b *bench) {
		b.started("a")
		b.flush()
		same(b, "resent", b.resend("a"), 0)
		same(b, "resent", b.resend(), 0)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"letters come in the order of their ids, a page at a time", func(b *bench) {
		for _, id := range []string{"c", "a", "e", "b", "d"} {
			b.buried(id)
		}
		var pages []string
		for after := ""; ; {
			letters, err := b.Journal.DeadLetters(b.Context(), after, 2)
			b.no(err)
			if len(letters) == 0 {
				break
			}
			var page []string
			for _, l := range letters {
				page, after = append(page, l.ID), l.ID
			}
			pages = append(pages, strings.Join(page, " "))
		}
		same(b, "pages", strings.Join(pages, ", "), "a b, c d, e")
	}},
	{"a long reason is cut short", func(b *bench) {
		b.started("a")
		s := b.dirty()[0]
		_, err := b.Journal.Bury(b.Context(), "a", s.Version, strings.Repeat("ä", 1000)+"b")
		b.no(err)
		letters, err := b.Journal.DeadLetters(b.Context(), "", 10)
		b.no(err)
		same(b, "error", letters[0].Error, strings.Repeat("ä", saga.MaxReason/2))
	}},
	{"a finished task does not expire while its row is buried", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		b.bury("a")
		b.Advance(1000 * time.Hour)
		same(b, "events", b.kinds("a"), "created completed")
		same(b, "resent", b.resend("a"), 1)
		b.flush()
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"a child does not expire while its row is buried, though its parent lets it go", func(b *bench) {
		b.finished(child("a"), saga.KindCompleted)
		b.bury("a")
		b.finished(created("p"), saga.KindCompleted)
		b.flush("a")
		b.Advance(1000 * time.Hour)
		same(b, "events", b.kinds("a"), "created completed")
		b.resend("a")
		b.flush()
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
}
