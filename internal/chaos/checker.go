package main

import (
	"slices"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// ending is what is there when all is over.
type ending struct {
	Tasks    map[string]taskEnd
	Balances map[int]int64  // by account
	Receipts map[string]int // rows, by the task that they are for
	Keys     []string       // left in Redis, of which nothing should be left
}

// taskEnd is a task as its journal and its row have it.
type taskEnd struct {
	State     saga.State
	NotUndone []string
	Error     string
	Journal   string // the task in JSON, from the journal
	Row       string // likewise, from the result store
}

// checker holds a history to the promises.
type checker struct {
	findings

	end   ending
	told  map[string]*told
	moved map[int]int64       // by account
	under map[int64]*underway // calls of dos that have arrived and neither left nor had their effect
}

// told is what clients and bank know of a task.
type told struct {
	kind                kind
	accepted, cancelled bool
	steps               map[string]*seenStep
	dos, undos          []string // steps, in the order of their effects
}

// seenStep is what the bank knows of a step.
type seenStep struct {
	dos, undos int  // effects
	undone     bool // an undo has arrived
	moved      int64
}

// underway is a call of a do.
type underway struct {
	step      *seenStep
	worker    string
	givenUp   bool // its worker hung up, alive
	killed    bool // its worker died while it waited, so nobody knows what becomes of the call
	overtaken bool // and then the undo has arrived
}

// check looks for promises that were not kept.
func check(events []event, end ending) findings {
	c := &checker{end: end, told: map[string]*told{}, moved: map[int]int64{}, under: map[int64]*underway{}}
	for _, e := range events {
		c.see(e)
	}
	for id, t := range c.told {
		c.task(id, t)
	}
	c.money()
	for _, key := range end.Keys {
		c.add(wrongElse, "", "Redis still has %s", key)
	}
	slices.SortFunc(c.findings, func(a, b finding) int { return strings.Compare(a.Task+a.Says, b.Task+b.Says) })
	return c.findings
}

func (c *checker) of(id string) *told {
	t := c.told[id]
	if t == nil {
		t = &told{steps: map[string]*seenStep{}}
		c.told[id] = t
	}
	return t
}

func (c *checker) see(e event) {
	if e.Task == "" {
		c.fault(e)
		return
	}
	t := c.of(e.Task)
	switch e.What {
	case seenSent:
		t.kind = e.Kind
	case seenAccepted:
		t.accepted = true
	case seenRefused:
		c.add(wrongElse, e.Task, "it was refused with %d", e.Status)
	case seenCancelled:
		t.cancelled = true
	case seenArrived, seenEffect, seenReplayed, seenDeclined, seenTooLate, seenHungUp, seenLeft:
		c.call(t, e)
	case seenFault:
	}
}

// call follows one call of the bank.
func (c *checker) call(t *told, e event) {
	s := t.steps[e.Step]
	if s == nil {
		s = &seenStep{}
		t.steps[e.Step] = s
	}
	switch e.What {
	case seenArrived:
		c.arrived(s, e)
	case seenEffect:
		c.effect(t, s, e)
	case seenReplayed, seenDeclined, seenLeft:
		delete(c.under, e.Call)
	case seenHungUp:
		if u := c.under[e.Call]; u != nil {
			u.givenUp = !u.killed
		}
	case seenTooLate:
		if u := c.under[e.Call]; u != nil && u.overtaken {
			c.add(wrongDoubled, e.Task, "the undo of %s came while its do was under way, which came after it", e.Step)
		}
	default:
	}
}

// arrived notes a call, and which dos an undo overtakes. A do that its worker gave up while it lived is beyond what is
// promised, though the endpoint goes on all the same. But that of a dead one must be waited for.
func (c *checker) arrived(s *seenStep, e event) {
	if !e.Undo {
		c.under[e.Call] = &underway{step: s, worker: e.Target}
		return
	}
	if s.undone || s.dos > 0 {
		return // it has come before, or a do has had its effect
	}
	s.undone = true
	for _, u := range c.under {
		u.overtaken = u.overtaken || u.step == s && u.killed
	}
}

// fault notes that a worker was killed.
func (c *checker) fault(e event) {
	for _, u := range c.under {
		if e.Step == string(faultKill) && u.worker == e.Target && !u.givenUp {
			u.killed = true
		}
	}
}

func (c *checker) effect(t *told, s *seenStep, e event) {
	c.moved[e.Account] += e.Amount
	s.moved += e.Amount
	if e.Undo {
		s.undos++
		if e.Amount != 0 {
			t.undos = append(t.undos, e.Step)
		}
		return
	}
	delete(c.under, e.Call)
	s.dos++
	t.dos = append(t.dos, e.Step)
	if s.undos > 0 {
		c.add(wrongDoubled, e.Task, "%s was done after it was undone", e.Step)
	}
}

// money compares the accounts with what was seen to happen to them.
func (c *checker) money() {
	var total int64
	for account := 1; account <= accounts; account++ {
		total += c.end.Balances[account]
		if want := initialBalance + c.moved[account]; c.end.Balances[account] != want {
			c.add(wrongElse, "", "account %d has %d, and what moved makes %d", account, c.end.Balances[account], want)
		}
	}
	if total != accounts*initialBalance {
		c.add(wrongElse, "", "the accounts have %d in all, and began with %d", total, accounts*initialBalance)
	}
}
