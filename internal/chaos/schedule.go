package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// fault is what is done to one of the parties, when and for how long.
type fault struct {
	At     time.Duration
	Kind   faultKind
	Target string // a process or a link
	Lasts  time.Duration
	Delay  time.Duration // of a slow link
}

// faultKind is what is done.
type faultKind string

// The faults. A pause longer than a lease is what a stopped clock is to a worker: it goes on with what it knew, and the
// world has moved. (A library that lies about the time cannot be loaded into a static binary.)
const (
	faultKill       faultKind = "kill -9"
	faultPause      faultKind = "SIGSTOP"
	faultTerminate  faultKind = "SIGTERM"
	faultRedisKill  faultKind = "kill -9 redis"
	faultRedisPause faultKind = "SIGSTOP redis"
	faultREST       faultKind = "restart postgrest"
	faultCut        faultKind = "cut"
	faultSlow       faultKind = "slow"
	faultStall      faultKind = "stall"
)

// span is a range of durations.
type span struct{ from, to time.Duration }

func (s span) draw(dice *rand.Rand) time.Duration {
	return (s.from + time.Duration(dice.Int64N(int64(s.to-s.from)+1))).Round(time.Millisecond)
}

func (s span) scale(by float64) span {
	return span{time.Duration(float64(s.from) * by), time.Duration(float64(s.to) * by)}
}

// lane is a sequence of faults of one kind. The lanes of a run know nothing of each other, so faults overlap.
type lane struct {
	kind  faultKind
	every span
	lasts span
	delay span
}

const ms = time.Millisecond

// The lanes. A lease lasts 5 s, and an attempt may take 10 s or 20 s; no stall is so long that a call that was on its way could
// still act after its undo, which waits until attempt and grace must be over.
var lanes = []lane{
	{kind: faultKill, every: span{3500 * ms, 7 * time.Second}, lasts: span{0, 2 * time.Second}},
	{kind: faultPause, every: span{8 * time.Second, 16 * time.Second}, lasts: span{6 * time.Second, 11 * time.Second}},
	{kind: faultTerminate, every: span{15 * time.Second, 35 * time.Second}, lasts: span{0, 2 * time.Second}},
	{kind: faultRedisKill, every: span{30 * time.Second, 50 * time.Second}, lasts: span{0, 2 * time.Second}},
	{kind: faultRedisPause, every: span{40 * time.Second, 70 * time.Second}, lasts: span{500 * ms, 4 * time.Second}},
	{kind: faultREST, every: span{30 * time.Second, 50 * time.Second}, lasts: span{0, 2 * time.Second}},
	{kind: faultCut, every: span{6 * time.Second, 12 * time.Second}, lasts: span{100 * ms, 4 * time.Second}},
	{kind: faultSlow, every: span{10 * time.Second, 20 * time.Second}, lasts: span{3 * time.Second, 10 * time.Second}, delay: span{10 * ms, 150 * ms}},
	{kind: faultStall, every: span{12 * time.Second, 24 * time.Second}, lasts: span{500 * ms, 7 * time.Second}},
}

// targets are what each kind of fault may be done to.
type targets struct{ processes, links []string }

func (t targets) of(k faultKind) []string {
	switch k {
	case faultKill, faultPause, faultTerminate:
		return t.processes
	case faultCut, faultSlow, faultStall:
		return t.links
	case faultRedisKill, faultRedisPause, faultREST:
	}
	return []string{""}
}

// schedule says which faults there are. It follows from its arguments alone, and a longer one begins like a shorter one.
// Pace shortens the time between two faults: 1 is that of the lanes. Only, if it is not empty, leaves out all other kinds.
func schedule(seed uint64, lasts time.Duration, t targets, pace float64, only faultKind) []fault {
	var all []fault
	for i, l := range lanes {
		if only != "" && l.kind != only {
			continue
		}
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		among := t.of(l.kind)
		every := l.every.scale(1 / pace)
		for at := (span{0, every.to}).draw(dice); at < lasts; at += every.draw(dice) {
			f := fault{At: at, Kind: l.kind, Target: among[dice.IntN(len(among))], Lasts: l.lasts.draw(dice), Delay: l.delay.draw(dice)}
			f.Lasts = min(f.Lasts, lasts-at)
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b fault) int { return cmp.Compare(a.At, b.At) })
	return all
}

// String tells of a fault in one line.
func (f fault) String() string {
	s := string(f.Kind)
	if f.Target != "" {
		s += " " + f.Target
	}
	if f.Delay > 0 {
		s += fmt.Sprintf(" by %v", f.Delay)
	}
	return s + fmt.Sprintf(" for %v", f.Lasts)
}
