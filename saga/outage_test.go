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

// hooked is a journal whose calls a test may hold up, or answer itself.
type hooked struct {
	saga.RunnerJournal
	afterClaim func()
	renew      func() error
	read       func() error
	append     func(ctx context.Context, b saga.Batch) error
	appended   func(b saga.Batch)
}

func (h *hooked) Claim(ctx context.Context, id, nonce string) (saga.Claim, error) {
	c, err := h.RunnerJournal.Claim(ctx, id, nonce)
	if h.afterClaim != nil {
		h.afterClaim()
	}
	return c, err
}

func (h *hooked) Open(ctx context.Context, id, nonce string, o saga.Opening) (saga.Claim, error) {
	c, err := h.RunnerJournal.Open(ctx, id, nonce, o)
	if h.afterClaim != nil {
		h.afterClaim()
	}
	return c, err
}

func (h *hooked) Renew(ctx context.Context, l saga.Lease) (saga.Renewed, error) {
	if h.renew != nil {
		if err := h.renew(); err != nil {
			return saga.Renewed{}, err
		}
	}
	return h.RunnerJournal.Renew(ctx, l)
}

func (h *hooked) Read(ctx context.Context, id string) (saga.Snapshot, error) {
	if h.read != nil {
		if err := h.read(); err != nil {
			return saga.Snapshot{}, err
		}
	}
	return h.RunnerJournal.Read(ctx, id)
}

func (h *hooked) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	if h.append != nil {
		if err := h.append(ctx, b); err != nil {
			return saga.Appended{}, err
		}
	}
	a, err := h.RunnerJournal.Append(ctx, l, b)
	if h.appended != nil {
		h.appended(b)
	}
	return a, err
}

func TestTheLeaseCountsFromWhenItWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sent := time.Now()
		w.runner.Journal = &hooked{
			RunnerJournal: w.journal,
			afterClaim:    func() { time.Sleep(3 * time.Second) }, // the answer is slow
			renew:         func() error { return saga.ErrUnavailable },
		}
		long := w.step("long")
		long.Do = func(ctx context.Context, _ saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			<-ctx.Done()
			if d := time.Since(sent); d > 5*time.Second {
				t.Errorf("the step ran for %v, under a lease of 5 s", d)
			}
			return nil, ctx.Err()
		}
		w.start("t", w.flow("flow", saga.Sequence(long)))
		_ = w.deliver("t")
	})
}

func TestACallEndsAtTheDeadlineThatIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := &hooked{RunnerJournal: w.journal, appended: func(saga.Batch) { time.Sleep(3 * time.Second) }}
		w.runner.Journal = h
		step := w.step("a")
		step.Timeout = 10 * time.Second
		step.Do = func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			h.appended = nil
			if recorded := w.record("t").Step("a").Do.Deadline.Time(); !c.Deadline.Equal(recorded) {
				t.Errorf("the call may take %v longer than others know", c.Deadline.Sub(recorded))
			}
			return nil, nil
		}
		w.start("t", w.flow("flow", saga.Sequence(step)))
		w.settle("t")
		w.wantState("t", saga.Completed)
	})
}

func TestAResultIsWrittenAlthoughTheDeliveryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		w.runner.Journal = &hooked{RunnerJournal: w.journal, append: func(ctx context.Context, b saga.Batch) error {
			if len(b.Facts) > 0 {
				cancel()
				time.Sleep(time.Millisecond)
			}
			return ctx.Err() // as a client does that waits for an answer
		}}
		w.start("t", w.flow("flow", saga.Sequence(w.steps("a b")...)))
		var parked *saga.ParkedError
		// The next step may have ended before the cancel was seen: then so has the task.
		if err := w.runner.Run(ctx, "t"); err != nil && (!errors.As(err, &parked) || !parked.Now) {
			t.Errorf("run: %v", err)
		}
		w.runner = w.newRunner()
		if err := w.deliver("t"); err != nil {
			t.Errorf("the next worker: %v", err)
		}
		w.wantTrail("do a, do b")
		w.wantState("t", saga.Completed)
	})
}

func TestNewsThatCannotBeReadAtOnceStopNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		failures := 3
		w.runner.Journal = &hooked{RunnerJournal: w.journal, read: func() error {
			if failures--; failures >= 0 {
				return saga.ErrUnavailable
			}
			return nil
		}}
		letGo := make(chan struct{})
		w.start("t", w.flow("flow", saga.Sequence(w.blocking("long", letGo), saga.Signal("s", "go", 0))))
		ended := make(chan error)
		go func() { ended <- w.deliver("t") }()
		time.Sleep(time.Second)
		if _, err := w.journal.Post(t.Context(), "t", saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		close(letGo)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.wantTrail("do long")
		w.wantState("t", saga.Completed)
	})
}

// newer is a journal with an event in a format of a newer release.
type newer struct{ saga.RunnerJournal }

func (n newer) Claim(ctx context.Context, id, nonce string) (saga.Claim, error) {
	c, err := n.RunnerJournal.Claim(ctx, id, nonce)
	if err == nil {
		c.Events, err = nil, saga.ErrUnknownEvent
	}
	return c, err
}

func TestAJournalThatCannotBeReadIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.runner.Journal = newer{w.journal}
		w.start("t", w.flow("flow", saga.Sequence(w.steps("a")...)))
		var parked *saga.ParkedError
		if err := w.deliver("t"); !errors.Is(err, saga.ErrUnknownEvent) || !errors.As(err, &parked) || parked.For != time.Minute {
			t.Errorf("deliver: %v", err)
		}
		w.runner = w.newRunner() // of the newer release: it need not wait for the lease
		if err := w.deliver("t"); err != nil {
			t.Error(err)
		}
		w.wantState("t", saga.Completed)
	})
}

func TestAWorkerThatStopsBeginsNothing(t *testing.T) {
	for range 20 { // a select with two ready cases picks either
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			drain := make(chan struct{})
			w.runner.Draining = drain
			first := w.step("first")
			do := first.Do
			first.Do = func(ctx context.Context, c saga.Call, in json.RawMessage) (json.RawMessage, error) {
				close(drain) // just as it ends
				return do(ctx, c, in)
			}
			w.start("t", w.flow("flow", saga.Sequence(first, w.step("b"))))
			_ = w.deliver("t")
			w.wantTrail("do first")
			var parked *saga.ParkedError
			if err := w.deliver("t"); !errors.As(err, &parked) || !parked.Now {
				t.Errorf("a delivery to a worker that stops: %v", err)
			}
			w.wantTrail("do first")
		})
	}
}
