package tasks

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// town is what processes hear of each other, and the queues, of which each look takes a millisecond.
type town struct {
	mu        sync.Mutex
	ears      map[string][]chan struct{}
	told      int
	work      map[string]int
	looks     map[string]int
	away      error // what Redis says to looks and rings
	deaf      bool  // nobody hears of a ring elsewhere
	meanwhile func(queue string)
}

func newTown() *town {
	return &town{ears: map[string][]chan struct{}{}, work: map[string]int{}, looks: map[string]int{}}
}

// bell is a process's.
func (w *town) bell() *Bell {
	b := newBell(slog.New(slog.DiscardHandler))
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

// dequeue is what Redis does, for asynq's dequeue and for counting.
func (w *town) dequeue(_ context.Context, cmd redis.Cmder) error {
	time.Sleep(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.away
	if count, ok := cmd.(*redis.IntCmd); ok {
		queue, _ := queueOf(cmd.Args()[1], "pending")
		w.looks[queue]++
		count.SetVal(int64(w.work[queue]))
		return err
	}
	queue, _ := dequeues(cmd)
	w.looks[queue]++
	if err == nil && w.work[queue] == 0 {
		err = redis.Nil
	}
	if err == nil {
		w.work[queue]--
	}
	cmd.SetErr(err)
	if w.meanwhile != nil {
		w.meanwhile(queue)
	}
	return err
}

func (w *town) put(queue string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.work[queue] += n
}

func (w *town) looked() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for queue, looks := range w.looks {
		n += looks
		delete(w.looks, queue)
	}
	return n
}

// process has so many asynq servers that take what there is; taken tells of each.
type process struct {
	bell  *Bell
	taken chan string
	stop  func()
}

const everyLook = 2 * time.Second

func (w *town) process(t *testing.T, servers int, queues ...string) *process {
	t.Helper()
	p := &process{bell: w.bell(), taken: make(chan string, 100)}
	p.bell.random = func() float64 { return 1 }
	ctx, unheard := context.WithCancel(t.Context())
	weights := map[string]int{}
	for _, q := range queues {
		weights[q] = 1
	}
	var all sync.WaitGroup
	p.bell.serve(ctx, weights, everyLook, &all)
	look := doorman{p.bell, time.Now}.ProcessHook(w.dequeue)
	for range servers {
		all.Go(func() {
			for ctx.Err() == nil {
				p.cycle(ctx, look, queues)
			}
		})
	}
	p.stop = func() {
		unheard()
		p.bell.release()
		all.Wait()
		p.bell.left()
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

func bubble(t *testing.T, f func(t *testing.T, w *town)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newTown()) })
}

func TestAnIdleWorkerLooksNowAndThenOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p := w.process(t, 2, "high", "default", "low")
		time.Sleep(time.Second)
		w.looked()
		time.Sleep(time.Minute)
		if got := w.looked(); got < 80 || got > 95 { // three queues, each every two seconds
			t.Errorf("%d looks in a minute", got)
		}
		p.stop()
	})
}

func TestAnIdleWorkerLearnsOfWorkAtOnce(t *testing.T) {
	for _, from := range []string{"the same process", "another process"} {
		t.Run(from, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *town) {
				p := w.process(t, 2, "high", "default", "low")
				ring := p.bell
				if from == "another process" {
					ring = w.bell()
				}
				for _, queue := range []string{"default", "high", "low", "low"} {
					time.Sleep(500 * time.Millisecond)
					w.put(queue, 1)
					ring.ring(queue)
					if took, got := p.after(t); took > 10*time.Millisecond || got != queue {
						t.Errorf("%s after %v, put into %s", got, took, queue)
					}
				}
				p.stop()
			})
		})
	}
}

func TestWorkIsFoundThoughTheRingIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p := w.process(t, 2, "high", "default")
		time.Sleep(500 * time.Millisecond)
		w.put("default", 1)
		if took, _ := p.after(t); took > everyLook+10*time.Millisecond {
			t.Errorf("after %v", took)
		}
		p.stop()
	})
}

func TestARingDuringALookIsNotLost(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p := w.process(t, 1, "default")
		time.Sleep(500 * time.Millisecond)
		w.deaf = true
		first := true
		w.meanwhile = func(queue string) { // the look has found nothing, and its answer is on its way
			if first {
				first = false
				w.work[queue]++
				go p.bell.ring(queue)
				time.Sleep(time.Microsecond)
			}
		}
		p.bell.ring("default")
		if took, _ := p.after(t); took > 10*time.Millisecond {
			t.Errorf("after %v", took)
		}
		p.stop()
	})
}

func TestOneServerLooksForAll(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p := w.process(t, 8, "default")
		time.Sleep(500 * time.Millisecond)
		w.looked()
		p.bell.ring("default")
		time.Sleep(100 * time.Millisecond)
		if got := w.looked(); got > 2 { // the process hears itself, too
			t.Errorf("%d looks for a ring in vain", got)
		}
		w.put("default", 8)
		p.bell.ring("default")
		for range 8 {
			if took, _ := p.after(t); took > 10*time.Millisecond {
				t.Errorf("after %v", took)
			}
		}
		p.stop()
	})
}

func TestWhoCameInVainLetsOthersGoFirst(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p, api := w.process(t, 1, "default"), w.bell()
		time.Sleep(500 * time.Millisecond)
		api.ring("default") // somebody else has taken it
		time.Sleep(500 * time.Millisecond)
		w.looked()
		for range 10 {
			api.ring("default")
			time.Sleep(time.Millisecond)
		}
		time.Sleep(inVain)
		if got := w.looked(); got > 2 {
			t.Errorf("%d looks for ten rings in a hundredth of a second", got)
		}
		time.Sleep(50 * time.Millisecond)
		w.put("default", 1)
		api.ring("default")
		if took, _ := p.after(t); took < 5*time.Millisecond || took > 3*inVain {
			t.Errorf("after %v", took)
		}
		time.Sleep(50 * time.Millisecond)
		w.put("default", 1)
		api.ring("default")
		if took, _ := p.after(t); took > 5*time.Millisecond { // it was not in vain
			t.Errorf("then after %v", took)
		}
		p.stop()
	})
}

func TestManyTasksAreOneTelling(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		api := w.bell()
		for range 10_000 {
			api.ring("default")
			time.Sleep(time.Microsecond)
		}
		time.Sleep(time.Second)
		if w.told < 2 || w.told > 10 { // in ten milliseconds
			t.Errorf("%d tellings", w.told)
		}
		w.away = errors.New("redis is away")
		api.ring("default")
		time.Sleep(time.Second)
		if api.telling != nil || len(api.due) != 0 {
			t.Error("it goes on telling")
		}
	})
}

func TestWhileRedisIsAwayAsynqHearsOfIt(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		w.away = errors.New("redis is away")
		p := w.process(t, 2, "default")
		time.Sleep(time.Minute)
		if got := w.looked(); got < 1000 {
			t.Errorf("asynq asked %d times", got)
		}
		w.mu.Lock()
		w.away = nil
		w.mu.Unlock()
		time.Sleep(5 * time.Second) // it listens by now
		api := w.bell()
		w.put("default", 1)
		api.ring("default")
		if took, _ := p.after(t); took > 10*time.Millisecond+inVain {
			t.Errorf("after %v", took)
		}
		p.stop()
	})
}
