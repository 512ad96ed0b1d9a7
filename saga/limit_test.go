package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// door lets tasks in when it is open, and counts who leaves.
type door struct {
	answer saga.Turn
	err    error
	asked  int
	left   int
}

func (d *door) Enter(context.Context, saga.Created, bool) (saga.Turn, error) {
	d.asked++
	return d.answer, d.err
}
func (d *door) Stay(context.Context, saga.Created)  {}
func (d *door) Leave(context.Context, saga.Created) { d.left++ }

// parkedFor delivers a task and returns for how long it parks.
func (w *world) parkedFor(id string) time.Duration {
	w.t.Helper()
	var parked *saga.ParkedError
	if err := w.deliver(id); !errors.As(err, &parked) {
		w.t.Fatalf("not parked: %v", err)
	}
	if parked.Due.IsZero() {
		w.t.Fatal("parked until somebody wakes it")
	}
	return parked.For
}

// Nobody has to wake a task that waits for room: the limits may have gone, or the line with a Redis that failed over.
func TestATaskWithoutRoomAsksAgain(t *testing.T) {
	for _, c := range []struct {
		name        string
		answer      saga.Turn
		err         error
		young, aged time.Duration
	}{
		{name: "in line", young: time.Minute, aged: 5 * time.Minute},
		{name: "its turn is far", answer: saga.Turn{Due: time.Now().AddDate(100, 0, 0)}, young: time.Minute, aged: 5 * time.Minute},
		{name: "nobody knows", err: saga.ErrUnavailable, young: 5 * time.Second, aged: 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				d := &door{answer: c.answer, err: c.err}
				w.runner.Limiter = d
				w.start("t", w.flow("one", saga.Sequence(w.steps("a")...)))
				if got := w.parkedFor("t"); got != c.young {
					t.Errorf("asks again after %v, want %v", got, c.young)
				}
				time.Sleep(time.Hour)
				if got := w.parkedFor("t"); got != c.aged {
					t.Errorf("an hour later: after %v, want %v", got, c.aged)
				}
				d.answer, d.err = saga.Turn{Room: true}, nil
				w.settle("t")
				w.wantState("t", saga.Completed)
			})
		})
	}
}

func TestATaskIsThereWhenItsTurnComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.runner.Limiter = &door{answer: saga.Turn{Due: time.Now().Add(3 * time.Second)}}
		w.start("t", w.flow("one", saga.Sequence(w.steps("a")...)))
		if got := w.parkedFor("t"); got != 3*time.Second {
			t.Errorf("parked for %v, want 3s", got)
		}
	})
}

// A task may wait for days: its journal says so once.
func TestAskingForRoomDoesNotFillTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := &door{answer: saga.Turn{Room: true}}
		w.runner.Limiter = d
		w.start("t", w.flow("two", saga.Sequence(w.steps("a b?")...)))
		w.parkedFor("t") // b has failed once
		d.answer = saga.Turn{}
		time.Sleep(time.Minute)
		w.parkedFor("t")
		length := w.record("t").Last
		for range 10 {
			time.Sleep(w.parkedFor("t"))
		}
		if r := w.wantState("t", saga.Waiting); r.Last != length {
			t.Errorf("%d events more", r.Last-length)
		}
		if d.asked != 12 {
			t.Errorf("asked %d times", d.asked)
		}
	})
}

// A successor may have the room by then.
func TestAnOvertakenRunGivesNoRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := &door{answer: saga.Turn{Room: true}}
		w.runner.Limiter = d
		w.runner.Journal = &hooked{RunnerJournal: w.journal, renew: func() error { return saga.ErrUnavailable }}
		long := w.step("long")
		long.Timeout = time.Minute
		long.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		w.start("t", w.flow("one", saga.Sequence(long)))
		if err := w.deliver("t"); err == nil {
			t.Error("it went on without a lease")
		}
		if d.left > 0 {
			t.Error("it gave room back that is no longer its own")
		}
	})
}
