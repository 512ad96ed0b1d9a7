package results_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

func TestANotifiedFlusherWritesWithin200ms(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.start("a", "b")
		r.after(50 * time.Millisecond)
		r.start("c")
		r.same("too soon", r.batches(), "")
		r.after(150 * time.Millisecond)
		r.same("together", r.batches(), "a b c")
		r.after(time.Hour)
		r.same("once", r.batches(), "a b c")
	})
}

func TestNotifyNeverBlocks(t *testing.T) {
	f := results.NewFlusher(nil, nil, nil, nil) // nobody runs it
	for range 3 {
		f.Notify()
	}
}

func TestChildrenAreLetGoWithATerminalRowOnly(t *testing.T) {
	source := &scripted{}
	flushing(t, func(r *rig) { r.flusher.Journal = source }, func(r *rig) {
		begun := []saga.Event{
			{Seq: 1, Kind: saga.KindCreated, Created: &saga.Created{ID: "a", Type: "order"}},
			{Seq: 2, Kind: saga.KindStepStarted, Path: "c", StepKind: saga.KindChild, Name: "child-1"},
		}
		ended := append(slices.Clone(begun), saga.Event{Seq: 3, Kind: saga.KindCompleted})
		source.hand(saga.Snapshot{Ref: saga.Ref{ID: "a"}, Version: 1, Events: begun})
		r.after(5 * time.Second)
		source.hand(saga.Snapshot{Ref: saga.Ref{ID: "a"}, Version: 2, Events: ended})
		r.after(5 * time.Second)
		r.same("flushed", source.flushed, "[{a 1 1 []} {a 2 2 [child-1]}]")
	})
}

// scripted is a journal that hands out what it is given, once.
type scripted struct {
	mu      sync.Mutex
	next    []saga.Snapshot
	flushed []saga.Flushed
}

func (s *scripted) hand(one saga.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, one)
}

func (s *scripted) Dirty(context.Context, int) ([]saga.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.next
	s.next = nil
	return list, nil
}

func (s *scripted) Bury(context.Context, string, int64, string) (bool, error) { return false, nil }

func (s *scripted) Clean(_ context.Context, f []saga.Flushed) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = append(s.flushed, f...)
	return nil, nil
}

func TestAnIdleFlusherLooksEvery5s(t *testing.T) {
	counting := &counter{}
	flushing(t, func(r *rig) {
		counting.Source = r.journal
		r.flusher.Journal = counting
	}, func(r *rig) {
		r.same("looks at the start", counting.n.Load(), 1)
		r.after(time.Minute)
		r.same("looks in a minute", counting.n.Load(), 13)
	})
}

type counter struct {
	results.Source
	n atomic.Int32
}

func (c *counter) Dirty(ctx context.Context, limit int) ([]saga.Snapshot, error) {
	c.n.Add(1)
	return c.Source.Dirty(ctx, limit)
}

func TestWhatNobodyToldOfIsSweptUp(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.begin("a")
		r.after(5 * time.Second)
		r.same("swept", r.batches(), "a")
	})
}

func TestBatchesAreNeitherTooLongNorTooLarge(t *testing.T) {
	ids := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%03d", i))
		}
		return list
	}
	for _, c := range []struct {
		name        string
		rows, bytes int
		tasks, want int
	}{
		{"all in one", 200, 1_000_000, 50, 1},
		{"by rows", 20, 1_000_000, 50, 3},
		{"by bytes", 200, 10_000, 50, 5},
		{"one that is larger than a batch goes alone", 200, 1, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			flushing(t, func(r *rig) { r.flusher.Rows, r.flusher.Bytes = c.rows, c.bytes }, func(r *rig) {
				r.start(ids(c.tasks)...)
				r.after(time.Second)
				r.same("batches", len(r.store.batches), c.want)
				r.same("rows", len(r.store.rows), c.tasks)
			})
		})
	}
}

func TestWhatAppendsWhileARowIsWrittenIsWrittenToo(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func(tasks []saga.Task) error { // runs in the middle of a Save
			_, err := r.journal.Post(r.Context(), "a", saga.Message{Event: saga.Event{Kind: saga.KindCancel}, Dedupe: "x"})
			return err
		})
		r.start("a")
		r.after(300 * time.Millisecond) // nobody tells the flusher of the event: it looks again by itself
		now, err := r.journal.Read(r.Context(), "a")
		if err != nil {
			r.Fatal(err)
		}
		r.same("version", r.store.rows["a"].Version, now.Version)
	})
}

func TestANewerRowOfSomebodyElseIsOutdone(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		future := time.Now().Add(time.Hour).UnixMicro()
		r.store.rows["a"] = saga.Task{ID: "a", Version: future, Type: "stale"}
		r.start("a")
		r.after(time.Second)
		r.same("row", r.store.rows["a"].Type+" "+strconv.FormatInt(r.store.rows["a"].Version-future, 10), "order 1")
	})
}

func TestAStoppedFlusherWritesWhatThereIs(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.begin("a")
		before := time.Now()
		r.stop()
		r.same("written", r.batches(), "a")
		r.same("took", time.Since(before), time.Duration(0))
	})
}
