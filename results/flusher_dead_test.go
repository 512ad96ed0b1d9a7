package results_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestOneBadRowDoesNotKeepTheOthers(t *testing.T) {
	refusing := func(tasks []saga.Task) error {
		if slices.ContainsFunc(tasks, func(t saga.Task) bool { return strings.HasPrefix(t.ID, "bad") }) {
			return saga.Permanent(errors.New("refused"))
		}
		return nil
	}
	flushing(t, nil, func(r *rig) {
		r.store.failing(refusing)
		r.start("a", "b", "bad", "c", "d", "e", "f", "g")
		r.after(time.Second)
		r.same("dead letters", r.buried(), "bad")
		r.same("told", r.logged("a row will never be taken"), 1)
		rows := []string{}
		for id := range r.store.rows {
			rows = append(rows, id)
		}
		slices.Sort(rows)
		r.same("rows", rows, "[a b c d e f g]")
		calls := r.calls()
		r.after(time.Hour)
		r.same("calls in an hour with the same version", r.calls(), calls)
		r.cancel("bad")
		r.after(time.Second)
		r.same("a newer version is tried again, and told of again", r.logged("a row will never be taken"), 2)
		r.store.failing(nil)
		r.cancel("bad")
		r.after(time.Second)
		r.same("the next one is taken", r.store.rows["bad"].ID, "bad")
		r.same("dead letters in the end", r.buried(), "")
	})
}

func TestADeadLetterThatIsSentAgainIsTriedAgain(t *testing.T) {
	flushing(t, nil, func(r *rig) {
		r.store.failing(func([]saga.Task) error { return saga.Permanent(errors.New("no such column")) })
		r.start("a")
		r.after(time.Second)
		letters, err := r.journal.DeadLetters(r.Context(), "", 10)
		if err != nil || len(letters) != 1 || letters[0].Error != "no such column" {
			r.Fatalf("got %v, %v", letters, err)
		}
		r.store.failing(nil)
		if _, err := r.journal.Resend(r.Context(), []string{"a"}); err != nil {
			r.Fatal(err)
		}
		r.after(5 * time.Second) // nobody told the flusher: it sweeps
		r.same("written", r.batches(), "a")
		r.same("dead letters", r.buried(), "")
	})
}

func TestAJournalThatCannotBeReadIsLeftAloneAndToldOfOnce(t *testing.T) {
	flushing(t, func(r *rig) {
		r.flusher.Journal = &fixedSource{saga.Snapshot{
			Ref: saga.Ref{ID: "a"}, Version: 1, Events: []saga.Event{{Seq: 1, Kind: "news"}},
		}}
	}, func(r *rig) {
		r.after(time.Minute)
		r.same("told", r.logged("left to another release"), 1)
		r.same("dead letters", r.buried(), "")
		r.same("written", r.batches(), "")
	})
}

type fixedSource struct{ snapshot saga.Snapshot }

func (f *fixedSource) Dirty(context.Context, int) ([]saga.Snapshot, error) {
	return []saga.Snapshot{f.snapshot}, nil
}
func (f *fixedSource) Clean(context.Context, []saga.Flushed) ([]string, error) { return nil, nil }

func (f *fixedSource) Bury(context.Context, string, int64, string) (bool, error) { return false, nil }

func TestEveryBatchIsToldOf(t *testing.T) {
	var told []string
	setup := func(r *rig) {
		r.flusher.Flushed = func(rows int, oldest time.Time, took time.Duration, err error) {
			told = append(told, fmt.Sprintf("%d rows, %v old, in %v: %v", rows, time.Since(oldest).Round(time.Second), took, err))
		}
	}
	flushing(t, setup, func(r *rig) {
		r.store.failing(func(rows []saga.Task) error {
			time.Sleep(time.Second) // virtual
			if len(rows) == 2 {
				return saga.Permanent(errors.New("one is bad"))
			}
			return nil
		})
		r.start("a")
		r.after(10 * time.Second)
		r.start("b", "c")
		r.after(10 * time.Second)
		r.same("told", strings.Join(told, "; "), "1 rows, 1s old, in 1s: <nil>; 2 rows, 1s old, in 1s: one is bad; 1 rows, 2s old, in 1s: <nil>; 1 rows, 3s old, in 1s: <nil>")
	})
}
