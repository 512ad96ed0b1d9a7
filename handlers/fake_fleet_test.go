package handlers

import (
	"context"
	"slices"

	"github.com/osp-platform/osp/saga"
)

func (f *fake) Overview(context.Context) (saga.Overview, error) {
	return saga.Overview{
		States: map[saga.State]int{saga.Stuck: 1}, CountedAt: &noon, Stuck: 1, DeadLetters: 2, Unwritten: 3, Backlog: 4, OldestWaiting: 5.5,
		Workers:    []saga.WorkerView{{ID: "a:1", Host: "a", Queues: []string{"default"}, Concurrency: 8, Active: 1, StartedAt: noon}},
		Throughput: []saga.Minute{{At: noon, Started: 6, Completed: 7, Failed: 8, Cancelled: 9}},
	}, f.fail
}

func (f *fake) QueueViews(context.Context) ([]saga.QueueView, error) {
	return []saga.QueueView{{Name: "default", Weight: 3, Pending: 1, Paused: true, Unserved: f.unserved, OldestWaiting: 0.25}}, f.fail
}

func (f *fake) Pauses(context.Context) ([]saga.Pause, error) { return f.pauses, f.fail }

func (f *fake) PausedBy(_ context.Context, t saga.Task) ([]saga.Pause, error) {
	return slices.DeleteFunc(slices.Clone(f.pauses), func(p saga.Pause) bool { return !slices.Contains(t.PauseKeys(), p.PauseKey) }), f.unknown
}

func (f *fake) Unserved(t saga.Task) (bool, error) {
	return f.unserved && t.State == saga.Pending && t.Queue == "default", f.unknown
}

func (f *fake) Pause(_ context.Context, p saga.Pause) (saga.Pause, error) {
	if p.Name == "nowhere" {
		return p, saga.Invalid("/name", "is not one of the queues")
	}
	p.Since = noon
	f.pauses = append(f.pauses, p)
	return p, f.fail
}

func (f *fake) Unheard(_ context.Context, k saga.PauseKey) string {
	if k.Name == "order.creat" {
		return "Is order.create meant?"
	}
	return ""
}

func (f *fake) Resume(_ context.Context, k saga.PauseKey) error {
	f.pauses = slices.DeleteFunc(f.pauses, func(p saga.Pause) bool { return p.PauseKey == k })
	return f.fail
}
