package handlers

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	// readingKept is how long what was read is given to others that come to the same place of the same task.
	readingKept = time.Second
	// After a long read nobody hears of what is appended for restFactor times as long, a second at most: who follows a long
	// journal that grows fast, or one of a Redis that is busy, must not keep them reading.
	longRead   = 2 * time.Millisecond
	restFactor = 4
	longRest   = time.Second
	// nowhere is a place after every event: only the task itself is asked for.
	nowhere = math.MaxInt64
)

// feeds has everybody who follows the same task share one watch and its reads: a thousand cost Redis no more than one.
type feeds struct {
	source   Watcher
	now      func() time.Time
	panicked func(ctx context.Context, v any) error

	mu    sync.Mutex
	tasks map[string]*feed
}

func newFeeds(source Watcher, now func() time.Time, panicked func(context.Context, any) error) *feeds {
	return &feeds{source: source, now: now, panicked: panicked, tasks: map[string]*feed{}}
}

// feed is one task that is followed. Its fields but the first ones are under the lock of the feeds.
type feed struct {
	id     string
	ctx    context.Context // until the last one leaves
	end    context.CancelFunc
	opened chan struct{} // closed when the watch has begun, or failed
	failed error         // why; set before opened is closed

	seats    map[*seat]struct{}
	readings map[int64]*shared // since the journal grew last, by place
	last     *shared           // the read that was begun last
}

// shared is one read, made once for all that ask for it.
type shared struct {
	done   chan struct{} // closed when the rest is set
	events []saga.Event
	task   saga.Task
	err    error
	ended  time.Time
	took   time.Duration
}

// seat is one that follows.
type seat struct {
	feeds    *feeds
	feed     *feed
	appended chan struct{} // the journal has grown; closed when nothing is told any more
}

// join begins to follow a task. What is read after it misses no append that is not told.
func (f *feeds) join(ctx context.Context, id string) (*seat, error) {
	f.mu.Lock()
	of := f.tasks[id]
	if of == nil {
		of = &feed{id: id, opened: make(chan struct{}), seats: map[*seat]struct{}{}, readings: map[int64]*shared{}}
		of.ctx, of.end = context.WithCancel(context.Background()) // nobody's request in particular
		f.tasks[id] = of
		go f.run(of)
	}
	s := &seat{feeds: f, feed: of, appended: make(chan struct{}, 1)}
	of.seats[s] = struct{}{}
	f.mu.Unlock()
	select {
	case <-of.opened:
	case <-ctx.Done():
		s.leave()
		return nil, ctx.Err()
	}
	if of.failed != nil {
		s.leave()
		return nil, of.failed
	}
	return s, nil
}

// leave ends it, and the watch with the last one.
func (s *seat) leave() {
	f := s.feeds
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(s.feed.seats, s)
	if len(s.feed.seats) == 0 {
		s.feed.end()
		f.forget(s.feed)
	}
}

// forget makes room for another feed of the same task. The lock is held.
func (f *feeds) forget(of *feed) {
	if f.tasks[of.id] == of {
		delete(f.tasks, of.id)
	}
}

// run watches, and tells all that sit there.
func (f *feeds) run(of *feed) {
	appended, err := f.source.Watch(of.ctx, of.id)
	of.failed = err
	if err != nil {
		f.mu.Lock()
		f.forget(of)
		f.mu.Unlock()
	}
	close(of.opened)
	if err != nil {
		return
	}
	for {
		select {
		case _, ok := <-appended:
			if !ok {
				f.over(of)
				return
			}
		case <-of.ctx.Done():
			return
		}
		f.rest(of.ctx, f.outdate(of))
		select {
		case <-appended: // it is read now, too; of a channel that is closed nothing is missed
		default:
		}
		f.tell(of)
	}
}

// outdate says that what was read is old, and returns the read that was begun last.
func (f *feeds) outdate(of *feed) *shared {
	f.mu.Lock()
	defer f.mu.Unlock()
	of.readings = map[int64]*shared{}
	return of.last
}

// rest lets time pass if the last read was a long one.
func (f *feeds) rest(ctx context.Context, last *shared) {
	if last == nil {
		return
	}
	select {
	case <-last.done:
	case <-ctx.Done():
		return
	}
	if last.took < longRead {
		return
	}
	timer := time.NewTimer(min(restFactor*last.took, longRest) - f.now().Sub(last.ended))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tell has everybody read anew.
func (f *feeds) tell(of *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of.readings = map[int64]*shared{}
	for s := range of.seats {
		select {
		case s.appended <- struct{}{}:
		default:
		}
	}
}

// over tells everybody that nothing more is told.
func (f *feeds) over(of *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(of)
	for s := range of.seats {
		close(s.appended)
	}
}

// events returns the events after a place, and the task as of the last one. They are shared: nobody may change them.
func (s *seat) events(ctx context.Context, after int64) ([]saga.Event, saga.Task, error) {
	f, of := s.feeds, s.feed
	f.mu.Lock()
	r := of.readings[after]
	if r == nil {
		r = &shared{done: make(chan struct{})}
		of.readings[after], of.last = r, r
		go f.read(of, after, r)
	}
	f.mu.Unlock()
	select {
	case <-r.done:
		return r.events, r.task, r.err
	case <-ctx.Done():
		return nil, saga.Task{}, ctx.Err()
	}
}

// task returns the task as it is now.
func (s *seat) task(ctx context.Context) (saga.Task, error) {
	_, task, err := s.events(ctx, nowhere)
	return task, err
}

// read reads, on behalf of all, for as long as anybody is there. A failure is for those who wait for it, and for nobody
// who comes later.
func (f *feeds) read(of *feed, after int64, r *shared) {
	ctx, cancel := context.WithTimeout(of.ctx, patience)
	defer cancel()
	begin := f.now()
	r.events, r.task, r.err = f.events(ctx, of.id, after)
	r.ended = f.now()
	r.took = r.ended.Sub(begin)
	close(r.done)
	drop := func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if of.readings[after] == r {
			delete(of.readings, after)
		}
	}
	if r.err != nil {
		drop()
		return
	}
	time.AfterFunc(readingKept, drop)
}

// events asks the source in a goroutine of its own, where a panic would end the process.
func (f *feeds) events(ctx context.Context, id string, after int64) (events []saga.Event, task saga.Task, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = f.panicked(ctx, v)
		}
	}()
	return f.source.Events(ctx, id, after)
}
