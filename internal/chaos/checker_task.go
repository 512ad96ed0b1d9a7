package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// task holds one task to what it promises.
func (c *checker) task(id string, t *told) {
	end, known := c.end.Tasks[id]
	switch {
	case !t.accepted:
		if !known {
			c.effects(id, t, false)
		}
		return
	case !known:
		c.add(wrongLost, id, "it was accepted, and nobody knows it")
		return
	case !end.State.Finished():
		c.add(wrongLost, id, "it is %s for ever: %s", end.State, end.Error)
		return
	}
	p := promises[t.kind]
	if !slices.Contains(p.ends, end.State) && !end.givenUp() {
		c.add(wrongElse, id, "a %s ended %s: %s", t.kind, end.State, end.Error)
	}
	if t.cancelled && end.State == saga.Completed {
		c.add(wrongLost, id, "its cancel was accepted, and it completed")
	}
	if len(end.NotUndone) > 0 {
		c.add(wrongLost, id, "not undone: %v", end.NotUndone)
	}
	if end.Journal != end.Row {
		at := differ(end.Journal, end.Row)
		c.add(wrongLost, id, "the journal says …%.100s… and the row …%.100s…", end.Journal[at:], end.Row[at:])
	}
	c.effects(id, t, end.State == saga.Completed)
	c.backwards(id, t)
	c.receipts(id, p, end.State)
}

// givenUp tells whether a task was undone because its workers did not survive one of its steps too often in a row: that is what
// is promised then.
func (e taskEnd) givenUp() bool {
	return e.State == saga.Failed && strings.HasSuffix(e.Error, fmt.Sprintf("its worker died %d times while it ran", saga.MaxInterruptions))
}

// effects counts what the bank did for a task.
func (c *checker) effects(id string, t *told, completed bool) {
	for name, s := range t.steps {
		if s.dos > 1 {
			c.add(wrongDoubled, id, "%s was done %d times", name, s.dos)
		}
		if s.undos > 1 {
			c.add(wrongDoubled, id, "%s was undone %d times", name, s.undos)
		}
		switch {
		case completed && s.undos > 0:
			c.add(wrongLost, id, "%s was undone, and the task completed", name)
		case !completed && s.moved != 0:
			c.add(wrongLost, id, "%s moved %d that was not moved back", name, s.moved)
		}
	}
	if !completed {
		return
	}
	for _, name := range promises[t.kind].steps {
		if s := t.steps[name]; s == nil || s.dos == 0 {
			c.add(wrongLost, id, "it completed without its %s", name)
		}
	}
}

// backwards looks at the order of the undos.
func (c *checker) backwards(id string, t *told) {
	want := slices.Clone(t.dos)
	slices.Reverse(want)
	if len(t.undos) == len(want) && !slices.Equal(t.undos, want) {
		c.add(wrongElse, id, "done were %v, and undone %v", t.dos, t.undos)
	}
}

// receipts counts the rows that a task has made.
func (c *checker) receipts(id string, p promise, state saga.State) {
	want, got := 0, c.end.Receipts[id]
	if p.receipt && state == saga.Completed {
		want = 1
	}
	switch {
	case got > want && want > 0:
		c.add(wrongDoubled, id, "it made %d rows", got)
	case got != want:
		c.add(wrongLost, id, "it is %s and has %d rows", state, got)
	}
}

// differ tells where two texts begin to differ, with some of what they have in common before.
func differ(a, b string) int {
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	return max(0, at-20)
}
