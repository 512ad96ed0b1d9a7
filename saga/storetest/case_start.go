package storetest

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

var startCases = []testCase{
	{"a new id is recorded", func(b *bench) {
		s := b.started("a")
		same(b, "new", s.New, true)
		same(b, "finished", s.Finished, false)
		same(b, "ref", s.Ref, saga.Ref{ID: "a", Type: "order", Queue: "default"})
		r := b.read("a")
		same(b, "events", kinds(r.Events), "created")
		same(b, "input", string(r.Events[0].Created.Input), `{"a":1}`)
		same(b, "number", r.Events[0].Seq, 1)
	}},
	{"the same request again is the same task", func(b *bench) {
		b.started("a")
		again := b.started("a")
		same(b, "new", again.New, false)
		same(b, "finished", again.Finished, false)
		same(b, "ref", again.Ref, saga.Ref{ID: "a", Type: "order", Queue: "default"})
		same(b, "events", b.kinds("a"), "created")
	}},
	{"the same request again tells the recorded queue", func(b *bench) {
		b.started("a")
		c := created("a")
		c.Queue = "other"
		same(b, "queue", b.start(c).Ref.Queue, "default")
	}},
	{"another request with the same id is a conflict", func(b *bench) {
		b.started("a")
		c := created("a")
		c.Hash = "another"
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: c})
		b.wants(saga.ErrConflict, err)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"the same request after the end tells so", func(b *bench) {
		b.finished(created("a"), saga.KindCompleted)
		s := b.started("a")
		same(b, "new", s.New, false)
		same(b, "finished", s.Finished, true)
	}},
	{"a task for later tells when", func(b *bench) {
		b.started("clock")
		now := b.claim("clock").Now
		c := created("a")
		c.ProcessAt = saga.MicrosOf(now.Add(time.Hour))
		same(b, "due", b.start(c).Ref.Due, now.Add(time.Hour))
		same(b, "due again", b.start(c).Ref.Due, now.Add(time.Hour))
		same(b, "due as read", b.read("a").Ref.Due, now.Add(time.Hour))
	}},
	{"a task for later is overdue 2 s after its time", func(b *bench) {
		b.started("clock")
		now := b.claim("clock").Now
		b.flush()
		c := created("a")
		c.ProcessAt = saga.MicrosOf(now.Add(time.Hour))
		b.start(c)
		b.Advance(time.Hour + time.Second)
		refs, _ := b.overdue()
		same(b, "overdue at its time", refs, "clock")
		b.Advance(2 * time.Second)
		refs, _ = b.overdue()
		same(b, "overdue after 2 s", refs, "a")
	}},
	{"a task that nobody queued is overdue after 2 s", func(b *bench) {
		b.started("a")
		refs, next := b.overdue()
		same(b, "overdue at once", refs, "")
		created := b.read("a").Events[0].At
		same(b, "next", next, created.Add(2*time.Second))
		b.Advance(2*time.Second + time.Millisecond)
		refs, _ = b.overdue()
		same(b, "overdue", refs, "a")
	}},
	{"an id that cannot be one is refused", func(b *bench) {
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: created("a b")})
		if err == nil {
			b.Fatal("it was taken")
		}
	}},
	{"a task that does not exist cannot be read", func(b *bench) {
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
}
