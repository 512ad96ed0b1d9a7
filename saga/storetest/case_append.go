package storetest

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

var appendCases = []testCase{
	{"facts and decisions follow on from what was read", func(b *bench) {
		b.started("a")
		c := b.claim("a")
		a := b.append(c.Lease, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}, Decisions: []saga.Event{decision("y"), decision("z")}})
		same(b, "decided", a.Decided, true)
		same(b, "between", kinds(a.Between), "")
		same(b, "first fact", a.Facts, 2)
		r := b.read("a")
		same(b, "events", kinds(r.Events), "created step_done step_started step_started")
		for i, e := range r.Events {
			same(b, "number", e.Seq, int64(i+1))
		}
		same(b, "body", string(r.Events[1].Data), `"done"`)
		same(b, "moment", r.Events[3].At, a.Now)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
	}},
	{"it needs the right epoch", func(b *bench) {
		l := b.claimed("a")
		for _, by := range []int64{-1, 1} {
			wrong := l
			wrong.Epoch += by
			_, err := b.Journal.Append(b.Context(), wrong, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
			b.wants(saga.ErrOvertaken, err)
		}
		same(b, "events", b.kinds("a"), "created")
	}},
	{"it needs the right nonce", func(b *bench) {
		l := b.claimed("a")
		l.Nonce = "another"
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"a runner that was overtaken writes nothing", func(b *bench) {
		old := b.claimed("a")
		b.Advance(6 * time.Second)
		b.claim("a")
		_, err := b.Journal.Append(b.Context(), old, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"a runner that gave the lease back writes nothing", func(b *bench) {
		l := b.claimed("a")
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, false))
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a missing task takes nothing", func(b *bench) {
		_, err := b.Journal.Append(b.Context(), saga.Lease{ID: "a", Epoch: 1, Nonce: "n"}, saga.Batch{Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"an ended lease that nobody took may still append", func(b *bench) {
		l := b.claimed("a")
		b.Advance(time.Minute)
		same(b, "decided", b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x")}}).Decided, true)
	}},
	{"decisions are refused and facts kept when something came in between", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		a := b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x"), fact("y")}, Decisions: []saga.Event{decision("z")}})
		same(b, "decided", a.Decided, false)
		same(b, "between", kinds(a.Between), "signal")
		same(b, "between's number", a.Between[0].Seq, 2)
		same(b, "first fact", a.Facts, 3)
		same(b, "events", b.kinds("a"), "created signal step_done step_done")
		a = b.append(l, saga.Batch{Read: 4, Decisions: []saga.Event{decision("z")}})
		same(b, "decided when read on", a.Decided, true)
	}},
	{"decisions alone are refused, and nothing is written", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		before := b.read("a").Version
		a := b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("z")}})
		same(b, "decided", a.Decided, false)
		same(b, "between", kinds(a.Between), "signal")
		same(b, "events", b.kinds("a"), "created signal")
		same(b, "version", b.read("a").Version, before)
	}},
	{"a refused park keeps the lease", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		same(b, "decided", b.append(l, park(1, time.Time{})).Decided, false)
		_, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		_, err = b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
	}},
	{"a refused finish does not finish", func(b *bench) {
		l := b.claimed("a")
		b.post("a", saga.Message{Event: saga.Event{Kind: saga.KindCancel}})
		same(b, "decided", b.append(l, finish(saga.KindCompleted, 1)).Decided, false)
		same(b, "finished", b.read("a").Finished, false)
		same(b, "decided", b.append(l, finish(saga.KindCancelled, 2)).Decided, true)
		same(b, "events", b.kinds("a"), "created cancel cancelled")
	}},
	{"a park gives the lease back and says when to look again", func(b *bench) {
		b.started("a")
		c := b.claim("a")
		due := c.Now.Add(time.Minute)
		b.append(c.Lease, park(1, due))
		same(b, "due", b.read("a").Ref.Due, due)
		_, next := b.overdue()
		same(b, "next", next, due.Add(2*time.Second))
		same(b, "a claimed task is due now", b.claim("a").Lease.Epoch > 0 && b.read("a").Ref.Due.IsZero(), true)
	}},
	{"a park for ever stays open", func(b *bench) {
		b.parked("a")
		_, next := b.overdue()
		same(b, "next", next, time.Time{})
		b.claim("a")
	}},
	{"a park needs no event", func(b *bench) {
		l := b.claimed("a")
		b.flush()
		before := b.read("a").Version
		b.append(l, saga.Batch{Read: 1, Then: saga.Park})
		same(b, "events", b.kinds("a"), "created")
		same(b, "version", b.read("a").Version, before)
		same(b, "dirty", len(b.dirty()), 0)
		b.claim("a")
	}},
	{"a park without an event is refused when something came in between", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		same(b, "decided", b.append(l, saga.Batch{Read: 1, Then: saga.Park}).Decided, false)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
	}},
	{"a finish ends the task", func(b *bench) {
		l := b.claimed("a")
		b.append(l, finish(saga.KindCompleted, 1))
		same(b, "finished", b.read("a").Finished, true)
		_, next := b.overdue()
		same(b, "next", next, time.Time{})
		b.Advance(time.Hour)
		refs, _ := b.overdue()
		same(b, "overdue", refs, "")
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{Read: 2, Facts: []saga.Event{fact("late")}})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a finish clears the wake mark", func(b *bench) {
		l := b.claimed("a")
		b.Advance(6 * time.Second)
		b.signal("a") // no lease is fresh: a mark
		b.append(l, finish(saga.KindCompleted, 2))
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a finish needs a terminal event, and a terminal event a finish", func(b *bench) {
		l := b.claimed("a")
		for _, batch := range []saga.Batch{
			{Read: 1, Then: saga.Finish},
			{Read: 1, Decisions: []saga.Event{decision("x")}, Then: saga.Finish},
			{Read: 1, Decisions: []saga.Event{{Kind: saga.KindFailed}}},
			{Read: 1, Decisions: []saga.Event{{Kind: saga.KindFailed}, decision("x")}, Then: saga.Finish},
		} {
			if _, err := b.Journal.Append(b.Context(), l, batch); err == nil {
				b.Fatalf("%+v was taken", batch)
			}
		}
		same(b, "events", b.kinds("a"), "created")
	}},
	{"a journal that went back in time stops the runner", func(b *bench) {
		l := b.claimed("a")
		b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x"), decision("y")}})
		b.Truncate("a", 2)
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{Read: 3, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		same(b, "events", b.kinds("a"), "created step_started")
	}},
	{"a journal that went back and took another way stops the runner", func(b *bench) {
		l := b.claimed("a")
		at := b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x")}}).Now
		b.Truncate("a", 1)
		b.Advance(time.Millisecond)
		b.signal("a") // in the place of the lost event
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{Read: 2, ReadAt: saga.MicrosOf(at), Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		same(b, "events", b.kinds("a"), "created signal")
	}},
	{"a batch may name the moment of the event it follows", func(b *bench) {
		b.started("a")
		c := b.claim("a")
		l, first := c.Lease, saga.MicrosOf(c.Events[0].At)
		at := b.append(l, saga.Batch{Read: 1, ReadAt: first, Decisions: []saga.Event{decision("x")}}).Now
		same(b, "decided", b.append(l, saga.Batch{Read: 2, ReadAt: saga.MicrosOf(at), Decisions: []saga.Event{decision("y")}}).Decided, true)
	}},
	{"the version rises with every append", func(b *bench) {
		l := b.claimed("a")
		last := b.read("a").Version
		for i := range int64(20) {
			told := int64(0)
			if i%2 == 0 {
				told = b.append(l, saga.Batch{Read: 1 + i, Facts: []saga.Event{fact("x")}}).Version
			} else {
				b.signal("a")
			}
			r := b.read("a")
			same(b, "is told", told == 0 || told == r.Version, true)
			same(b, "is told of appends", told == 0, i%2 == 1)
			same(b, "rose", r.Version > last, true)
			same(b, "at least the time", r.Version >= r.Events[len(r.Events)-1].At.UnixMicro(), true)
			last = r.Version
		}
	}},
	{"an append marks the row dirty", func(b *bench) {
		l := b.claimed("a")
		b.flush()
		same(b, "dirty", len(b.dirty()), 0)
		b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}})
		same(b, "dirty", len(b.dirty()), 1)
	}},
	{"an event that is not there has no moment", func(b *bench) {
		l := b.claimed("a")
		_, err := b.Journal.Append(b.Context(), l, saga.Batch{ReadAt: 1, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"any byte survives in a body", func(b *bench) {
		l := b.claimed("a")
		e := fact("x")
		e.Error = "a:b:\x00\r\n\"%s\u2028é\\"
		b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{e}})
		same(b, "error", b.read("a").Events[1].Error, e.Error)
	}},
}

var replayCases = []testCase{
	{"a batch that is sent again is appended once", func(b *bench) {
		l := b.claimed("a")
		batch := saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}, Decisions: []saga.Event{decision("y")}}
		first := b.append(l, batch)
		again := b.append(l, batch)
		same(b, "decided", again.Decided, true)
		same(b, "between", len(again.Between), 0)
		same(b, "first fact", again.Facts, first.Facts)
		same(b, "events", b.kinds("a"), "created step_done step_started")
	}},
	{"a batch whose decisions were refused is answered so again", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		batch := saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}, Decisions: []saga.Event{decision("y")}}
		b.append(l, batch)
		b.signal("a")
		again := b.append(l, batch)
		same(b, "decided", again.Decided, false)
		same(b, "between", kinds(again.Between), "signal")
		same(b, "first fact", again.Facts, 3)
		same(b, "events", b.kinds("a"), "created signal step_done signal")
	}},
	{"a park that is sent again was taken", func(b *bench) {
		l := b.claimed("a")
		b.append(l, park(1, time.Time{}))
		same(b, "decided", b.append(l, park(1, time.Time{})).Decided, true)
		same(b, "events", b.kinds("a"), "created waiting")
		b.claim("a")
	}},
	{"a finish that is sent again was taken", func(b *bench) {
		l := b.claimed("a")
		b.append(l, finish(saga.KindCompleted, 1))
		same(b, "decided", b.append(l, finish(saga.KindCompleted, 1)).Decided, true)
		same(b, "events", b.kinds("a"), "created completed")
	}},
	{"a park that is sent again after somebody's claim is overtaken", func(b *bench) {
		l := b.claimed("a")
		b.append(l, park(1, time.Time{}))
		b.claim("a")
		_, err := b.Journal.Append(b.Context(), l, park(1, time.Time{}))
		b.wants(saga.ErrOvertaken, err)
	}},
	{"the same event twice in a journal is no replay", func(b *bench) {
		l := b.claimed("a")
		b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x")}})
		b.append(l, saga.Batch{Read: 2, Decisions: []saga.Event{decision("x")}})
		same(b, "events", b.kinds("a"), "created step_started step_started")
	}},
	{"an empty batch is a look at the journal", func(b *bench) {
		l := b.claimed("a")
		a := b.append(l, saga.Batch{Read: 1})
		same(b, "decided", a.Decided, true)
		same(b, "first fact", a.Facts, 2)
		b.signal("a")
		a = b.append(l, saga.Batch{Read: 1})
		same(b, "decided", a.Decided, false)
		same(b, "first fact", a.Facts, 3)
		same(b, "between", kinds(a.Between), "signal")
		same(b, "events", b.kinds("a"), "created signal")
	}},
}
