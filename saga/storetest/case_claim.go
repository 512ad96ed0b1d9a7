package storetest

import (
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

// opening is one for tasks made by created.
func opening() saga.Opening {
	return saga.Opening{
		TreeHash: created("a").TreeHash,
		Start:    saga.Event{Kind: saga.KindStepStarted, Path: "first", StepKind: saga.KindActivity}, Timeout: time.Minute,
	}
}

var openCases = []testCase{
	{"an opening is recorded with the claim of a new task", func(b *bench) {
		b.started("a")
		before := b.read("a").Version
		c, err := b.Journal.Open(b.Context(), "a", "mine", opening())
		b.no(err)
		same(b, "opened", c.Opened, true)
		same(b, "events", kinds(c.Events), "created step_started")
		same(b, "path", c.Events[1].Path, "first")
		same(b, "due", c.Events[1].Due, saga.MicrosOf(c.Now.Add(time.Minute)))
		same(b, "at", c.Events[1].At, c.Now)
		snapshot := b.read("a")
		same(b, "recorded", kinds(snapshot.Events), "created step_started")
		same(b, "version rises", snapshot.Version > before, true)
		a, err := b.Journal.Append(b.Context(), c.Lease, saga.Batch{
			Read: 2, ReadAt: saga.MicrosOf(c.Events[1].At), Facts: []saga.Event{{Kind: saga.KindStepDone, Path: "first"}},
		})
		b.no(err)
		same(b, "the runner goes on from it", a.Decided, true)
	}},
	{"an opening marks the task dirty", func(b *bench) {
		b.started("a")
		b.flush()
		_, err := b.Journal.Open(b.Context(), "a", "mine", opening())
		b.no(err)
		same(b, "dirty", len(b.dirty()), 1)
	}},
	{"a task that something came for is only claimed", func(b *bench) {
		b.started("a")
		b.signal("a")
		c, err := b.Journal.Open(b.Context(), "a", "mine", opening())
		b.no(err)
		same(b, "opened", c.Opened, false)
		same(b, "events", kinds(c.Events), "created signal")
	}},
	{"a task on another tree is only claimed", func(b *bench) {
		b.started("a")
		o := opening()
		o.TreeHash = "other"
		hash, err := json.Marshal(map[string]string{"tree": "other"})
		b.no(err)
		misleading := created("b")
		misleading.Input = hash
		b.start(misleading)
		for _, id := range []string{"a", "b"} {
			c, err := b.Journal.Open(b.Context(), id, "mine", o)
			b.no(err)
			same(b, "opened", c.Opened, false)
		}
		b.no(err)
		same(b, "events", b.kinds("a"), "created")
	}},
	{"a task that is not due is only claimed", func(b *bench) {
		b.started("now")
		c := created("a")
		c.ProcessAt = saga.MicrosOf(b.read("now").Events[0].At.Add(time.Hour))
		_, err := b.Journal.Start(b.Context(), saga.Start{Created: c})
		b.no(err)
		claim, err := b.Journal.Open(b.Context(), "a", "mine", opening())
		b.no(err)
		same(b, "opened", claim.Opened, false)
	}},
	{"a task that somebody holds is busy", func(b *bench) {
		b.claimed("a")
		_, err := b.Journal.Open(b.Context(), "a", "mine", opening())
		b.busy(err)
		same(b, "events", kinds(b.read("a").Events), "created")
	}},
}

var claimCases = []testCase{
	{"a claim returns the journal and a lease", func(b *bench) {
		b.started("a")
		b.signal("a")
		c, err := b.Journal.Claim(b.Context(), "a", "mine")
		b.no(err)
		same(b, "id", c.Lease.ID, "a")
		same(b, "nonce", c.Lease.Nonce, "mine")
		same(b, "epoch at least the time", c.Lease.Epoch >= c.Now.UnixMicro(), true)
		same(b, "events", kinds(c.Events), "created signal")
		same(b, "bytes grow", c.Bytes > 100, true)
		same(b, "lease", c.For, 5*time.Second)
		same(b, "epoch in the ref", b.read("a").Ref.Epoch, c.Lease.Epoch)
	}},
	{"an unknown task is not found", func(b *bench) {
		_, err := b.Journal.Claim(b.Context(), "a", "mine")
		b.wants(saga.ErrNotFound, err)
	}},
	{"a finished task is finished", func(b *bench) {
		b.finished(created("a"), saga.KindFailed)
		_, err := b.Journal.Claim(b.Context(), "a", "mine")
		b.wants(saga.ErrFinished, err)
	}},
	{"a fresh lease is busy, and the first runner stays", func(b *bench) {
		l := b.claimed("a")
		b.Advance(2 * time.Second)
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		left := b.busy(err)
		same(b, "left", left > 2500*time.Millisecond && left <= 3*time.Second, true)
		_, err = b.Journal.Renew(b.Context(), l)
		b.no(err)
	}},
	{"a lease that ended is taken over with a higher epoch", func(b *bench) {
		old := b.claimed("a")
		b.Advance(5*time.Second + time.Millisecond)
		l := b.claim("a").Lease
		same(b, "higher", l.Epoch > old.Epoch, true)
		_, err := b.Journal.Renew(b.Context(), old)
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a lease that ends now has ended", func(b *bench) {
		b.claimed("a")
		b.Advance(5 * time.Second)
		b.claim("a")
		b.Advance(5 * time.Second)
		b.signal("a") // no lease is fresh: a mark
		b.Advance(100 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a lease given back is taken at once with a higher epoch", func(b *bench) {
		old := b.claimed("a")
		b.no(b.Journal.Release(b.Context(), old, time.Time{}, false))
		same(b, "higher", b.claim("a").Lease.Epoch > old.Epoch, true)
	}},
	{"a busy claim consumes no wake mark", func(b *bench) {
		l := b.claimed("a")
		b.Advance(6 * time.Second)
		b.signal("a") // no lease is fresh: a mark
		_, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		_, err = b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
		same(b, "woken", b.woken(), "")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a claim clears the wake mark", func(b *bench) {
		b.parked("a")
		b.signal("a")
		b.claim("a")
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a claim is no news for watchers and rows", func(b *bench) {
		b.started("a")
		b.flush()
		before := b.read("a").Version
		b.claim("a")
		same(b, "version", b.read("a").Version, before)
		same(b, "dirty", len(b.dirty()), 0)
	}},
	{"a renewal extends the lease", func(b *bench) {
		l := b.claimed("a")
		b.Advance(4 * time.Second)
		r, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		same(b, "for", r.For, 5*time.Second)
		b.Advance(4 * time.Second)
		_, err = b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
		refs, _ := b.overdue()
		same(b, "overdue", refs, "")
		b.Advance(time.Second + time.Millisecond)
		refs, _ = b.overdue()
		same(b, "overdue when it ended", refs, "a")
	}},
	{"a renewal tells that something came in", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		r, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		same(b, "length", r.Length, 2)
	}},
	{"a renewal of an ended lease that nobody took is fine", func(b *bench) {
		l := b.claimed("a")
		b.Advance(time.Minute)
		_, err := b.Journal.Renew(b.Context(), l)
		b.no(err)
		_, err = b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
	}},
	{"a renewal needs the right epoch", func(b *bench) {
		for _, by := range []int64{-1, 1} {
			l := b.claimed("a" + string(rune('1'+by)))
			l.Epoch += by
			_, err := b.Journal.Renew(b.Context(), l)
			b.wants(saga.ErrOvertaken, err)
		}
	}},
	{"a renewal needs the right nonce", func(b *bench) {
		l := b.claimed("a")
		l.Nonce = "another"
		_, err := b.Journal.Renew(b.Context(), l)
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a renewal of a lease given back is overtaken", func(b *bench) {
		l := b.claimed("a")
		b.append(l, park(1, time.Time{}))
		_, err := b.Journal.Renew(b.Context(), l)
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a renewal of a finished or missing task is overtaken", func(b *bench) {
		l := b.claimed("a")
		b.append(l, finish(saga.KindCompleted, 1))
		_, err := b.Journal.Renew(b.Context(), l)
		b.wants(saga.ErrOvertaken, err)
		_, err = b.Journal.Renew(b.Context(), saga.Lease{ID: "b", Epoch: 1, Nonce: "n"})
		b.wants(saga.ErrOvertaken, err)
	}},
	{"a release says when to look again", func(b *bench) {
		b.started("a")
		c := b.claim("a")
		due := c.Now.Add(time.Minute)
		b.no(b.Journal.Release(b.Context(), c.Lease, due, false))
		_, next := b.overdue()
		same(b, "next", next, due.Add(2*time.Second))
		same(b, "due", b.read("a").Ref.Due, due)
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a release for ever stays open", func(b *bench) {
		l := b.claimed("a")
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, false))
		_, next := b.overdue()
		same(b, "next", next, time.Time{})
		b.Advance(1000 * time.Hour)
		refs, _ := b.overdue()
		same(b, "overdue", refs, "")
		b.claim("a")
	}},
	{"a release may wake somebody else", func(b *bench) {
		l := b.claimed("a")
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, true))
		refs, _ := b.overdue()
		same(b, "overdue at once", refs, "a")
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a release does not lose a message that came in under the lease", func(b *bench) {
		l := b.claimed("a")
		b.append(l, saga.Batch{Read: 1, Decisions: []saga.Event{decision("x")}})
		b.signal("a")
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, false))
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a release does not lose a message that an append was refused for", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		b.append(l, saga.Batch{Read: 1, Facts: []saga.Event{fact("x")}, Decisions: []saga.Event{decision("y")}})
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, false))
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a release wakes nobody for a message that an append took note of", func(b *bench) {
		l := b.claimed("a")
		b.signal("a")
		b.append(l, saga.Batch{Read: 2, Decisions: []saga.Event{decision("x")}})
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, false))
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "")
	}},
	{"a release leaves an older wake mark as it is", func(b *bench) {
		l := b.claimed("a")
		b.Advance(6 * time.Second)
		b.signal("a") // no lease is fresh: a mark
		b.Advance(60 * time.Millisecond)
		b.no(b.Journal.Release(b.Context(), l, time.Time{}, true))
		b.Advance(60 * time.Millisecond)
		same(b, "woken", b.woken(), "a")
	}},
	{"a release needs the right epoch and the right nonce", func(b *bench) {
		l := b.claimed("a")
		for _, wrong := range []saga.Lease{
			{ID: "a", Epoch: l.Epoch, Nonce: "another"},
			{ID: "a", Epoch: l.Epoch - 1, Nonce: l.Nonce},
			{ID: "a", Epoch: l.Epoch + 1, Nonce: l.Nonce},
		} {
			b.no(b.Journal.Release(b.Context(), wrong, time.Time{}, true))
		}
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
	}},
	{"a release after a park or a finish does nothing", func(b *bench) {
		b.parked("a")
		b.started("b")
		parked, finished := b.claim("a"), b.claim("b")
		due := parked.Now.Add(time.Hour)
		b.append(parked.Lease, park(2, due))
		b.append(finished.Lease, finish(saga.KindCompleted, 1))
		for _, l := range []saga.Lease{parked.Lease, finished.Lease} {
			b.no(b.Journal.Release(b.Context(), l, time.Time{}, true))
		}
		same(b, "due", b.read("a").Ref.Due, due)
		b.Advance(time.Second)
		same(b, "woken", b.woken(), "")
	}},
	{"a release by a runner that was overtaken does nothing", func(b *bench) {
		old := b.claimed("a")
		b.Advance(6 * time.Second)
		b.claim("a")
		b.no(b.Journal.Release(b.Context(), old, time.Time{}, true))
		wrong := old
		wrong.Nonce = "another"
		b.no(b.Journal.Release(b.Context(), wrong, time.Time{}, true))
		_, err := b.Journal.Claim(b.Context(), "a", b.nonce())
		b.busy(err)
		b.Advance(150 * time.Millisecond)
		same(b, "woken", b.woken(), "")
		b.no(b.Journal.Release(b.Context(), saga.Lease{ID: "missing"}, time.Time{}, true))
	}},
}
