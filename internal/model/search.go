package model

import (
	"fmt"
	"strings"
)

// Bounds say how large a model is. Somebody sends at least one message, or the task waits for ever.
type Bounds struct {
	Flushers bool // two of them; else rows do not matter
	Signal   bool // somebody sends the signal that the task waits for
	Cancel   bool // somebody cancels it
	Failing  bool // the do may fail for good

	Crashes int8 // of any process, in the middle of whatever it does
	Pauses  int8 // of a runner, for longer than its lease
	Losses  int8 // of all that the queue has of the task
	Echoes  int8 // deliveries that nobody asked for
}

// String lists them: "signal, crashes ≤ 1".
func (b Bounds) String() string {
	var list []string
	for _, x := range []struct {
		is   bool
		what string
	}{{b.Signal, "signal"}, {b.Cancel, "cancel"}, {b.Failing, "a do that may fail"}, {b.Flushers, "two flushers"}} {
		if x.is {
			list = append(list, x.what)
		}
	}
	for _, x := range []struct {
		n    int8
		what string
	}{{b.Crashes, "crashes"}, {b.Pauses, "pauses"}, {b.Losses, "losses by the queue"}, {b.Echoes, "deliveries nobody asked for"}} {
		if x.n > 0 {
			list = append(list, fmt.Sprintf("%s ≤ %d", x.what, x.n))
		}
	}
	return strings.Join(list, ", ")
}

// Result is what a search came to.
type Result struct {
	States int
	Broken Law      // the first law that was broken, in the fewest actions
	Trace  []string // how
}

// act is an action of somebody.
type act struct {
	verb verb
	who  int
}

type verb string

const (
	claims      verb = "runner %d claims"
	appends     verb = "runner %d appends"
	begins      verb = "runner %d begins a call of the do"
	stops       verb = "runner %d stops: its lease is over"
	does        verb = "runner %d: the do returns"
	fails       verb = "runner %d: the do fails"
	undoes      verb = "runner %d: the undo returns"
	renews      verb = "runner %d renews its lease"
	dies        verb = "runner %d dies"
	posts       verb = "sender %d posts its message"
	wakes       verb = "sender %d wakes the task"
	forgets     verb = "sender %d dies before it wakes the task"
	flushes     verb = "flusher %d goes on"
	flusherDies verb = "flusher %d dies"
	sweepsWake  verb = "a sweeper reads the wake mark"
	sweeperDies verb = "a sweeper dies"
	takesOver   verb = "a sweeper has the task delivered, for its wake mark"
	sweepsOpen  verb = "a sweeper has the task delivered, for its due time"
	leaseEnds   verb = "the lease ends"
	comesDue    verb = "the queue delivers what it kept"
	holdEnds    verb = "the dirty mark may be taken again"
	looseActs   verb = "the do of a dead worker acts"
	looseEnds   verb = "the do of a dead worker is over"
	expires     verb = "the journal expires"
	queueLoses  verb = "the queue loses the task"
	queueEchoes verb = "the queue delivers the task once more"
)

func (a act) String() string {
	if strings.Contains(string(a.verb), "%d") {
		return fmt.Sprintf(string(a.verb), a.who+1)
	}
	return string(a.verb)
}

// machine makes the states that follow from one.
type machine struct {
	bounds  Bounds
	without Rule
	next    func(s state, a act, misfortune bool)
}

func (m *machine) to(s state, a act)         { m.next(s, a, false) }
func (m *machine) misfortune(s state, a act) { m.next(s, a, true) }

// begin is the state in which the task has been accepted, and the queue was not told.
func (m *machine) begin() state {
	s := state{log: [maxLog]event{created}, length: 1, dirty: dirty}
	if m.bounds.Signal {
		s.senders[0].message = signalled
	}
	if m.bounds.Cancel {
		s.senders[1].message = cancelled
	}
	return s
}

// step does everything that can be done in a state, each by itself.
func (m *machine) step(s state) {
	for i := range s.runners {
		m.runner(s, i)
		m.sender(s, i)
		if m.bounds.Flushers {
			m.flusher(s, i)
		}
	}
	m.sweep(s)
	m.time(s)
	m.forget(s)
}

// found is a state that was reached.
type found struct {
	from int32
	by   act
}

// Search walks every state that can be reached, the nearest first, and stops at the first that breaks a law. If none
// does, it looks whether from every state the task comes to its end without any further misfortune.
func Search(b Bounds, without Rule) Result {
	m := &machine{bounds: b, without: without}
	first := m.begin()
	known, list, how := map[state]int32{first: 0}, []state{first}, []found{{from: -1}}
	var edges [][2]int32 // without misfortune
	at := int32(0)
	m.next = func(s state, a act, misfortune bool) {
		if !b.Flushers { // rows do not matter: they are always written
			s.dirty, s.stored, s.kept = clean, s.length, s.ended()
		}
		n, ok := known[s]
		if !ok {
			n = int32(len(list))
			known[s] = n
			list, how = append(list, s), append(how, found{at, a})
		}
		if !misfortune && n != at {
			edges = append(edges, [2]int32{n, at})
		}
	}
	for ; int(at) < len(list); at++ {
		if law := list[at].check(); law != None {
			return Result{len(list), law, trace(how, at)}
		}
		m.step(list[at])
	}
	if stray := strays(list, edges); stray >= 0 {
		return Result{len(list), NeverEnding, trace(how, stray)}
	}
	return Result{States: len(list)}
}

// trace tells how a state was reached.
func trace(how []found, n int32) []string {
	var list []string
	for ; how[n].from >= 0; n = how[n].from {
		list = append([]string{how[n].by.String()}, list...)
	}
	return list
}

// strays returns the first state from which no settled one can be reached; -1: there is none.
func strays(list []state, edges [][2]int32) int32 {
	// The edges by their ends, one after the other.
	begin := make([]int32, len(list)+1)
	for _, e := range edges {
		begin[e[0]+1]++
	}
	for i := range list {
		begin[i+1] += begin[i]
	}
	from, fill := make([]int32, len(edges)), append([]int32(nil), begin...)
	for _, e := range edges {
		from[fill[e[0]]] = e[1]
		fill[e[0]]++
	}
	ok, todo := make([]bool, len(list)), []int32(nil)
	visit := func(n int32) {
		if !ok[n] {
			ok[n] = true
			todo = append(todo, n)
		}
	}
	for i := range list {
		if list[i].settled() {
			visit(int32(i))
		}
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, f := range from[begin[n]:begin[n+1]] {
			visit(f)
		}
	}
	for i := range list {
		if !ok[i] {
			return int32(i)
		}
	}
	return -1
}
