package tasks

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// town is what processes hear of each other, and the queues, of which each look takes a millisecond.
type town struct {
	mu        sync.Mutex
	ears      map[string][]chan struct{}
	told      int
	work      map[string]int
	looks     int   // round trips
	dequeued  int   // how many of the looks were dequeues
	away      error // what Redis says to looks and rings
	deaf      bool  // nobody hears of a ring elsewhere
	meanwhile func(queue string)
}

func newTown() *town {
	return &town{ears: map[string][]chan struct{}{}, work: map[string]int{}}
}

// bell is a process's.
func (w *town) bell() *Bell {
	b := newBell(w, slog.New(slog.DiscardHandler), time.Now)
	b.Connect(w)
	return b
}

func (w *town) Ring(_ context.Context, queue string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told++
	if w.away != nil {
		return w.away
	}
	if w.deaf {
		return nil
	}
	for _, ear := range w.ears[queue] {
		select {
		case ear <- struct{}{}:
		default:
		}
	}
	return nil
}

func (w *town) Listen(_ context.Context, queue string) (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away != nil {
		return nil, w.away
	}
	ear := make(chan struct{}, 1)
	w.ears[queue] = append(w.ears[queue], ear)
	return ear, nil
}

// answer is what Redis does, for asynq's dequeue and for counting.
func (w *town) answer(_ context.Context, cmd redis.Cmder) error {
	time.Sleep(time.Millisecond)
	w.comes()
	return w.run(cmd)
}

// dequeue is several in one round trip.
func (w *town) dequeue(_ context.Context, list []redis.Cmder) {
	time.Sleep(time.Millisecond)
	w.comes()
	for _, cmd := range list {
		_ = w.run(cmd)
	}
}

func (w *town) comes() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
}

func (w *town) giveBack(_ context.Context, queue string, ids []string) error {
	w.put(queue, len(ids))
	return nil
}

func (w *town) run(cmd redis.Cmder) error {
	if count, ok := cmd.(*redis.IntCmd); ok {
		return w.count(count)
	}
	queue, _ := queueOf(cmd.Args()[4], "}:paused")
	w.mu.Lock()
	w.dequeued++
	err, meanwhile := w.away, w.meanwhile
	if err == nil && w.work[queue] == 0 {
		err = redis.Nil
	}
	if err == nil {
		w.work[queue]--
		cmd.(interface{ SetVal(v any) }).SetVal("\x1a\x01t") // a message whose id is t
	}
	cmd.SetErr(err)
	w.mu.Unlock() // or whoever waits for it would keep the bubble's clock from going on
	if meanwhile != nil {
		meanwhile(queue)
	}
	return err
}

func (w *town) count(cmd *redis.IntCmd) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue, _ := queueOf(cmd.Args()[1], "}:pending")
	cmd.SetVal(int64(w.work[queue]))
	return w.away
}

func (w *town) put(queue string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.work[queue] += n
}

func (w *town) left(queue string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.work[queue]
}

func (w *town) dequeues() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dequeued
}

// looked is how many round trips there were since it was last called.
func (w *town) looked() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n = w.looks
	w.looks, w.dequeued = 0, 0
	return n
}

// process has so many asynq servers that take what there is; taken tells of each.
type process struct {
	bell  *Bell
	taken chan string
	stop  func()
}

const (
	everyLook = 2 * time.Second
	handlers  = 10 // of a process
)

func (w *town) process(t *testing.T, servers int, queues ...string) *process {
	t.Helper()
	return w.processOn(t, w.bell(), servers, queues...)
}

func (w *town) processOn(t *testing.T, b *Bell, servers int, queues ...string) *process {
	t.Helper()
	p := &process{bell: b, taken: make(chan string, 100)}
	p.bell.random = func() float64 { return 1 }
	ctx, unheard := context.WithCancel(t.Context())
	weights := map[string]int{}
	for _, q := range queues {
		weights[q] = 1
	}
	var all sync.WaitGroup
	p.bell.serve(ctx, weights, handlers, everyLook, &all)
	look := doorman{p.bell, time.Now}.ProcessHook(w.answer)
	for range servers {
		all.Go(func() {
			for ctx.Err() == nil {
				p.cycle(ctx, look, queues)
			}
		})
	}
	p.stop = func() {
		unheard()
		p.bell.release(handlers)
		all.Wait()
		p.bell.left()
		p.bell.Close()
	}
	return p
}

// cycle is what asynq's processor does again and again.
func (p *process) cycle(ctx context.Context, look redis.ProcessHook, queues []string) {
	for _, q := range queues {
		cmd := redis.NewCmd(ctx, "evalsha", "hash", 4, "asynq:{"+q+"}:pending", "asynq:{"+q+"}:paused")
		err := look(context.Background(), cmd)
		if err == nil {
			p.taken <- q
			p.bell.handled()
			return
		}
		if !errors.Is(err, redis.Nil) {
			time.Sleep(10 * time.Millisecond)
			return
		}
	}
	time.Sleep(asynqInterval)
}

// after tells how long it took until a task was taken, and of which queue.
func (p *process) after(t *testing.T) (time.Duration, string) {
	t.Helper()
	begin := time.Now()
	select {
	case q := <-p.taken:
		return time.Since(begin), q
	case <-time.After(time.Minute):
		t.Fatal("nobody takes it")
		return 0, ""
	}
}
