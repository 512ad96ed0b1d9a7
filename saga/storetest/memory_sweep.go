package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Woken implements [saga.Journal].
func (m *Memory) Woken(_ context.Context, limit int) ([]saga.Ref, error) {
	now, unlock := m.begin()
	defer unlock()
	ids := m.wake.until(now-wakeAge.Microseconds(), limit)
	return m.handOut(m.wake, ids, now), nil
}

// Overdue implements [saga.Journal].
func (m *Memory) Overdue(_ context.Context, limit int) (refs []saga.Ref, next time.Time, err error) {
	now, unlock := m.begin()
	defer unlock()
	refs = m.handOut(m.open, m.open.until(now, limit), now+hold.Microseconds())
	lowest := farFuture
	for _, at := range m.open {
		lowest = min(lowest, at)
	}
	if lowest != farFuture {
		next = saga.Micros(lowest).Time()
	}
	return refs, next, nil
}

// handOut gives ids a new moment and returns what is needed to wake them.
func (m *Memory) handOut(x index, ids []string, at int64) []saga.Ref {
	refs := make([]saga.Ref, 0, len(ids))
	for _, id := range ids {
		x[id] = at
		refs = append(refs, m.tasks[id].ref())
	}
	return refs
}

// Outbox implements [saga.Journal].
func (m *Memory) Outbox(_ context.Context, limit int) ([]saga.Delivery, error) {
	_, unlock := m.begin()
	defer unlock()
	list := slices.SortedFunc(maps.Values(m.outbox), func(a, b saga.Delivery) int { return cmp.Compare(a.Child, b.Child) })
	return list[:min(max(limit, 0), len(list))], nil
}

// Delivered implements [saga.Journal].
func (m *Memory) Delivered(_ context.Context, d saga.Delivery) error {
	_, unlock := m.begin()
	defer unlock()
	if m.outbox[d.Child] == d { // not one that the child has put there since
		delete(m.outbox, d.Child)
	}
	return nil
}

// Dirty implements [saga.Journal].
func (m *Memory) Dirty(_ context.Context, limit int) ([]saga.Snapshot, error) {
	now, unlock := m.begin()
	defer unlock()
	var list []saga.Snapshot
	for _, id := range m.dirty.until(now, limit) {
		m.dirty[id] = now + hold.Microseconds()
		s, err := m.tasks[id].snapshot() // what is dirty does not expire
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Clean implements [saga.Journal].
func (m *Memory) Clean(_ context.Context, list []saga.Flushed) (gone []string, err error) {
	now, unlock := m.begin()
	defer unlock()
	for _, f := range list {
		if m.tasks[f.ID] == nil {
			gone = append(gone, f.ID)
			continue
		}
		m.clean(f, now)
	}
	return gone, nil
}

func (m *Memory) clean(f saga.Flushed, now int64) {
	e := m.tasks[f.ID]
	if e.dead != nil && f.Version >= e.dead.Version {
		e.dead = nil
	}
	switch {
	case f.Stored > f.Version:
		e.version = max(e.version, f.Stored+1)
		m.dirty[f.ID] = now
	case e.version != f.Version:
		if _, ok := m.dirty[f.ID]; ok {
			m.dirty[f.ID] = now
		}
	default:
		delete(m.dirty, f.ID)
		m.settle(e, f.Children, now)
	}
}

// settle lets a finished task expire whose row is written, unless its parent may still want it undone.
func (m *Memory) settle(e *entry, children []string, now int64) {
	if e.finished == "" || (e.created.Parent != "" && !e.released) {
		return
	}
	for _, id := range children {
		if child := m.tasks[id]; child != nil {
			m.release(child, now)
		}
	}
	if e.expires == 0 {
		e.expires = now + m.o.KeepFinished.Microseconds()
		m.tombstones[e.id] = tombstone{hash: e.created.Hash, expires: e.expires + m.o.IdempotencyWindow.Microseconds()}
	}
}

// release lets a child go that its parent needs no longer.
func (m *Memory) release(e *entry, now int64) {
	e.released = true
	if _, dirty := m.dirty[e.id]; dirty || e.dead != nil || e.finished == "" {
		return // it settles with its own row
	}
	if e.children {
		m.dirty[e.id] = now // so that its row comes by once more, and lets its own children go
		return
	}
	m.settle(e, nil, now)
}
