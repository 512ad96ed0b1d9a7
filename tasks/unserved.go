package tasks

import (
	"slices"

	"github.com/osp-platform/osp/saga"
)

// Unserved tells whether a task is where only a worker can go on with it, and none serves its queue. A worker that was killed counts
// for some seconds more.
func (f *Fleet) Unserved(t saga.Task) (bool, error) {
	if t.State.Finished() || t.State == saga.Waiting || t.State == saga.Stuck || t.Queue == "" {
		return false, nil
	}
	workers, err := f.Queue.Workers()
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(workers, func(w saga.WorkerView) bool { return slices.Contains(w.Queues, t.Queue) }), nil
}
