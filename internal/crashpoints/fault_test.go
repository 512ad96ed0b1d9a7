package crashpoints

import (
	"fmt"
	"strings"
	"time"
)

// A place is where a process can be met by a fault: right before or right after one of its calls.
type place struct {
	actor string // who makes the call: "client", "delivery t", "step t/a", "sweeper", "flusher"
	call  string // "append", "do", "enqueue" …
	after bool
}

func (p place) String() string {
	if p.after {
		return fmt.Sprintf("after %s of %s", p.call, p.actor)
	}
	return fmt.Sprintf("before %s of %s", p.call, p.actor)
}

// fault is what goes wrong at a place.
type fault uint8

const (
	none   fault = iota
	crash        // the process is gone; another one starts
	late         // the call is made, but only when leases and deadlines are over
	lost         // the call was made, and its answer is lost
	echo         // the queue delivers the task once more, although it is being delivered
	cancel       // somebody cancels the task, and dies before the queue is told
)

var faultNames = [...]string{
	none: "none", crash: "crash", late: "late", lost: "lost", echo: "echo", cancel: "cancel",
}

func (f fault) String() string { return faultNames[f] }

// lateness is longer than a lease, and longer than a step may take; but so short that whoever has taken over may be at
// work still.
const lateness = 10500 * time.Millisecond

// faults are those that can happen at a place.
func (p place) faults() []fault {
	if p.after {
		return []fault{crash, lost}
	}
	return []fault{crash, late, echo, cancel}
}

// A hit is a fault at a place. Places are numbered in the order in which a run reaches them.
type hit struct {
	at    int
	fault fault
}

// A plan is what goes wrong in one run, in order.
type plan []hit

// describe tells a plan by the places that a run has reached.
func (p plan) describe(reached []place) string {
	if len(p) == 0 {
		return "nothing goes wrong"
	}
	list := make([]string, len(p))
	for i, h := range p {
		where := "nowhere"
		if h.at < len(reached) {
			where = reached[h.at].String()
		}
		list[i] = fmt.Sprintf("%s %s (place %d)", h.fault, where, h.at)
	}
	return strings.Join(list, ", then ")
}
