package tasks

import "sync"

// flight has one ask at a time what many want to know. Those who come meanwhile wait for that answer, and share its failure: a store
// that is slow is not asked by all of them, nor by one after the other.
type flight struct {
	mu      sync.Mutex
	current *asking
}

// asking is a question that is under way.
type asking struct {
	over chan struct{}
	err  error
}

// do asks, or waits for who does. fresh tells whether the answer is there, for it may have come since the caller looked.
func (f *flight) do(fresh func() bool, ask func() error) error {
	for {
		f.mu.Lock()
		if fresh() {
			f.mu.Unlock()
			return nil
		}
		q, own := f.current, false
		if q == nil {
			q, own = &asking{over: make(chan struct{})}, true
			f.current = q
		}
		f.mu.Unlock()
		if own {
			f.run(q, ask)
			return q.err
		}
		if <-q.over; q.err != nil {
			return q.err
		}
	}
}

func (f *flight) run(q *asking, ask func() error) {
	defer func() {
		f.mu.Lock()
		f.current = nil
		f.mu.Unlock()
		close(q.over)
	}()
	q.err = ask()
}
