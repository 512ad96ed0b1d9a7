package storetest

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	"github.com/osp-platform/osp/saga"
)

// Lose forgets everything, as a Redis does that comes back empty.
func (m *Memory) Lose() {
	_, unlock := m.begin()
	defer unlock()
	for _, x := range []index{m.open, m.wake, m.dirty} {
		clear(x)
	}
	clear(m.tasks)
	clear(m.tombstones)
	clear(m.outbox)
	m.lives++
	m.whole = false
}

// Life implements [saga.Journal].
func (m *Memory) Life(context.Context) (string, error) {
	_, unlock := m.begin()
	defer unlock()
	return strconv.Itoa(m.lives), nil
}

// CallWhole implements [saga.Journal].
func (m *Memory) CallWhole(_ context.Context, life string) (bool, error) {
	_, unlock := m.begin()
	defer unlock()
	same := life == strconv.Itoa(m.lives)
	m.whole = m.whole || same
	return same, nil
}

// Whole implements [saga.Journal].
func (m *Memory) Whole(context.Context) (bool, error) {
	_, unlock := m.begin()
	defer unlock()
	return m.whole, nil
}

// Restore implements [saga.Journal].
func (m *Memory) Restore(_ context.Context, r saga.Restoration) (saga.Restored, error) {
	bodies := make([][]byte, len(r.Events))
	for i, e := range r.Events {
		var err error
		if bodies[i], err = saga.Encode(e); err != nil {
			return saga.Restored{}, fmt.Errorf("restore task %s: %w", r.Created.ID, err)
		}
	}
	now, unlock := m.begin()
	defer unlock()
	id := r.Created.ID
	if _, there, s := m.existing(id); there {
		return saga.Restored{Ref: s.Ref, Finished: s.Finished}, nil
	}
	e := &entry{
		id: id, created: r.Created, epoch: now, version: max(now-1, r.Version), due: int64(saga.MicrosOf(r.Due)),
		finished: r.Finished, reopened: r.Reopened, children: r.Children, dedupe: maps.Clone(r.Posted),
	}
	m.tasks[id] = e
	for _, stored := range r.Stored {
		e.events = append(e.events, []byte(stored))
		e.bytes += int64(len(stored))
	}
	m.write(e, now, bodies...)
	if len(bodies) == 0 {
		e.version++
		m.dirty[id] = now
	}
	switch {
	case e.finished == "":
		m.open[id] = max(e.due, now) + dueSlack.Microseconds()
	case r.Created.Parent != "":
		m.outbox[id] = saga.Delivery{Child: id, Seq: e.length(), Parent: r.Created.Parent, Path: r.Created.ParentPath}
	}
	return saga.Restored{Ref: e.dueRef(), New: true, Finished: e.finished != ""}, nil
}
