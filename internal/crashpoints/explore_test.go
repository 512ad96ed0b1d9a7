package crashpoints

import "testing"

// tally counts what was tried of one scenario.
type tally struct {
	places  int // in the run in which nothing goes wrong
	singles int // runs with one fault
	pairs   int // runs with a fault and then a crash
	wrongs  map[kind]int
}

// tried is how many runs there were in which something went wrong.
func (t *tally) tried() int { return t.singles + t.pairs }

// depth is how much of a scenario is tried: a crash at every place, and one in so many of the rest. 0 is none of it.
type depth struct {
	others int // faults that are no crashes
	pairs  int // of a fault and a crash at a place after it
}

// explorer tries a scenario's plans, one after the other.
type explorer struct {
	t     *testing.T
	s     scenario
	open  opener
	depth depth
	tally tally
	found string // the first run that broke a promise

	others, pairs int // counted, to try one in so many
}

func newExplorer(t *testing.T, s scenario, open opener) *explorer {
	return &explorer{t: t, s: s, open: open, tally: tally{wrongs: map[kind]int{}}}
}

// explore lists the places of a run in which nothing goes wrong, and tries the faults at each.
func (x *explorer) explore(d depth) {
	x.t.Helper()
	x.depth = d
	places := x.try(nil).places
	x.tally.places = len(places)
	for i, at := range places {
		for _, f := range at.faults() {
			if f != crash && !oneIn(&x.others, d.others) {
				continue
			}
			x.tally.singles++
			x.after(hit{i, f}, x.try(plan{{i, f}}).places)
		}
	}
}

// after tries a crash at the places that a run reaches after its first fault.
func (x *explorer) after(first hit, places []place) {
	for j := first.at + 1; j < len(places); j++ {
		if oneIn(&x.pairs, x.depth.pairs) {
			x.tally.pairs++
			x.try(plan{first, {j, crash}})
		}
	}
}

// oneIn is true one time in so many.
func oneIn(count *int, many int) bool {
	*count++
	return many > 0 && *count%many == 0
}

// try runs a plan. Now and then two calls do coincide, and a run misses a place that the last one had: it is run again.
func (x *explorer) try(p plan) outcome {
	x.t.Helper()
	o := try(x.t, x.s, x.open, p)
	for n := 0; !o.fired && len(o.wrongs) == 0; n++ {
		if n == 10 {
			x.t.Fatalf("%s: not met. A run is not the same as the last one", p.describe(o.places))
		}
		o = try(x.t, x.s, x.open, p)
	}
	for _, w := range o.wrongs {
		x.tally.wrongs[w.kind]++
	}
	if len(o.wrongs) > 0 && x.found == "" {
		x.found = p.describe(o.places) + ": " + o.wrongs[0].what
	}
	return o
}
