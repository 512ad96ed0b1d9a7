package saga_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What the stories with crashes are told from: `go test ./saga -run 'Crashes|IsLost' -first 300 -seeds 20000`.
var (
	firstSeed = flag.Uint64("first", 0, "the first seed of each story with crashes")
	seeds     = flag.Uint64("seeds", 200, "how many seeds each story with crashes is told from")
)

// fromSeeds tells a story once for each seed.
func fromSeeds(t *testing.T, stream uint64, story func(t *testing.T, random *dice)) {
	t.Helper()
	from(t, *seeds, stream, story)
}

func from(t *testing.T, seeds, stream uint64, story func(t *testing.T, random *dice)) {
	t.Helper()
	for seed := *firstSeed; seed < *firstSeed+seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(t, newDice(seed, stream)) })
		})
	}
}

// dice are what a seed decides. Everyone has a die of their own, so that it does not matter who of several comes first
// that act at one moment: a seed tells the same story each time.
type dice struct {
	seed uint64
	mu   sync.Mutex
	dice map[string]*die
}

func newDice(seed, stream uint64) *dice {
	return &dice{seed: seed<<8 | stream, dice: map[string]*die{}}
}

// of returns somebody's die.
func (d *dice) of(whom string) *die {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dice[whom] == nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(whom))
		d.dice[whom] = &die{source: rand.New(rand.NewPCG(d.seed, h.Sum64()))}
	}
	return d.dice[whom]
}

// die may be thrown by many goroutines.
type die struct {
	mu     sync.Mutex
	source *rand.Rand
}

// IntN is at random, from 0 to n-1.
func (d *die) IntN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.IntN(n)
}

// oneIn is true one time in n.
func (d *die) oneIn(n int) bool { return d.IntN(n) == 0 }

// upTo is at random, to the nanosecond: what need not happen at one moment with something else does not.
func (d *die) upTo(most time.Duration) time.Duration { return time.Duration(d.IntN(int(most))) }

func (d *die) seconds(from, to int) time.Duration {
	return time.Duration(from+d.IntN(to-from)) * time.Second
}
