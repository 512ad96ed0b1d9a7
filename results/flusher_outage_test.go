package results_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// gone is a store that is away.
func gone([]saga.Task) error { return errors.New("away") }

func TestAStoreThatIsAwayIsTriedLessAndLess(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func([]saga.Task) error { return errors.New("away") })
		r.start("a")
		r.after(time.Second)
		first := r.calls()
		r.after(time.Minute)
		r.same("calls in the first second and in the next minute", fmt.Sprint(first, r.calls()-first < 20), "3 true")
		r.store.failing(nil)
		r.start("b")
		r.after(11 * time.Second)
		r.same("written on return", r.batches(), "a b")
		r.after(time.Hour)
		r.same("once", r.batches(), "a b")
	})
}

func TestAPauseThatTheStoreAsksForIsKept(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func([]saga.Task) error { return &results.APIError{Status: 429, RetryAfter: 17 * time.Second} })
		r.start("a")
		r.after(16 * time.Second)
		r.same("calls", r.calls(), 1)
		r.after(2 * time.Second)
		r.same("calls", r.calls(), 2)
	})
}

func TestAStoreThatIsBackIsAskedOneSmallBatchFirst(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(gone)
		for i := range 300 {
			r.begin(fmt.Sprintf("%03d", i))
		}
		r.flusher.Notify()
		r.after(time.Minute)
		r.same("batches offered", r.offered()[:3], "[200 200 200]") // three failures in a row open the circuit
		for _, n := range r.offered()[3:] {
			r.same("a probe while it is away", n, 20)
		}
		calls := r.calls()
		r.store.failing(nil)
		r.after(11 * time.Second)
		r.same("batches when it is back", r.offered()[calls:], "[20 200 80]")
		r.same("rows", len(r.store.rows), 300)
	})
}

func TestOneFailureDoesNotOpenTheCircuit(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		for i := range 50 {
			r.begin(fmt.Sprintf("%02d", i))
		}
		r.store.failing(func([]saga.Task) error { r.store.fail = nil; return errors.New("a hiccup") })
		r.flusher.Notify()
		r.after(time.Second)
		r.same("batches offered", r.offered(), "[50 50]")
	})
}

func TestARefusedRowDoesNotOpenTheCircuit(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func([]saga.Task) error { return saga.Permanent(errors.New("no")) })
		for i := range 4 {
			r.begin(fmt.Sprint(i))
		}
		r.flusher.Notify()
		r.after(200 * time.Millisecond) // bisecting takes no pause
		r.same("batches offered", r.offered(), "[4 2 1 1 2 1 1]")
	})
}

func TestRowsOfAnOutageAreNeverOldOnes(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(gone)
		r.start("a")
		r.after(time.Minute)
		r.cancel("a")
		now, err := r.journal.Read(r.Context(), "a")
		if err != nil {
			r.Fatal(err)
		}
		r.store.failing(nil)
		r.after(11 * time.Second)
		r.same("written", r.batches(), "a")
		r.same("version", r.store.rows["a"].Version, now.Version)
	})
}

func TestRowsOfAShortOutageAreWrittenWhenItEnds(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(gone)
		r.start("a", "b")
		r.after(650 * time.Millisecond) // two attempts
		r.store.failing(nil)
		r.after(100 * time.Millisecond) // not the 10 s for which the journal holds back what it has handed out
		r.same("written", r.batches(), "a b")
	})
}

func TestAnOutageIsToldOfRarely(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.start("before")
		r.after(time.Second)
		before := r.calls()
		r.store.failing(gone)
		r.start("a", "b")
		r.after(time.Second)
		r.same("lines at once", r.logged("does not take rows"), 1)
		r.after(12 * time.Hour)
		r.same("calls in 12 hours", r.calls()-before > 8000, true)
		r.same("lines in 12 hours: after 0, 1, 2, 4 … 64 min, then hourly", r.logged("does not take rows"), 18)
		r.store.failing(nil)
		r.after(20 * time.Second)
		r.same("its end", r.logged(`msg="the result store takes rows again" failures=`), 1)
		r.same("what had waited", r.logged(`msg="all rows that waited are written" rows=2 in=0s`), 1)
		r.after(time.Hour)
		r.same("lines at rest", r.logged("rows"), 20)
	})
}

func TestAStoppedFlusherDoesNotWaitForEver(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func([]saga.Task) error { return errors.New("away") })
		r.start("a")
		r.after(time.Second)
		before := time.Now()
		r.stop()
		r.same("took", time.Since(before), 5*time.Second)
		r.same("says so", strings.Contains(r.log.String(), "unwritten"), true)
	})
}

func TestAJournalThatIsAwayIsWaitedFor(t *testing.T) {
	away := &awayJournal{}
	flushing(t, func(r *rig) {
		away.Source, away.until = r.journal, time.Now().Add(30*time.Second)
		r.flusher.Journal = away
	}, func(r *rig) {
		r.start("a")
		r.after(29 * time.Second)
		r.same("calls", away.calls.Load() < 12, true)
		r.after(20 * time.Second)
		r.same("written", r.batches(), "a")
	})
}

type awayJournal struct {
	results.Source
	until time.Time
	calls atomic.Int32
}

func (a *awayJournal) Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error) {
	a.calls.Add(1)
	if time.Now().Before(a.until) {
		return nil, saga.ErrUnavailable
	}
	return a.Source.Dirty(ctx, limit)
}
