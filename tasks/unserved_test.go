package tasks_test

import (
	"testing"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestATaskOfAQueueThatNoWorkerServesSaysSo(t *testing.T) {
	r := newRig(t)
	fleet := r.fleet()
	r.start(saga.Request{ID: "t", Type: "one", Queue: "low", Input: []byte(`{}`)})
	task, err := r.dispatcher.Get(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	unserved := func(state saga.State) bool {
		t.Helper()
		task := task
		task.State = state
		is, err := fleet.Unserved(task)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	if !unserved(saga.Pending) || !unserved(saga.Compensating) {
		t.Error("there is no worker, and it does not say so")
	}
	for _, state := range []saga.State{saga.Waiting, saga.Stuck, saga.Completed} {
		if unserved(state) {
			t.Errorf("%s: it needs no worker", state)
		}
	}
	other := r.worker(func(o *tasks.WorkerOptions) { o.Queues = map[string]int{"default": 1} })
	defer other.Stop(t.Context())
	r.eventually("the worker tells of itself", func() bool { workers, err := fleet.Queue.Workers(); return err == nil && len(workers) == 1 })
	if !unserved(saga.Pending) {
		t.Error("the only worker serves another queue, and it does not say so")
	}
	w := r.worker()
	defer w.Stop(t.Context())
	r.eventually("the worker is seen", func() bool { return !unserved(saga.Pending) })
}
