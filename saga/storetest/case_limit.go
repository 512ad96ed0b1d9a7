package storetest

import (
	"encoding/json"
	"time"

	"github.com/osp-platform/osp/saga"
)

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
