package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
	"github.com/osp-platform/osp/tasks"
)

// child records a child of p that has ended.
func (b *broom) child(id string, end saga.Event) {
	b.t.Helper()
	c := saga.Created{
		ID: id, Type: "one", Queue: "default", Owner: saga.NilOwner, Hash: id, Parent: "p", ParentPath: "step-" + id,
	}
	if _, err := b.journal.Start(b.t.Context(), saga.Start{Created: c}); err != nil {
		b.t.Fatal(err)
	}
	b.end(id, end)
}

// end ends a task, which moves forwards or backwards.
func (b *broom) end(id string, end saga.Event) {
	b.t.Helper()
	claim, err := b.journal.Claim(b.t.Context(), id, "n")
	if err != nil {
		b.t.Fatal(err)
	}
	batch := saga.Batch{Read: int64(len(claim.Events)), Then: saga.Finish, Decisions: []saga.Event{end}}
	if end.Kind != saga.KindCompleted && len(claim.Events) == 1 {
		batch.Decisions = []saga.Event{{Kind: saga.KindCompensationStarted, Error: end.Error}, {Kind: end.Kind}}
	}
	if _, err := b.journal.Append(b.t.Context(), claim.Lease, batch); err != nil {
		b.t.Fatal(err)
	}
}

// heard is what the parent was told, one line for each time.
func (b *broom) heard() string {
	b.t.Helper()
	s, err := b.journal.Read(b.t.Context(), "p")
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, e := range s.Events[1:] {
		if e.Kind == saga.KindChildFinished {
			lines = append(lines, strings.TrimSpace(e.Path+" "+e.Name+" "+string(e.Data)+" "+e.Error))
		}
	}
	return strings.Join(lines, "; ")
}

func (b *broom) outbox() int {
	b.t.Helper()
	list, err := b.journal.Outbox(b.t.Context(), 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(list)
}

var completed = saga.Event{Kind: saga.KindCompleted, Data: json.RawMessage(`"out"`)}

func TestAParentIsToldOfItsChildrensEnds(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("p", true, time.Time{})
		b.child("a", completed)
		b.child("b", saga.Event{Kind: saga.KindFailed, Error: "no stock"})
		b.child("c", saga.Event{Kind: saga.KindCancelled, Error: "not wanted"})
		b.sweep()
		want := `step-a completed "out"; step-b failed  no stock; step-c cancelled  not wanted`
		if got := b.heard(); got != want {
			t.Errorf("the parent heard\n     %s\nwant %s", got, want)
		}
		if n := b.waker.times("wake p"); n != 3 {
			t.Errorf("it was woken %d times", n)
		}
		if n := b.outbox(); n != 0 {
			t.Errorf("%d ends are left to be told", n)
		}
	})
}

// What a lost journal had said of a child's end may not be what it comes to in the end.
func TestAParentIsToldOfAnotherEndUnderTheSameNumber(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("p", true, time.Time{})
		b.child("a", completed)
		b.sweep()
		parent, err := b.journal.Read(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		b.journal.Lose()
		again := saga.Restoration{
			Created: *parent.Events[0].Created, Stored: parent.Stored, Version: parent.Version,
			Posted: map[string]int64{parent.Events[1].Dedupe: 2},
		}
		if _, err := b.journal.Restore(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.child("a", saga.Event{Kind: saga.KindCompleted, Data: json.RawMessage(`"other"`)})
		b.sweep()
		if got, want := b.heard(), `step-a completed "out"; step-a completed "other"`; got != want {
			t.Errorf("the parent heard %s, want %s", got, want)
		}
	})
}

// Sweepers run everywhere at once, and may die between telling and forgetting.
func TestAParentIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &forgetful{Memory: storetest.NewMemory(time.Now)}
		w := &waker{asked: map[string][]time.Time{}}
		b := &broom{t, j.Memory, w, tasks.NewSweeper(j, w, slog.New(slog.DiscardHandler), time.Now)}
		b.task("p", true, time.Time{})
		b.child("a", completed)
		if _, err := b.Sweep(t.Context()); !errors.Is(err, saga.ErrUnavailable) {
			t.Errorf("the delivery could not be forgotten, and the sweep says %v", err)
		}
		if b.outbox() != 1 {
			t.Fatal("it was forgotten")
		}
		var sweepers sync.WaitGroup
		for range 10 {
			own := *b
			own.Sweeper = tasks.NewSweeper(j, w, slog.New(slog.DiscardHandler), time.Now)
			sweepers.Go(func() { own.sweep() })
		}
		sweepers.Wait()
		if got := b.heard(); got != `step-a completed "out"` {
			t.Errorf("the parent heard %s", got)
		}
	})
}

// forgetful is a journal that fails to forget a delivery, once.
type forgetful struct {
	*storetest.Memory
	failed bool
}

func (f *forgetful) Delivered(ctx context.Context, d saga.Delivery) error {
	if !f.failed {
		f.failed = true
		return saga.ErrUnavailable
	}
	return f.Memory.Delivered(ctx, d)
}

func TestNobodyIsLeftToBeTold(t *testing.T) {
	sweep(t, func(b *broom) {
		b.child("orphan", completed) // there never was a p
		b.sweep()
		if n := b.outbox(); n != 0 {
			t.Errorf("without a parent %d ends are kept", n)
		}
		b.task("p", false, time.Time{})
		b.end("p", completed)
		b.child("late", completed)
		b.sweep()
		if n := b.outbox(); n != 0 {
			t.Errorf("with a parent that has ended %d ends are kept", n)
		}
		if n := b.waker.times("wake p"); n != 0 {
			t.Errorf("a parent that has ended was woken %d times", n)
		}
	})
}

// A loop over many items ends in as many children at about the same time.
func TestManyEndsAreToldSoon(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("p", true, time.Time{})
		for i := range 1200 {
			b.child(fmt.Sprint(i), completed)
		}
		defer b.run()()
		time.Sleep(time.Second)
		if n := b.outbox(); n != 0 {
			t.Errorf("%d of 1200 ends are left to be told after a second", n)
		}
	})
}

// A completed child was told of, then reopened: its first end is what it was, and its second one is told too.
func TestAReopenedChildIsToldOfTwice(t *testing.T) {
	sweep(t, func(b *broom) {
		b.task("p", true, time.Time{})
		b.child("a", completed)
		undo := saga.Message{Event: saga.Event{Kind: saga.KindUndoRequested, Error: "undone"}, Reopen: true, Dedupe: "undo"}
		if _, err := b.journal.Post(t.Context(), "a", undo); err != nil {
			t.Fatal(err)
		}
		b.sweep()
		b.end("a", saga.Event{Kind: saga.KindCancelled})
		b.sweep()
		if got, want := b.heard(), `step-a completed "out"; step-a cancelled  undone`; got != want {
			t.Errorf("the parent heard\n     %s\nwant %s", got, want)
		}
	})
}

// The parent is running just now: the wake-up misses, and its mark must be swept soon.
func TestAMissedWakeUpOfAParentIsSwept(t *testing.T) {
	sweep(t, func(b *broom) {
		b.waker.fails = errors.New("it is active")
		b.task("p", true, time.Time{})
		defer b.run()()
		time.Sleep(time.Second)
		b.child("a", completed)
		b.Nudge() // as the worker does when a child ends
		time.Sleep(500 * time.Millisecond)
		if n := b.waker.times("take over p"); n < 1 {
			t.Errorf("the parent was swept %d times", n)
		}
	})
}

// A child's journal that this program cannot read waits for a program that can; the others' parents are told.
func TestAnEndThatCannotBeToldHoldsNoOtherBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &newer{Memory: storetest.NewMemory(time.Now), of: "a"}
		w := &waker{asked: map[string][]time.Time{}}
		b := &broom{t, j.Memory, w, tasks.NewSweeper(j, w, slog.New(slog.DiscardHandler), time.Now)}
		b.task("p", true, time.Time{})
		for _, id := range []string{"a1", "a2", "a3", "a4", "b"} {
			b.child(id, completed)
		}
		if _, err := b.Sweep(t.Context()); !errors.Is(err, saga.ErrUnknownEvent) {
			t.Errorf("the sweep says %v", err)
		}
		if got, want := b.heard(), `step-b completed "out"`; got != want {
			t.Errorf("the parent heard %s, want %s", got, want)
		}
		if n := b.outbox(); n != 4 {
			t.Errorf("%d ends are left to be told, want 4", n)
		}
	})
}

// A cluster's master may be away, or its replica: each of its parents costs time, and the others are told all the same.
func TestEndsThatTakeLongToTellHoldNoOtherBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &slow{Memory: storetest.NewMemory(time.Now)}
		w := &waker{asked: map[string][]time.Time{}}
		b := &broom{t, j.Memory, w, tasks.NewSweeper(j, w, slog.New(slog.DiscardHandler), time.Now)}
		b.task("p", true, time.Time{})
		for i := range 7 {
			b.child(fmt.Sprint("a", i), completed)
		}
		b.child("z", completed)
		for range 3 {
			began := time.Now()
			if _, err := b.Sweep(t.Context()); !errors.Is(err, saga.ErrUnavailable) {
				t.Errorf("the sweep says %v", err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("a sweep took %v: whoever is to be woken waits for it", took)
			}
		}
		if got, want := b.heard(), `step-z completed "out"`; got != want {
			t.Errorf("the parent heard %s, want %s", got, want)
		}
	})
}

// slow is a journal that takes a second to refuse all ends but that of z.
type slow struct{ *storetest.Memory }

func (s *slow) Post(ctx context.Context, id string, m saga.Message) (saga.Posted, error) {
	if m.Event.Path == "step-z" {
		return s.Memory.Post(ctx, id, m)
	}
	time.Sleep(time.Second)
	return saga.Posted{}, saga.ErrUnavailable
}

// newer is a journal in which those of some tasks were written by a newer program.
type newer struct {
	*storetest.Memory
	of string // how their ids begin
}

func (n *newer) Read(ctx context.Context, id string) (saga.Snapshot, error) {
	s, err := n.Memory.Read(ctx, id)
	if strings.HasPrefix(id, n.of) {
		s.Events[1].Kind = "invented_later"
	}
	return s, err
}

func TestWhatASweepHasSetRightIsCounted(t *testing.T) {
	sweep(t, func(b *broom) {
		repaired := map[string]int{}
		b.Repaired = func(repair string) { repaired[repair]++ }
		b.task("p", true, time.Time{})
		b.child("a", completed)
		b.task("late", true, time.Now())
		b.task("signalled", true, time.Time{})
		if _, err := b.journal.Post(t.Context(), "signalled", saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second) // virtual
		b.waker.fails = errors.New("away")
		_, _ = b.Sweep(t.Context())
		if want := map[string]int{tasks.RepairTold: 1}; !maps.Equal(repaired, want) {
			t.Errorf("without a queue it set right %v, want %v", repaired, want)
		}
		b.waker.fails = nil
		time.Sleep(11 * time.Second) // virtual: what was handed out is again
		b.sweep()
		if want := map[string]int{tasks.RepairTold: 1, tasks.RepairOverdue: 1, tasks.RepairWoken: 2}; !maps.Equal(repaired, want) {
			t.Errorf("it set right %v, want %v", repaired, want)
		}
	})
}
