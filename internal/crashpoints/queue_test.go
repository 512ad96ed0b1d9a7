package crashpoints

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// queue is asynq as the engine sees it at its worst: it keeps ids, delivers them when they are due, and believes for
// ever that a worker which died still has its task.
type queue struct {
	mu      sync.Mutex
	entries map[string]*entry
	order   []string // of arrival
	arrived chan struct{}
}

type entry struct {
	ref    saga.Ref
	due    time.Time
	active bool
}

var (
	errActive  = errors.New("a worker has the task")
	errPending = errors.New("the task is pending")
	errUnknown = errors.New("no such task in the queue")
)

func newQueue() *queue {
	return &queue{entries: map[string]*entry{}, arrived: make(chan struct{}, 1)}
}

// add keeps a task unless there is one of that id.
func (q *queue) add(id string, ref saga.Ref) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.entries[id] == nil {
		q.entries[id] = &entry{ref: ref, due: ref.Due}
		q.order = append(q.order, id)
		q.tell()
	}
}

// run makes a parked task due.
func (q *queue) run(id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[id]
	switch {
	case e == nil:
		return errUnknown
	case e.active:
		return errActive
	case !e.due.After(time.Now()):
		return errPending
	}
	e.due = time.Time{}
	q.tell()
	return nil
}

// takeOver makes another entry for a task that a dead worker seems to have, as [tasks.Queue] does.
func (q *queue) takeOver(ref saga.Ref) {
	ref.Due = time.Time{}
	id := ref.ID
	for n := 1; ; n++ {
		q.add(id, ref)
		if !errors.Is(q.run(id), errActive) {
			return // it is on its way
		}
		if id = fmt.Sprintf("%s~%d", ref.ID, ref.Epoch); n > 1 {
			id = fmt.Sprintf("%s~%d", id, n)
		}
	}
}

// take hands out the first task that is due, or tells when to look again.
func (q *queue) take() (id string, ref saga.Ref, next time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	next = time.Hour
	for _, id := range q.order {
		e := q.entries[id]
		if e == nil || e.active {
			continue
		}
		if wait := time.Until(e.due); wait > 0 {
			next = min(next, wait)
			continue
		}
		e.active = true
		return id, e.ref, 0
	}
	return "", saga.Ref{}, next
}

// done forgets a task; park keeps it for later.
func (q *queue) done(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.entries, id)
}

func (q *queue) park(id string, d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[id]; e != nil {
		e.active, e.due = false, time.Now().Add(d)
		q.tell()
	}
}

func (q *queue) tell() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}
