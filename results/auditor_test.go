package results_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// ledger is a store for the audit that fails as it is told.
type ledger struct {
	mu      sync.Mutex
	saved   map[string]saga.Outcome
	batches int
	fail    func([]saga.Action) error
}

func (l *ledger) SaveActions(_ context.Context, list []saga.Action) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches++
	if l.fail != nil {
		if err := l.fail(list); err != nil {
			return err
		}
	}
	for _, a := range list {
		if was := l.saved[a.ID]; was == "" || was == saga.OutcomeBegun {
			l.saved[a.ID] = a.Outcome
		}
	}
	return nil
}

func (l *ledger) failing(f func([]saga.Action) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = f
}

func (l *ledger) outcome(id string) saga.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.saved[id]
}

// audited runs an auditor over a journal in memory, in virtual time.
func audited(t *testing.T, test func(t *testing.T, j *journal.Redis, l *ledger, a *results.Auditor, waiting func() int64, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j, l, log := journal.New(client, journal.Options{}), &ledger{saved: map[string]saga.Outcome{}}, &bytes.Buffer{}
		a := &results.Auditor{
			Journal: j, Store: l, Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Random: func() float64 { return 0 }, Rows: 10,
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.Run(ctx)
		}()
		synctest.Wait()
		test(t, j, l, a, func() int64 { return client.XLen(t.Context(), "osp:audit").Val() }, log)
		cancel()
		<-ended
	})
}

func noted(t *testing.T, j *journal.Redis, id string, outcome saga.Outcome) {
	t.Helper()
	if err := j.NoteAction(t.Context(), saga.Action{ID: id, Name: "cancel", Outcome: outcome}); err != nil {
		t.Fatal(err)
	}
}

func TestTheAuditIsCarriedToTheStore(t *testing.T) {
	audited(t, func(t *testing.T, j *journal.Redis, l *ledger, a *results.Auditor, waiting func() int64, _ *bytes.Buffer) {
		for i := range 25 {
			noted(t, j, fmt.Sprint(i), saga.OutcomeBegun)
			noted(t, j, fmt.Sprint(i), saga.OutcomeDone)
		}
		a.Notify()
		time.Sleep(time.Second) // virtual
		synctest.Wait()
		if waiting() != 0 || len(l.saved) != 25 || l.batches != 5 {
			t.Errorf("%d wait, %d are saved, in %d batches", waiting(), len(l.saved), l.batches)
		}
		noted(t, j, "unheard", saga.OutcomeBegun)
		time.Sleep(6 * time.Second) // another process noted it: the sweep finds it
		synctest.Wait()
		if l.outcome("unheard") != saga.OutcomeBegun || l.outcome("3") != saga.OutcomeDone {
			t.Errorf("got %v", l.saved)
		}
	})
}

func TestNothingOfTheAuditIsLostWhileTheStoreIsAway(t *testing.T) {
	audited(t, func(t *testing.T, j *journal.Redis, l *ledger, a *results.Auditor, waiting func() int64, log *bytes.Buffer) {
		l.failing(func([]saga.Action) error { return saga.ErrUnavailable })
		for i := range 30 {
			noted(t, j, fmt.Sprint(i), saga.OutcomeDone)
			a.Notify()
			time.Sleep(10 * time.Second)
		}
		if waiting() != 30 || len(l.saved) != 0 {
			t.Errorf("%d wait, %d are saved", waiting(), len(l.saved))
		}
		if told := strings.Count(log.String(), "the audit is not written"); told < 1 || told > 5 {
			t.Errorf("told %d times: %s", told, log)
		}
		l.failing(nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if waiting() != 0 || len(l.saved) != 30 || !strings.Contains(log.String(), "the audit is written again") {
			t.Errorf("%d wait, %d are saved: %s", waiting(), len(l.saved), log)
		}
	})
}

func TestAnEntryThatTheStoreRefusesKeepsNoOtherBack(t *testing.T) {
	audited(t, func(t *testing.T, j *journal.Redis, l *ledger, a *results.Auditor, waiting func() int64, log *bytes.Buffer) {
		l.failing(func(list []saga.Action) error {
			if slices.ContainsFunc(list, func(a saga.Action) bool { return a.ID == "bad" }) {
				return saga.Permanent(fmt.Errorf("no such thing"))
			}
			return nil
		})
		for i := range 7 {
			noted(t, j, fmt.Sprint(i), saga.OutcomeDone)
		}
		noted(t, j, "bad", saga.OutcomeDone)
		noted(t, j, "", saga.OutcomeDone) // as one of a newer release that cannot be read
		for i := range 17 {
			noted(t, j, fmt.Sprint(10+i), saga.OutcomeDone)
		}
		a.Notify()
		time.Sleep(time.Minute)
		synctest.Wait()
		if waiting() != 2 || len(l.saved) != 24 {
			t.Errorf("%d wait, %d are saved", waiting(), len(l.saved))
		}
		if told := strings.Count(log.String(), "cannot be written"); told != 2 {
			t.Errorf("told %d times: %s", told, log)
		}
	})
}

func TestWhatWasNotedLastIsCarriedAtTheEnd(t *testing.T) {
	var l *ledger
	audited(t, func(t *testing.T, j *journal.Redis, led *ledger, _ *results.Auditor, _ func() int64, _ *bytes.Buffer) {
		l = led
		noted(t, j, "last", saga.OutcomeDone)
	})
	if l.outcome("last") != saga.OutcomeDone {
		t.Error("it is left in Redis, which in osp dev ends with the process")
	}
}
