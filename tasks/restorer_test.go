package tasks_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// keeper is what a result store keeps, in memory.
type keeper struct {
	kept    map[string]saga.Kept
	effects map[string][]saga.Effect
	away    error
}

func (k *keeper) Kept(_ context.Context, id string) (saga.Kept, error) {
	if kept, ok := k.kept[id]; ok || k.away != nil {
		return kept, k.away
	}
	return saga.Kept{}, saga.ErrNotFound
}

func (k *keeper) AllKept(_ context.Context, after string, limit int) ([]saga.Kept, error) {
	var list []saga.Kept
	for id, kept := range k.kept {
		if id > after {
			list = append(list, kept)
		}
	}
	slices.SortFunc(list, func(a, b saga.Kept) int { return cmp.Compare(a.ID, b.ID) })
	return list[:min(limit, len(list))], k.away
}

func (k *keeper) Effects(_ context.Context, task string) ([]saga.Effect, error) {
	return k.effects[task], k.away
}

// withKeeper gives a rig a store that keeps journals.
func withKeeper(r *rig) (*keeper, *tasks.Restorer) {
	k := &keeper{kept: map[string]saga.Kept{}, effects: map[string][]saga.Effect{}}
	r.dispatcher.Restorer = &tasks.Restorer{
		Journal: r.journal, Store: k, Queue: r.queue, Log: slog.New(slog.DiscardHandler),
		Changed: func() { r.changed.Add(1) }, Nudge: func() { r.nudged.Add(1) },
	}
	return k, r.dispatcher.Restorer
}

// flush keeps the journals of tasks, with their rows.
func (r *rig) flush(k *keeper, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		s, err := r.journal.Read(r.t.Context(), id)
		if err != nil {
			r.t.Fatal(err)
		}
		k.kept[id] = saga.Kept{ID: id, Version: s.Version, Journal: s.Stored}
		record, err := saga.Fold(s.Events)
		if err != nil {
			r.t.Fatal(err)
		}
		r.rows[id] = record.Task(s.Version)
	}
}

// empty takes everything away from Redis.
func (r *rig) empty() {
	r.t.Helper()
	if err := r.client.FlushAll(r.t.Context()).Err(); err != nil {
		r.t.Fatal(err)
	}
}

// kinds tells a journal in one line.
func (r *rig) kinds(id string) string {
	r.t.Helper()
	s, err := r.journal.Read(r.t.Context(), id)
	if err != nil {
		return err.Error()
	}
	var list []string
	for _, e := range s.Events {
		list = append(list, string(e.Kind))
	}
	return strings.Join(list, " ")
}

// lost is a rig with a task that waits for a signal, kept, and lost.
func lost(t *testing.T) (*rig, *keeper) {
	t.Helper()
	r := newRig(t)
	k, _ := withKeeper(r)
	r.start(saga.Request{ID: "t", Type: "wait"})
	var parked *saga.ParkedError
	if err := r.deliver("t"); !errors.As(err, &parked) {
		t.Fatal(err)
	}
	r.flush(k, "t")
	r.empty()
	return r, k
}

func TestALostTaskIsRestoredByWhoeverMeetsIt(t *testing.T) {
	for name, meet := range map[string]func(r *rig) error{
		"a read": func(r *rig) error {
			task, err := r.dispatcher.Get(r.t.Context(), "t")
			if err == nil && task.State != saga.Waiting {
				err = fmt.Errorf("it is %s", task.State)
			}
			return err
		},
		"a cancel": func(r *rig) error {
			task, err := r.dispatcher.Cancel(r.t.Context(), "t", "me", "")
			if err == nil && task.ID != "t" {
				err = errors.New("no task")
			}
			return err
		},
		"a signal": func(r *rig) error {
			return r.dispatcher.Signal(r.t.Context(), "t", saga.SignalRequest{Name: "go"})
		},
		"a delivery": func(r *rig) error {
			runner := r.runner()
			runner.Restorer = r.dispatcher.Restorer
			var parked *saga.ParkedError
			if err := runner.Run(r.t.Context(), "t"); !errors.As(err, &parked) || parked.Cause != nil {
				return fmt.Errorf("delivered: %w", err)
			}
			return nil
		},
		"the same request again": func(r *rig) error {
			task, created, err := r.dispatcher.Start(r.t.Context(), saga.Request{ID: "t", Type: "wait"})
			if created || task.State != saga.Waiting {
				err = fmt.Errorf("created %t, %s, %w", created, task.State, err)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := lost(t)
			if err := meet(r); err != nil {
				t.Fatal(err)
			}
			if got, want := r.kinds("t"), "created step_started step_done step_started waiting recovered"; !strings.HasPrefix(got, want) {
				t.Errorf("the journal is %s", got)
			}
			if r.asynq("default", "t") != "pending" || r.changed.Load() < 2 {
				t.Errorf("asynq has it %s, changed %d times", r.asynq("default", "t"), r.changed.Load())
			}
			if r.trail.told() != "before" {
				t.Errorf("trail: %s", r.trail.told())
			}
		})
	}
}

func TestAnotherRequestUnderTheIDOfALostTaskIsRefused(t *testing.T) {
	r, _ := lost(t)
	if _, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"}); !errors.Is(err, saga.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

func TestALostTaskIsNotRetried(t *testing.T) {
	r, _ := lost(t)
	if _, err := r.dispatcher.Retry(t.Context(), "t", "me"); !errors.Is(err, saga.ErrUnfinished) {
		t.Errorf("got %v", err)
	}
}

func TestAStoreThatIsAwayKeepsNobodyFromStarting(t *testing.T) {
	r, k := lost(t)
	k.away = saga.ErrUnavailable
	if err := r.dispatcher.Signal(t.Context(), "t", saga.SignalRequest{Name: "go"}); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("a signal: %v", err)
	}
	runner := r.runner()
	runner.Restorer = r.dispatcher.Restorer
	var parked *saga.ParkedError
	if err := runner.Run(t.Context(), "t"); !errors.As(err, &parked) || !errors.Is(parked.Cause, saga.ErrUnavailable) || parked.For == 0 {
		t.Errorf("a delivery: %v", err)
	}
	if _, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "new", Type: "one"}); !created || err != nil {
		t.Errorf("a start: created %t, %v", created, err)
	}
}

func TestADeliveryOfWhatNobodyKeepsIsNotDone(t *testing.T) {
	r := newRig(t)
	_, restorer := withKeeper(r)
	runner := r.runner()
	runner.Restorer = restorer
	var parked *saga.ParkedError
	if err := runner.Run(t.Context(), "nobody"); !errors.As(err, &parked) || !errors.Is(parked.Cause, saga.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestRowsWithoutAJournalStayLost(t *testing.T) {
	r, k := lost(t)
	delete(k.kept, "t")
	if err := r.dispatcher.Signal(t.Context(), "t", saga.SignalRequest{Name: "go"}); !errors.Is(err, saga.ErrLost) {
		t.Errorf("a signal: %v", err)
	}
	if task, err := r.dispatcher.Retry(t.Context(), "t", "me"); err != nil || task.RetryOf != "t" {
		t.Errorf("a retry: %+v, %v", task, err)
	}
}

func TestRecoverAll(t *testing.T) {
	r := newRig(t)
	k, restorer := withKeeper(r)
	for i := range 250 {
		id := fmt.Sprintf("t%03d", i)
		r.start(saga.Request{ID: id, Type: "one"})
		r.flush(k, id)
	}
	if err := r.deliver("t000"); err != nil {
		t.Fatal(err)
	}
	r.start(saga.Request{ID: "stays", Type: "one"})
	for _, id := range []string{"t003", "t004"} {
		for _, key := range []string{"j", "m"} {
			r.client.Del(t.Context(), "osp:{00}:"+key+":"+id)
		}
	}
	k.kept["t005"] = saga.Kept{ID: "t005", Journal: []string{"9:of a later version"}}
	r.client.Del(t.Context(), "osp:{00}:j:t005", "osp:{00}:m:t005")
	want := "restored 2, there 246, ended 1, failed [t005]"
	var pages []int
	for _, dry := range []bool{true, true, false} {
		all, err := restorer.RecoverAll(t.Context(), dry, func(r tasks.Recovery) { pages = append(pages, r.Seen()) })
		if got := say(all); got != want || err != nil {
			t.Errorf("dry run %t: %s, %v; want %s", dry, got, err, want)
		}
		if whole, err := r.journal.Whole(t.Context()); whole || err != nil {
			t.Errorf("dry run %t: with a task left alone the journal is called whole: %t, %v", dry, whole, err)
		}
	}
	if !slices.Equal(pages[:3], []int{100, 200, 250}) {
		t.Errorf("progress %v", pages)
	}
	if got := r.kinds("t003"); got != "created recovered" {
		t.Errorf("the journal is %s", got)
	}
	all, err := restorer.RecoverAll(t.Context(), false, nil)
	if got, want := say(all), "restored 0, there 248, ended 1, failed [t005]"; got != want || err != nil {
		t.Errorf("once more: %s, %v; want %s", got, err, want)
	}
	delete(k.kept, "t005")
	if _, err := restorer.RecoverAll(t.Context(), false, nil); err != nil {
		t.Errorf("with none left alone: %v", err)
	}
	if whole, err := r.journal.Whole(t.Context()); !whole || err != nil {
		t.Errorf("with none left alone the journal is called whole: %t, %v", whole, err)
	}
	k.away = saga.ErrUnavailable
	if _, err := restorer.RecoverAll(t.Context(), false, nil); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("without a store: %v", err)
	}
	k.away = nil
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := restorer.RecoverAll(t.Context(), false, nil); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("without Redis: %v", err)
	}
}

func say(r tasks.Recovery) string {
	var failed []string
	for _, f := range r.Failed {
		failed = append(failed, f.ID)
	}
	return fmt.Sprintf("restored %d, there %d, ended %d, failed %v", r.Restored, r.There, r.Ended, failed)
}
