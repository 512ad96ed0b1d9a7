package crashpoints

import (
	"context"
	"errors"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// running is the journal as a runner sees it.
type running struct{ actor }

func (r running) Claim(ctx context.Context, id, nonce string) (c saga.Claim, err error) {
	err = r.call("claim", func() error {
		return r.p.w.audit.claim(id, func() (saga.Claim, error) { c, err = r.p.w.journal.Claim(ctx, id, nonce); return c, err })
	})
	return c, err
}

func (r running) Open(ctx context.Context, id, nonce string, o saga.Opening) (c saga.Claim, err error) {
	err = r.call("claim", func() error {
		return r.p.w.audit.claim(id, func() (saga.Claim, error) { c, err = r.p.w.journal.Open(ctx, id, nonce, o); return c, err })
	})
	return c, err
}

func (r running) Renew(ctx context.Context, l saga.Lease) (n saga.Renewed, err error) {
	err = r.call("renew", func() error {
		return r.p.w.audit.renew(l, func() (saga.Renewed, error) { n, err = r.p.w.journal.Renew(ctx, l); return n, err })
	})
	return n, err
}

func (r running) Append(ctx context.Context, l saga.Lease, b saga.Batch) (a saga.Appended, err error) {
	err = r.call("append", func() error {
		return r.p.w.audit.append(l, b, func() (saga.Appended, error) { a, err = r.p.w.journal.Append(ctx, l, b); return a, err })
	})
	return a, err
}

func (r running) Release(ctx context.Context, l saga.Lease, due time.Time, wake bool) error {
	return r.call("release", func() error {
		return r.p.w.audit.release(l, func() error { return r.p.w.journal.Release(ctx, l, due, wake) })
	})
}

func (r running) Read(ctx context.Context, id string) (saga.Snapshot, error) {
	r.alive()
	return r.p.w.journal.Read(ctx, id)
}

// steering is the journal as a dispatcher sees it. What it does not name only reads.
type steering struct {
	actor
	saga.Journal
}

func (s steering) Start(ctx context.Context, start saga.Start) (started saga.Started, err error) {
	err = s.call("start", func() error { started, err = s.Journal.Start(ctx, start); return err })
	return started, err
}

func (s steering) Post(ctx context.Context, id string, m saga.Message) (posted saga.Posted, err error) {
	err = s.call("post", func() error { posted, err = s.Journal.Post(ctx, id, m); return err })
	return posted, err
}

// sweeping is the journal as a sweeper sees it.
type sweeping struct{ actor }

func (s sweeping) Woken(ctx context.Context, limit int) ([]saga.Ref, error) {
	s.alive()
	refs, err := s.p.w.journal.Woken(ctx, limit)
	if len(refs) > 0 {
		err = s.got("sweep of wake marks")
	}
	return refs, err
}

func (s sweeping) Overdue(ctx context.Context, limit int) ([]saga.Ref, time.Time, error) {
	s.alive()
	refs, next, err := s.p.w.journal.Overdue(ctx, limit)
	if len(refs) > 0 {
		err = s.got("sweep of open tasks")
	}
	return refs, next, err
}

func (s sweeping) Outbox(ctx context.Context, limit int) ([]saga.Delivery, error) {
	s.alive()
	return s.p.w.journal.Outbox(ctx, limit)
}

func (s sweeping) Delivered(ctx context.Context, d saga.Delivery) error {
	return s.call("delivered", func() error { return s.p.w.journal.Delivered(ctx, d) })
}

func (s sweeping) Read(ctx context.Context, id string) (saga.Snapshot, error) {
	s.alive()
	return s.p.w.journal.Read(ctx, id)
}

func (s sweeping) Post(ctx context.Context, id string, m saga.Message) (posted saga.Posted, err error) {
	err = s.call("post", func() error { posted, err = s.p.w.journal.Post(ctx, id, m); return err })
	return posted, err
}

// waker is the queue as everybody but the worker sees it.
type waker struct{ actor }

func (k waker) Enqueue(_ context.Context, ref saga.Ref) error {
	return k.call("enqueue", func() error { k.p.w.queue.add(ref.ID, ref); return nil })
}

func (k waker) Wake(_ context.Context, ref saga.Ref) error {
	return k.call("wake", func() error {
		err := k.p.w.queue.run(ref.ID)
		if errors.Is(err, errUnknown) {
			ref.Due = time.Time{}
			k.p.w.queue.add(ref.ID, ref)
			return nil
		}
		return err
	})
}

func (k waker) TakeOver(_ context.Context, ref saga.Ref) error {
	return k.call("take-over", func() error { k.p.w.queue.takeOver(ref); return nil })
}

func (k waker) Backlog(string) (int, error) { return 0, nil }

// source is the journal as a flusher sees it.
type source struct{ actor }

func (s source) Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error) {
	s.alive()
	list, err := s.p.w.journal.Dirty(ctx, limit)
	if len(list) > 0 {
		err = s.got("sweep of dirty tasks")
	}
	return list, err
}

func (s source) Clean(ctx context.Context, f []saga.Flushed) (gone []string, err error) {
	err = s.call("clean", func() error {
		gone, err = s.p.w.journal.Clean(ctx, f)
		return err
	})
	return gone, err
}

func (s source) Bury(ctx context.Context, id string, version int64, reason string) (buried bool, err error) {
	err = s.call("bury", func() error {
		buried, err = s.p.w.journal.Bury(ctx, id, version, reason)
		return err
	})
	return buried, err
}

// saver is the result store as a flusher sees it.
type saver struct{ actor }

func (s saver) Save(_ context.Context, rows []results.Row) (saved []results.Saved, err error) {
	err = s.call("save", func() error { saved = s.p.w.store.save(rows); return nil })
	return saved, err
}
