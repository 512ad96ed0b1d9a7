package tasks

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

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
		synctest.Wait()
		if w.dequeued > 0 { // to count is enough
			t.Errorf("%d dequeues", w.dequeued)
		}
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
		var once sync.Once
		w.mu.Lock()
		w.deaf = true
		w.meanwhile = func(queue string) { // the look has found nothing, and its answer is on its way
			once.Do(func() {
				w.put(queue, 1)
				p.bell.ring(queue)
			})
		}
		w.mu.Unlock()
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

func TestAnEchoOfItsOwnRingIsNoReasonToWait(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p, api := w.process(t, 1, "default"), w.bell()
		time.Sleep(500 * time.Millisecond)
		w.mu.Lock()
		w.deaf = true
		w.mu.Unlock()
		w.put("default", 1)
		p.bell.ring("default")
		<-p.taken
		time.Sleep(3 * time.Millisecond) // the queue is found empty
		p.bell.answer("default")
		time.Sleep(50 * time.Millisecond)
		w.mu.Lock()
		w.deaf = false
		w.mu.Unlock()
		w.put("default", 1)
		api.ring("default")
		if took, _ := p.after(t); took > 5*time.Millisecond {
			t.Errorf("after %v", took)
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
		synctest.Wait()
		if w.told < 2 || w.told > 10 { // in ten milliseconds
			t.Errorf("%d tellings", w.told)
		}
		w.away = errors.New("redis is away")
		api.ring("default")
		time.Sleep(time.Second)
		synctest.Wait()
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

func TestAHeldDequeueEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		b := w.bell()
		b.serve(t.Context(), map[string]int{"default": 1}, 1, time.Hour, &sync.WaitGroup{})
		synctest.Wait() // it has begun to listen
		look := doorman{b, time.Now}.ProcessHook(w.answer)
		dequeue := func(ctx context.Context) error {
			return look(ctx, redis.NewCmd(ctx, "evalsha", "hash", 4, "asynq:{default}:pending", "asynq:{default}:paused"))
		}
		if err := dequeue(t.Context()); !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if err := dequeue(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestOneOfTwoWorkersOfAProcessStops(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		b := w.bell()
		first, second := w.processOn(t, b, 1, "default"), w.processOn(t, b, 1, "default")
		time.Sleep(500 * time.Millisecond)
		first.stop()
		begun := time.Now()
		w.put("default", 1)
		b.ring("default")
		if took, _ := second.after(t); took > 10*time.Millisecond {
			t.Errorf("after %v", took)
		}
		time.Sleep(500 * time.Millisecond)
		w.looked()
		time.Sleep(time.Minute)
		if got := w.looked(); got > 35 {
			t.Errorf("%d looks in a minute of one queue", got)
		}
		second.stop()
		if took := time.Since(begun); took > 61*time.Second {
			t.Errorf("the worker stops late: %v", took)
		}
	})
}
