package tasks_test

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

// mute is a result store that does not answer.
type mute struct{ rows }

func (mute) Counts(context.Context, saga.Query) (saga.TaskCounts, error) {
	return saga.TaskCounts{}, saga.ErrUnavailable
}

func TestTheOverviewTellsHowAllStands(t *testing.T) {
	r := newRig(t)
	w := r.worker()
	defer w.Stop(t.Context())
	r.rows["s"] = saga.Task{State: saga.Stuck}
	r.start(saga.Request{ID: "t", Type: "one", Input: []byte(`{}`)})
	r.ends("t", saga.Completed)
	fleet := r.fleet()
	var o saga.Overview
	r.eventually("the worker has said that it is there", func() (there bool) {
		var err error
		if o, err = fleet.Overview(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(o.Workers) == 1 && o.Workers[0].Concurrency == 8 // of two servers
	})
	if o.Stuck != 1 || o.States[saga.Stuck] != 1 || o.Backlog != 7 || o.Unwritten != 1 || o.DeadLetters != 0 || o.CountedAt == nil {
		t.Errorf("got %+v", o)
	}
	if got := strings.Join(o.Workers[0].Queues, " "); got != "default high low reports" {
		t.Errorf("its queues: %s", got)
	}
	var m saga.Minute
	for _, minute := range o.Throughput {
		m.Started, m.Completed = m.Started+minute.Started, m.Completed+minute.Completed
	}
	if m.Started != 1 || m.Completed != 1 || len(o.Throughput) != 60 {
		t.Errorf("%d minutes, in all %+v", len(o.Throughput), m)
	}
}

func TestTheOverviewIsThereWithoutTheResultStore(t *testing.T) {
	r := newRig(t)
	fleet := r.fleet()
	fleet.Rows = mute{}
	o, err := fleet.Overview(t.Context())
	if err != nil || o.CountedAt != nil || o.States == nil {
		t.Errorf("at first: %+v, %v", o, err)
	}
	now := time.Now().Add(time.Minute)
	fleet.Now = func() time.Time { return now }
	fleet.Rows = r.rows
	if _, err := fleet.Overview(t.Context()); err != nil {
		t.Fatal(err)
	}
	then := now
	now = now.Add(time.Hour)
	fleet.Rows = mute{}
	if o, err = fleet.Overview(t.Context()); err != nil || o.CountedAt == nil || !o.CountedAt.Equal(then) {
		t.Errorf("later: %+v, %v", o, err)
	}
}

func TestQueuesTellWhatWaitsInThem(t *testing.T) {
	r := newRig(t)
	for i := range 3 {
		r.start(saga.Request{ID: fmt.Sprint("t", i), Type: "one", Queue: "low", Input: []byte(`{}`)})
	}
	r.start(saga.Request{ID: "later", Type: "one", Queue: "low", Input: []byte(`{}`), ProcessAt: time.Now().Add(time.Hour)})
	if _, err := r.journal.Hold(t.Context(), saga.Ref{ID: "t0", Queue: "low"}, "g"); err != nil {
		t.Fatal(err)
	}
	fleet := r.fleet()
	fleet.Now = func() time.Time { return time.Now().Add(time.Minute) }
	views, err := fleet.QueueViews(t.Context())
	if err != nil || len(views) != 4 {
		t.Fatalf("%v, %v", views, err)
	}
	names := []string{}
	for _, v := range views {
		names = append(names, v.Name)
		if v.Name != "low" {
			if v.Pending+v.Active+v.Scheduled+v.Retry != 0 || v.OldestWaiting != 0 {
				t.Errorf("nothing is in %+v", v)
			}
			continue
		}
		if v.Weight != 1 || v.Pending != 4 || v.Scheduled != 1 || v.OldestWaiting < 60 || v.OldestWaiting > 90 {
			t.Errorf("got %+v", v)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %v", names)
	}
}

// Whoever pauses a queue in Asynqmon stops asynq itself. It is told, and ended like any other.
func TestAPauseOfAsynqsIsAPauseToo(t *testing.T) {
	r := newRig(t)
	r.start(saga.Request{Type: "one", Queue: "low", Input: []byte(`{}`)})
	if err := r.inspector.PauseQueue("low"); err != nil {
		t.Fatal(err)
	}
	fleet := r.fleet()
	list, err := fleet.Pauses(t.Context())
	key := saga.PauseKey{Kind: saga.PauseQueue, Name: "low"}
	if err != nil || len(list) != 1 || list[0].PauseKey != key || list[0].By != "asynqmon" || time.Since(list[0].Since) > time.Minute {
		t.Fatalf("%+v, %v", list, err)
	}
	views, err := fleet.QueueViews(t.Context())
	if err != nil || !views[2].Paused || !views[2].UndoPaused || views[1].Paused {
		t.Errorf("%+v, %v", views, err)
	}
	r.pause(saga.PauseQueue, "low")
	if list, err := fleet.Pauses(t.Context()); err != nil || len(list) != 1 || list[0].By != "ann" {
		t.Errorf("with one of ours: %+v, %v", list, err)
	}
	r.resume(key)
	if list, err := fleet.Pauses(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after its end: %+v, %v", list, err)
	}
	if info, err := r.inspector.GetQueueInfo("low"); err != nil || info.Paused {
		t.Errorf("asynq says %+v, %v", info, err)
	}
}

func TestAQueueThatIsNotThereCannotBePaused(t *testing.T) {
	r := newRig(t)
	key := saga.PauseKey{Kind: saga.PauseQueue, Name: "nowhere"}
	var invalid *saga.InvalidError
	if _, err := r.fleet().Pause(t.Context(), saga.Pause{PauseKey: key}); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
	if err := r.fleet().Resume(t.Context(), key); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
	key.Name = "lwo"
	_, err := r.fleet().Pause(t.Context(), saga.Pause{PauseKey: key})
	if want := `/name: "lwo" is not one of the queues: default, high, low, reports. Is low meant?`; complaints(t, err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
