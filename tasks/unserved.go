package tasks

import (
	"slices"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	rosterKept = 2 * time.Second  // many who follow tasks ask
	seenLately = 10 * time.Second // a worker tells of itself every five, and one look may miss it
)

// roster is when a worker was last seen of each queue.
type roster struct {
	asking flight
	mu     sync.Mutex
	looked time.Time
	seen   map[string]time.Time
}

// Unserved tells whether a task is where only a worker can go on with it, and none serves its queue.
func (f *Fleet) Unserved(t saga.Task) (bool, error) {
	later := t.WaitingFor != nil && t.WaitingFor.After(f.Now())
	if t.State.Finished() || t.State == saga.Waiting || t.State == saga.Stuck || t.Queue == "" || later {
		return false, nil
	}
	return f.deserted(t.Queue)
}

// deserted tells whether no worker serves a queue. One that was killed counts for some seconds more.
func (f *Fleet) deserted(queue string) (bool, error) {
	now := f.Now()
	r := &f.roster
	fresh := func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return now.Sub(r.looked) < rosterKept
	}
	if err := r.asking.do(fresh, func() error { return f.look(now) }); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.seen[queue]
	return !ok || now.Sub(seen) >= seenLately, nil
}

// look notes which queues workers serve.
func (f *Fleet) look(now time.Time) error {
	workers, err := f.Queue.Workers()
	if err != nil {
		return err
	}
	r := &f.roster
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looked = now; r.seen == nil {
		r.seen = map[string]time.Time{}
	}
	for queue := range f.Queues {
		if slices.ContainsFunc(workers, func(w saga.WorkerView) bool { return slices.Contains(w.Queues, queue) }) {
			r.seen[queue] = now
		}
	}
	return nil
}
