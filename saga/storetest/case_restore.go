package storetest

import (
	"strings"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// kept is what a result store would keep of a task now.
func (b *bench) kept(id string) saga.Kept {
	b.Helper()
	s := b.read(id)
	return saga.Kept{ID: id, Version: s.Version, Journal: s.Stored}
}

func (b *bench) restoration(k saga.Kept) saga.Restoration {
	b.Helper()
	r, err := saga.Restore(k)
	b.no(err)
	return r
}

func (b *bench) restore(k saga.Kept) saga.Restored {
	b.Helper()
	r, err := b.Journal.Restore(b.Context(), b.restoration(k))
	b.no(err)
	return r
}

// restored loses everything and makes the task's journal again.
func (b *bench) restored(id string) saga.Restored {
	b.Helper()
	k := b.kept(id)
	b.Lose()
	return b.restore(k)
}

var restoreCases = []testCase{
	{"a lost journal is made again, event by event", func(b *bench) {
		b.append(b.claimed("a"), saga.Batch{Read: 1, Facts: []saga.Event{decision("x"), fact("x")}})
		before := b.read("a")
		r := b.restored("a")
		same(b, "new", r.New, true)
		same(b, "finished", r.Finished, false)
		after := b.read("a")
		same(b, "events", kinds(after.Events), "created step_started step_done recovered")
		same(b, "stored", strings.Join(after.Stored[:3], "\n"), strings.Join(before.Stored, "\n"))
		same(b, "number", after.Events[3].Seq, 4)
		same(b, "type", after.Ref.Type, "order")
		same(b, "queue", after.Ref.Queue, "default")
	}},
	{"effects that fences tell of come after", func(b *bench) {
		b.started("a")
		k := b.kept("a")
		k.Effects = []saga.Effect{{Path: "x", Result: []byte(`{"n":1}`)}, {Path: "x", Undo: true, Result: []byte(`{}`)}}
		b.Lose()
		b.restore(k)
		s := b.read("a")
		same(b, "events", kinds(s.Events), "created recovered step_started step_done step_done")
		same(b, "result", string(s.Events[3].Data), `{"n":1}`)
		same(b, "undo", s.Events[4].Undo, true)
	}},
	{"nothing is done where there is a journal", func(b *bench) {
		b.started("a")
		k := b.kept("a")
		b.signal("a")
		r := b.restore(k)
		same(b, "new", r.New, false)
		same(b, "finished", r.Finished, false)
		same(b, "queue", r.Ref.Queue, "default")
		same(b, "events", b.kinds("a"), "created signal")
	}},
	{"nothing is done where the task has ended", func(b *bench) {
		b.started("a")
		k := b.kept("a")
		b.append(b.claim("a").Lease, finish(saga.KindCompleted, 1))
		same(b, "new", b.restore(k).New, false)
		same(b, "finished", b.restore(k).Finished, true)
		same(b, "events", b.kinds("a"), "created completed")
	}},
	{"nothing is done where the journal has expired", func(b *bench) {
		b.started("a")
		k := b.kept("a")
		b.append(b.claim("a").Lease, finish(saga.KindCompleted, 1))
		b.flush()
		b.Advance(25 * time.Hour)
		same(b, "new", b.restore(k).New, false)
		same(b, "finished", b.restore(k).Finished, true)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"its version is above that of the row", func(b *bench) {
		b.started("a")
		k := b.kept("a")
		k.Version += int64(time.Hour / time.Microsecond)
		b.Lose()
		b.restore(k)
		same(b, "version", b.read("a").Version, k.Version+1)
	}},
	{"it is dirty", func(b *bench) {
		b.started("a")
		b.flush()
		b.restored("a")
		same(b, "dirty", len(b.dirty()), 1)
	}},
	{"it is open, and due now", func(b *bench) {
		b.parked("a")
		b.restored("a")
		due, _ := b.overdue()
		same(b, "at once", due, "")
		b.Advance(3 * time.Second)
		due, _ = b.overdue()
		same(b, "two seconds later", due, "a")
	}},
	{"one that waits for a moment waits on", func(b *bench) {
		l := b.claimed("a")
		due := b.read("a").Events[0].At.Add(time.Hour)
		b.append(l, park(1, due))
		same(b, "due", b.restored("a").Ref.Due.Equal(due), true)
		b.Advance(59 * time.Minute)
		now, _ := b.overdue()
		same(b, "before", now, "")
		b.Advance(2 * time.Minute)
		now, _ = b.overdue()
		same(b, "after", now, "a")
	}},
	{"a lease on the lost journal is void", func(b *bench) {
		old := b.claimed("a")
		b.append(old, saga.Batch{Read: 1, Facts: []saga.Event{decision("x")}})
		k := b.kept("a")
		b.Lose()
		_, err := b.Journal.Append(b.Context(), old, saga.Batch{Read: 2, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		b.Advance(time.Millisecond)
		b.restore(k)
		_, err = b.Journal.Append(b.Context(), old, saga.Batch{Read: 2, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
		_, err = b.Journal.Renew(b.Context(), old)
		b.wants(saga.ErrOvertaken, err)
		b.no(b.Journal.Release(b.Context(), old, time.Time{}, true))
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
		same(b, "a newer epoch", b.read("a").Ref.Epoch > old.Epoch, true)
		same(b, "and a still newer one", b.claim("a").Lease.Epoch > b.read("a").Ref.Epoch-1, true)
		_, err = b.Journal.Append(b.Context(), old, saga.Batch{Read: 2, Facts: []saga.Event{fact("x")}})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"it is carried on like any other", func(b *bench) {
		b.started("a")
		b.restored("a")
		c := b.claim("a")
		same(b, "events", kinds(c.Events), "created recovered")
		b.append(c.Lease, finish(saga.KindCompleted, 2))
		b.flush()
		b.Advance(25 * time.Hour)
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
	}},
	{"no opening is recorded", func(b *bench) {
		b.started("a")
		b.restored("a")
		o := saga.Opening{TreeHash: created("a").TreeHash, Start: decision("x"), Timeout: time.Minute}
		c, err := b.Journal.Open(b.Context(), "a", b.nonce(), o)
		b.no(err)
		same(b, "opened", c.Opened, false)
		same(b, "events", kinds(c.Events), "created recovered")
	}},
	{"the same request is the same task, another is refused", func(b *bench) {
		b.started("a")
		b.restored("a")
		same(b, "new", b.started("a").New, false)
		c := created("a")
		c.Hash = "another"
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: c})
		b.wants(saga.ErrConflict, err)
	}},
	{"a message that it has had is not taken again", func(b *bench) {
		b.started("a")
		m := signal()
		m.Dedupe = strings.Repeat("a long key ", 10)
		b.post("a", m)
		b.restored("a")
		p := b.post("a", m)
		same(b, "duplicate", p.Duplicate, true)
		same(b, "number", p.Seq, 2)
		m.Dedupe = "another"
		same(b, "duplicate", b.post("a", m).Duplicate, false)
	}},
	{"the size of the journal is known", func(b *bench) {
		b.started("a")
		b.restored("a")
		total := 0
		for _, stored := range b.read("a").Stored {
			total += len(stored)
		}
		same(b, "bytes", b.claim("a").Bytes, int64(total))
	}},
	{"watchers are told", func(b *bench) {
		b.started("a")
		c := b.watch(b.Context(), "a")
		b.restored("a")
		b.told(c)
	}},
	{"of many who restore it one does", func(b *bench) {
		b.started("a")
		r := b.restoration(b.kept("a"))
		b.Lose()
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for range 20 {
			wg.Go(func() {
				answer, err := b.Journal.Restore(b.Context(), r)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					b.Error(err)
				}
				if answer.New {
					done++
				}
			})
		}
		wg.Wait()
		same(b, "restored", done, 1)
		same(b, "events", b.kinds("a"), "created recovered")
	}},
}
