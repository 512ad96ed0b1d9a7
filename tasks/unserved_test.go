package tasks_test

import (
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestATaskOfAQueueThatNoWorkerServesSaysSo(t *testing.T) {
	r := newRig(t)
	fleet := r.fleet()
	var ahead time.Duration
	fleet.Now = func() time.Time { return time.Now().Add(ahead) }
	r.start(saga.Request{ID: "t", Type: "one", Queue: "low", Input: []byte(`{}`)})
	task, err := r.dispatcher.Get(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	unserved := func(state saga.State, due *time.Time) bool {
		t.Helper()
		task := task
		task.State, task.WaitingFor = state, due
		is, err := fleet.Unserved(task)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if !unserved(saga.Pending, nil) || !unserved(saga.Compensating, nil) {
		t.Error("there is no worker, and it does not say so")
	}
	for _, state := range []saga.State{saga.Waiting, saga.Stuck, saga.Completed} {
		if unserved(state, nil) {
			t.Errorf("%s: it needs no worker", state)
		}
	}
	if tomorrow := time.Now().Add(24 * time.Hour); unserved(saga.Pending, &tomorrow) {
		t.Error("it needs no worker before it is due")
	}
	workers := func(n int) {
		t.Helper()
		r.eventually("the workers tell of themselves", func() bool {
			servers, err := r.inspector.Servers()
			return err == nil && len(servers) == n
		})
		ahead += 3 * time.Second // until it looks again
	}
	other := r.worker(func(o *tasks.WorkerOptions) { o.Queues = map[string]int{"default": 1} })
	defer other.Stop(t.Context())
	if workers(1); !unserved(saga.Pending, nil) {
		t.Error("the only worker serves another queue, and it does not say so")
	}
	views, err := fleet.QueueViews(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if v.Unserved == (v.Name == "default") {
			t.Errorf("the only worker is of the queue default: %+v", v)
		}
	}
	w := r.worker()
	for range 10 { // both are of one process, in any order
		if workers(2); unserved(saga.Pending, nil) {
			t.Error("a worker serves it")
		}
	}
	w.Stop(t.Context())
	if workers(1); unserved(saga.Pending, nil) {
		t.Error("a worker that one look does not find may be there")
	}
	ahead += 10 * time.Second
	if !unserved(saga.Pending, nil) {
		t.Error("the worker is gone, and it does not say so")
	}
}
