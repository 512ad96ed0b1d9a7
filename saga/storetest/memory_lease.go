package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Claim implements [saga.Journal].
func (m *Memory) Claim(_ context.Context, id, nonce string) (saga.Claim, error) {
	return m.claim(id, nonce, nil)
}

// Open implements [saga.Journal].
func (m *Memory) Open(_ context.Context, id, nonce string, o saga.Opening) (saga.Claim, error) {
	return m.claim(id, nonce, &o)
}

func (m *Memory) claim(id, nonce string, o *saga.Opening) (saga.Claim, error) {
	now, unlock := m.begin()
	defer unlock()
	e, err := m.find(id)
	if err != nil {
		return saga.Claim{}, fmt.Errorf("claim %w", err)
	}
	if e.finished != "" {
		return saga.Claim{}, fmt.Errorf("claim task %s: %w", id, saga.ErrFinished)
	}
	if e.lease > now {
		return saga.Claim{}, fmt.Errorf("claim task %s: %w", id, &saga.BusyError{For: micros(e.lease - now)})
	}
	opened := o != nil && e.length() == 1 && e.created.TreeHash == o.TreeHash && e.due <= now
	if opened {
		if err := m.record(e, now, *o); err != nil {
			return saga.Claim{}, err
		}
	}
	events, err := e.decode(0, e.length())
	if err != nil {
		return saga.Claim{}, err
	}
	e.epoch, e.nonce, e.seen, e.last, e.due = max(e.epoch+1, now), nonce, e.length(), "", 0
	m.extend(e, now)
	delete(m.wake, id)
	return saga.Claim{
		Lease:  saga.Lease{ID: id, Epoch: e.epoch, Nonce: nonce},
		Events: events, Now: saga.Micros(now).Time(), For: m.o.LeaseTTL, Bytes: e.bytes, Opened: opened,
	}, nil
}

// record appends an opening.
func (m *Memory) record(e *entry, now int64, o saga.Opening) error {
	o.Start.Due = saga.Micros(now + o.Timeout.Microseconds())
	body, err := saga.Encode(o.Start)
	if err != nil {
		return fmt.Errorf("claim task %s: %w", e.id, err)
	}
	m.write(e, now, body)
	return nil
}

// extend moves the end of the lease, and with it the moment at which the reconciler should look.
func (m *Memory) extend(e *entry, now int64) {
	e.lease = now + m.o.LeaseTTL.Microseconds()
	m.open[e.id] = e.lease
}

// held returns the task if the lease is the newest one and was not given back. It need not be fresh.
func (m *Memory) held(l saga.Lease) (*entry, error) {
	e := m.tasks[l.ID]
	if e == nil || e.lease == 0 || e.epoch != l.Epoch || e.nonce != l.Nonce {
		return nil, fmt.Errorf("task %s: %w", l.ID, saga.ErrOvertaken)
	}
	return e, nil
}

// Renew implements [saga.Journal].
func (m *Memory) Renew(_ context.Context, l saga.Lease) (saga.Renewed, error) {
	now, unlock := m.begin()
	defer unlock()
	e, err := m.held(l)
	if err != nil {
		return saga.Renewed{}, fmt.Errorf("renew %w", err)
	}
	m.extend(e, now)
	return saga.Renewed{Length: e.length(), For: m.o.LeaseTTL, Now: saga.Micros(now).Time()}, nil
}

// Release implements [saga.Journal].
func (m *Memory) Release(_ context.Context, l saga.Lease, due time.Time, wake bool) error {
	now, unlock := m.begin()
	defer unlock()
	e, err := m.held(l)
	if err != nil {
		return nil // overtaken: nothing to give back
	}
	m.park(e, due)
	if wake || e.length() > e.seen { // what came in under the lease left no mark
		m.mark(e.id, now)
		m.open[e.id] = now
	}
	return nil
}

// park gives the lease back and says when to look again.
func (m *Memory) park(e *entry, due time.Time) {
	e.lease, e.due = 0, int64(saga.MicrosOf(due))
	m.open[e.id] = farFuture
	if e.due != 0 {
		m.open[e.id] = e.due + dueSlack.Microseconds()
	}
}

// mark sets the wake mark; an older one stays, so that a stream of signals cannot keep it young.
func (m *Memory) mark(id string, now int64) {
	if _, ok := m.wake[id]; !ok {
		m.wake[id] = now
	}
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
