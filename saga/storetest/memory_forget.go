package storetest

import (
	"context"
	"maps"
	"slices"

	"github.com/osp-platform/osp/saga"
)

// Unwritten implements [saga.Journal].
func (m *Memory) Unwritten(_ context.Context, about func(saga.Created) bool) ([]saga.Unwritten, error) {
	_, unlock := m.begin()
	defer unlock()
	var list []saga.Unwritten
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		e := m.tasks[id]
		_, dirty := m.dirty[id]
		if (dirty || e.dead != nil) && about(e.created) {
			u := saga.Unwritten{ID: id, Version: e.version}
			if !dirty {
				u.State = saga.State(e.finished)
			}
			list = append(list, u)
		}
	}
	return list, nil
}

// Forget implements [saga.Journal].
func (m *Memory) Forget(_ context.Context, ids []string) (left []string, err error) {
	now, unlock := m.begin()
	defer unlock()
	for _, id := range ids {
		e, hash := m.tasks[id], ""
		if e != nil {
			if _, dirty := m.dirty[id]; dirty || e.finished == "" || (e.created.Parent != "" && !e.released) {
				left = append(left, id)
				continue
			}
			hash = e.created.Hash
			delete(m.tasks, id)
		}
		stone, taken := m.tombstones[id]
		if !taken {
			stone.hash = hash
		}
		stone.expires = max(stone.expires, now+m.o.IdempotencyWindow.Microseconds())
		m.tombstones[id] = stone
	}
	return left, nil
}
