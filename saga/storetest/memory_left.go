package storetest

import "slices"

// Left lists what the journal still holds, in order: "journal t" and "tombstone t" for a task t, and "open t", "wake t",
// "dirty t" and "outbox t" for its entries in the indexes.
func (m *Memory) Left() []string {
	_, unlock := m.begin()
	defer unlock()
	var list []string
	for id := range m.tasks {
		list = append(list, "journal "+id)
	}
	for id := range m.tombstones {
		list = append(list, "tombstone "+id)
	}
	for id := range m.outbox {
		list = append(list, "outbox "+id)
	}
	for name, x := range map[string]index{"open": m.open, "wake": m.wake, "dirty": m.dirty} {
		for id := range x {
			list = append(list, name+" "+id)
		}
	}
	slices.Sort(list)
	return list
}
