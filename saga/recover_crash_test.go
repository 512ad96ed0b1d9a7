package saga_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// carryOnAll delivers everything until the store has the end of the task. The last events of its children it may have.
func (x *ruin) carryOnAll() {
	delays := x.random.of("delays")
	for i := range 5000 {
		for _, id := range x.known() {
			r := x.w.newRunner()
			r.Nonce = func() string { return fmt.Sprint("n", i, id) }
			r.Journal, r.Children, r.Restorer, r.Log = x.d, x, x, slog.New(slog.DiscardHandler)
			if _, died := x.deliver(r, id, nil); died {
				x.note("crash")
			}
		}
		x.outbox()
		if delays.oneIn(3) {
			x.mishap()
		}
		if x.ended() {
			return
		}
		time.Sleep(delays.upTo(1500 * time.Millisecond))
	}
	x.t.Errorf("the task does not end")
}

// ended tells whether nothing is kept any longer and nobody has anything to do, or an undo has failed for good: its worker
// died too often.
func (x *ruin) ended() bool {
	busy := slices.ContainsFunc(x.known(), func(id string) bool {
		s, err := x.w.journal.Read(x.t.Context(), id)
		return err == nil && !s.Finished
	})
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.kept) == 0 && !busy || x.stuck()
}

func (x *ruin) stuck() bool {
	for _, r := range x.records {
		if r.State == saga.Stuck {
			return true
		}
	}
	return false
}

// known are the tasks of the family that anything is known of, in the order of their ids.
func (x *ruin) known() []string {
	ids := append(x.children("t"), "t")
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.kept {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// runToItsEnd runs a task whose first row is stored, through everything that may happen to it.
func (x *ruin) runToItsEnd(flow *saga.Workflow) {
	x.w.start("t", flow)
	first, err := x.w.journal.Read(x.t.Context(), "t")
	if err != nil {
		x.t.Fatal(err)
	}
	x.keep(first)
	x.carryOnAll()
	for range 6 { // what ignores its context ends, and the last rows are written
		time.Sleep(11 * time.Second)
		x.take()
		x.write()
	}
	if !x.stuck() {
		x.check()
	}
	x.tellOfFailure()
}

// lostAnywhere and lostInFamilies are two stories of a Redis that is lost.
func lostAnywhere(t *testing.T, random *dice) []string {
	t.Helper()
	x := newRuin(t, random)
	x.runToItsEnd(x.w.flow("flow", saga.Sequence(x.tree(2), x.tree(2), x.leaf(), x.leaf())))
	return x.w.trail
}

func lostInFamilies(t *testing.T, random *dice) []string {
	t.Helper()
	x := newRuin(t, random)
	x.runToItsEnd(x.family())
	return x.w.trail
}

func TestRedisIsLostAnywhere(t *testing.T) {
	fromSeeds(t, 9, func(t *testing.T, random *dice) { lostAnywhere(t, random) })
}

func TestRedisIsLostInFamilies(t *testing.T) {
	fromSeeds(t, 10, func(t *testing.T, random *dice) { lostInFamilies(t, random) })
}

// What happens at one moment may be noted in any order.
func TestASeedTellsTheSameStoryEachTime(t *testing.T) {
	var trails [2][]string
	for i := range trails {
		from(t, 20, 10, func(t *testing.T, random *dice) {
			trail := lostInFamilies(t, random)
			slices.Sort(trail)
			trails[i] = append(trails[i], trail...)
		})
	}
	for i, line := range trails[0] {
		if i >= len(trails[1]) || trails[1][i] != line {
			t.Fatalf("line %d is %q at first, then %q", i, line, trails[1][min(i, len(trails[1])-1)])
		}
	}
}
