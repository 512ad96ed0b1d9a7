package tasks

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

const (
	// ringPause is how long after telling the other processes of work they are not told again: under load one telling is
	// for many tasks.
	ringPause = 2 * time.Millisecond
	// inVain is how long a worker at most waits after it was told of work, when the last time others had been faster.
	inVain = 10 * time.Millisecond
	// listenAgain is when listening is tried again that could not begin, and how long a telling may take.
	listenAgain = time.Second
)

// Rings tell processes of each other's work.
type Rings interface {
	// Ring tells every process that listens that there is work in a queue; a ring may be lost.
	Ring(ctx context.Context, queue string) error
	// Listen tells of every Ring until ctx is done, and once after a connection was lost.
	Listen(ctx context.Context, queue string) (<-chan struct{}, error)
}

// Bell rings when a queue has got work, in this process at once and in others by [Rings], and holds back asynq's dequeues from
// queues that are empty until then. Only the time of a task depends on it: a worker looks now and then though nobody rang.
type Bell struct {
	log     *slog.Logger
	now     func() time.Time
	random  func() float64
	pending pending

	mu       sync.Mutex
	rings    Rings            // nil: nobody else is told, and nobody else is heard
	doors    map[string]*door // the queues that workers of this process serve
	every    time.Duration    // between two looks though nobody rang
	handlers int              // of all workers
	given    int              // deliveries that asynq has got, and that are not handled yet
	coming   int              // that are being fetched
	serving  int              // workers
	leaving  int              // of those, that stop
	changed  chan struct{}    // closed, and another one, when a door has changed
	due      map[string]bool  // queues of which the others are to be told
	telling  chan struct{}    // closed when nothing is due; nil: nothing is
}

// NewBell returns a bell that hears what asynq does through a client. Its hook has to be the first of the client's: what
// comes later would count a dequeue that is held back as a slow one.
func NewBell(client redis.UniversalClient, log *slog.Logger, now func() time.Time) *Bell {
	b := newBell(asynqRedis{client}, log, now)
	client.AddHook(doorman{b, now})
	return b
}

func newBell(p pending, log *slog.Logger, now func() time.Time) *Bell {
	return &Bell{
		log: log, now: now, random: saga.DefaultRandom, pending: p,
		doors: map[string]*door{}, due: map[string]bool{}, changed: make(chan struct{}),
	}
}

// Connect has the bell heard in other processes, too. Before a worker serves.
func (b *Bell) Connect(rings Rings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings = rings
}

// Close returns when the other processes are told of all that they are to know. A nil bell has nothing to tell.
func (b *Bell) Close() {
	if b == nil {
		return
	}
	b.mu.Lock()
	told := b.telling
	b.mu.Unlock()
	if told != nil {
		<-told
	}
}

// ring says that a queue has got work.
func (b *Bell) ring(queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open(queue, false)
	if b.rings == nil {
		return
	}
	b.due[queue] = true
	if b.telling == nil {
		b.telling = make(chan struct{})
		go b.tell(b.rings)
	}
}

// open has somebody look. The lock is held.
func (b *Bell) open(queue string, remote bool) {
	d := b.doors[queue]
	if d == nil {
		return
	}
	d.rings++
	if d.state == empty {
		d.state, d.remote, d.unasked = rung, remote, false
		b.change()
	}
}

// change has everybody who waits look at the doors again. The lock is held.
func (b *Bell) change() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// tell tells the other processes of what is due, until nothing is.
func (b *Bell) tell(rings Rings) {
	for {
		b.mu.Lock()
		due := b.due
		if b.due = map[string]bool{}; len(due) == 0 {
			close(b.telling)
			b.telling = nil
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		for queue := range due {
			b.tells(queue)
			ctx, cancel := context.WithTimeout(context.Background(), listenAgain)
			if err := rings.Ring(ctx, queue); err != nil {
				b.log.DebugContext(ctx, "other processes are not told of work: they find it when they look", "queue", queue, "error", err)
			}
			cancel()
		}
		<-time.After(ringPause)
	}
}

// tells notes when the others are told: this process hears it, too.
func (b *Bell) tells(queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.doors[queue]; d != nil {
		d.told = b.now()
	}
}

// answer hears that another process has rung, or this one. If the last such ring was in vain here, others are nearer: they may go first.
func (b *Bell) answer(queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.doors[queue]
	switch {
	case d == nil || d.delayed:
		return
	case !d.vain || d.state != empty:
		b.open(queue, b.now().Sub(d.told) > inVain)
		return
	}
	d.delayed = true
	time.AfterFunc(time.Duration(b.random()*float64(inVain)), func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		d.delayed = false
		b.open(queue, true)
	})
}

// serve begins to hold back looks at queues that are empty, for a worker of so many handlers. It listens until ctx ends.
func (b *Bell) serve(ctx context.Context, queues map[string]int, handlers int, every time.Duration, listeners *sync.WaitGroup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.serving == 0 {
		b.doors = map[string]*door{}
	}
	b.every = every
	b.serving++
	b.handlers += handlers
	for queue := range queues {
		if b.doors[queue] == nil {
			b.doors[queue] = &door{ahead: fewAhead}
		}
		if rings := b.rings; rings != nil {
			listeners.Go(func() { b.listen(ctx, rings, queue) })
		}
	}
}

func (b *Bell) listen(ctx context.Context, rings Rings, queue string) {
	for {
		heard, err := rings.Listen(ctx, queue)
		if err == nil {
			b.answer(queue) // what came before
			for ctx.Err() == nil {
				select {
				case <-heard:
					b.answer(queue)
				case <-ctx.Done():
				}
			}
			return
		}
		if ctx.Err() == nil {
			b.log.DebugContext(ctx, "not told of other processes' work, trying again", "queue", queue, "error", err)
		}
		select {
		case <-time.After(listenAgain + rand.N(listenAgain)): //nolint:gosec // jitter needs no secrecy
		case <-ctx.Done():
			return
		}
	}
}

// release lets go of every dequeue that is held back, and holds back no other, for a worker stops. The last one gives back what was
// fetched ahead: until then the others take it, for all workers of a process serve the same queues.
func (b *Bell) release(handlers int) {
	b.mu.Lock()
	b.leaving++
	b.handlers -= handlers
	b.change()
	back := map[string][]any{}
	if b.leaving == b.serving {
		for queue, d := range b.doors {
			back[queue], d.ready = d.ready, nil
		}
	}
	b.mu.Unlock()
	var all sync.WaitGroup
	for queue, list := range back {
		all.Go(func() { b.giveBack(queue, list) })
	}
	all.Wait()
}

// left says that a worker has stopped.
func (b *Bell) left() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaving--
	b.serving--
}
