package definition

import "slices"

// set holds steps by their number.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) clone() set     { return slices.Clone(s) }

// join adds what is in t.
func (s set) join(t set) {
	for i := range s {
		s[i] |= t[i]
	}
}

// meet keeps only what is in t too.
func (s set) meet(t set) {
	for i := range s {
		s[i] &= t[i]
	}
}

// known is what has run when a step is reached.
type known struct {
	sure  set  // on every way that leads here
	maybe set  // on some way
	dead  bool // no way leads here
}

func (k known) clone() known { return known{k.sure.clone(), k.maybe.clone(), k.dead} }

// merge is what has run after one of several ways was taken.
func merge(ways ...known) known {
	all := ways[0].clone()
	for _, way := range ways[1:] {
		switch {
		case way.dead:
		case all.dead:
			all = way.clone()
		default:
			all.sure.meet(way.sure)
			all.maybe.join(way.maybe)
		}
	}
	return all
}
