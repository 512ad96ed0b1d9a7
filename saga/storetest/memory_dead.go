package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Bury implements [saga.Journal].
func (m *Memory) Bury(_ context.Context, id string, version int64, reason string) (bool, error) {
	now, unlock := m.begin()
	defer unlock()
	e := m.tasks[id]
	switch {
	case e == nil:
		return false, nil
	case e.version != version:
		if _, marked := m.dirty[id]; marked {
			m.dirty[id] = now
		}
		return false, nil
	}
	delete(m.dirty, id)
	if e.dead != nil && e.dead.Version == version {
		return false, nil
	}
	e.dead = &saga.DeadLetter{
		ID: id, Type: e.created.Type, Version: version, At: time.UnixMicro(now).UTC(), Error: saga.Reason(reason),
	}
	return true, nil
}

// DeadLetters implements [saga.Journal].
func (m *Memory) DeadLetters(_ context.Context, after string, limit int) ([]saga.DeadLetter, error) {
	_, unlock := m.begin()
	defer unlock()
	var letters []saga.DeadLetter
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		if e := m.tasks[id]; e.dead != nil && id > after && len(letters) < limit {
			letters = append(letters, *e.dead)
		}
	}
	return letters, nil
}

// Resend implements [saga.Journal].
func (m *Memory) Resend(_ context.Context, ids []string) (int, error) {
	now, unlock := m.begin()
	defer unlock()
	resent := 0
	for _, id := range ids {
		e := m.tasks[id]
		if e == nil || e.dead == nil {
			continue
		}
		e.dead = nil
		resent++
		if _, marked := m.dirty[id]; !marked {
			m.dirty[id] = now
		}
	}
	return resent, nil
}
