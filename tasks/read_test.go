package tasks_test

import (
	"errors"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

func TestATaskIsReadFromItsRowWhenItsJournalIsGone(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one"})
	r.rows["t"] = saga.Task{ID: "t", Version: 1, State: saga.Failed}
	r.rows["old"] = saga.Task{ID: "old", Version: 7, State: saga.Completed}
	if task, err := r.dispatcher.Get(t.Context(), "t"); err != nil || task.State != saga.Pending {
		t.Errorf("the row is older than the journal: %+v, %v", task, err)
	}
	if task, err := r.dispatcher.Get(t.Context(), "old"); err != nil || task.Version != 7 {
		t.Errorf("without a journal: %+v, %v", task, err)
	}
	if events, task, err := r.dispatcher.Events(t.Context(), "old", 0); err != nil || len(events) != 0 || task.ID != "old" {
		t.Errorf("without a journal: %v, %+v, %v", events, task, err)
	}
	if _, err := r.dispatcher.Get(t.Context(), "stranger"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("neither journal nor row: %v", err)
	}
	if err := r.client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.dispatcher.Get(t.Context(), "t"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("Redis is away, and the row is old: %v", err)
	}
}

func TestEventsAfterOne(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{ID: "t", Type: "one"})
	if err := r.deliver("t"); err != nil {
		t.Fatal(err)
	}
	all, task, err := r.dispatcher.Events(t.Context(), "t", 0)
	if err != nil || task.State != saga.Completed || len(all) < 3 {
		t.Fatalf("%v, %+v, %v", all, task, err)
	}
	n := int64(len(all))
	for after, want := range map[int64]int64{-5: n, 0: n, 1: n - 1, n - 1: 1, n: 0, n + 9: 0} {
		events, _, err := r.dispatcher.Events(t.Context(), "t", after)
		if err != nil || int64(len(events)) != want {
			t.Errorf("after %d: %d events, %v, want %d", after, len(events), err, want)
		}
		if want > 0 && events[0].Seq != n-want+1 {
			t.Errorf("after %d comes %d", after, events[0].Seq)
		}
	}
}

func TestTheDispatcherPassesOn(t *testing.T) {
	r := newRig(t)
	if page, err := r.dispatcher.List(t.Context(), saga.Query{Cursor: "x"}); err != nil || page.Next != "after x" {
		t.Errorf("list: %+v, %v", page, err)
	}
	if got := r.dispatcher.Types(); len(got) != 7 || got[0].Name != "dated" {
		t.Errorf("types: %+v", got)
	}
	if got, ok := r.dispatcher.Type("strict"); !ok || got.Name != "strict" {
		t.Errorf("type: %+v, %t", got, ok)
	}
	told, err := r.dispatcher.Watch(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	r.start(saga.Request{ID: "t", Type: "one"})
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("a watcher was not told")
	}
}
