package tasks

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestTasksThatCameTogetherAreFetchedTogether(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		p := w.process(t, 1, "high", "default")
		time.Sleep(500 * time.Millisecond)
		w.looked()
		w.put("default", 60)
		p.bell.ring("default")
		begun := time.Now()
		for range 60 {
			if took, _ := p.after(t); took > 10*time.Millisecond {
				t.Errorf("after %v", took)
			}
		}
		if took := time.Since(begun); took > 12*time.Millisecond { // 2, 4, 8, and then ten of a time, for as many handlers
			t.Errorf("60 tasks in %v", took)
		}
		time.Sleep(500 * time.Millisecond)
		if got := w.looked(); got > 12 {
			t.Errorf("%d round trips", got)
		}
		w.put("default", 1)
		p.bell.ring("default")
		p.after(t)
		time.Sleep(500 * time.Millisecond)
		if got := w.dequeues(); got >= handlers { // it hears its own ring once more
			t.Errorf("%d dequeues for a lone task", got)
		}
		p.stop()
	})
}

func TestSeveralQueuesAreFetchedFromInOneRoundTrip(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		w.deaf = true // it does not hear its own rings once more
		queues := []string{"a", "b", "c", "d", "e"}
		p := w.process(t, 1, queues...)
		time.Sleep(500 * time.Millisecond)
		w.looked()
		for _, q := range queues {
			w.put(q, 2)
			p.bell.ring(q)
		}
		seen := map[string]int{}
		for range 10 {
			_, q := p.after(t)
			seen[q]++
		}
		time.Sleep(500 * time.Millisecond)
		if got := w.looked(); got > 7 || len(seen) != 5 { // alone, each queue takes two
			t.Errorf("%d round trips, %v", got, seen)
		}
		p.stop()
	})
}

func TestOneRoundTripTellsOfALoneTaskThatNoOtherCame(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		w.deaf = true // it does not hear its own ring once more
		p := w.process(t, 1, "default")
		time.Sleep(500 * time.Millisecond)
		w.looked()
		w.put("default", 1)
		p.bell.ring("default")
		p.after(t)
		time.Sleep(500 * time.Millisecond)
		if got := w.looked(); got != 1 {
			t.Errorf("%d round trips", got)
		}
		p.stop()
	})
}

func TestOfWhatOthersWereToldOfOneIsAskedForFirst(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		b, dequeue := w.dequeuer(t)
		if err := dequeue("default"); !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		for _, c := range []struct {
			rings func(string)
			want  int
		}{{b.answer, 1}, {b.ring, 2}} {
			synctest.Wait()
			w.looked()
			w.put("default", 1)
			c.rings("default")
			if err := dequeue("default"); err != nil || w.dequeues() != c.want {
				t.Errorf("%d dequeues, want %d: %v", w.dequeues(), c.want, err)
			}
			if err := dequeue("default"); !errors.Is(err, redis.Nil) {
				t.Errorf("then %v", err)
			}
		}
		b.Close()
	})
}

// dequeuer is asynq's dequeue in a process of ten handlers.
func (w *town) dequeuer(t *testing.T) (b *Bell, dequeue func(queue string) error) {
	t.Helper()
	b = w.bell()
	b.serve(t.Context(), map[string]int{"default": 1, "low": 1}, handlers, time.Hour, &sync.WaitGroup{})
	synctest.Wait() // it has begun to listen
	look := doorman{b, time.Now}.ProcessHook(w.answer)
	return b, func(queue string) error {
		return look(t.Context(), redis.NewCmd(t.Context(), "evalsha", "hash", 4, "asynq:{"+queue+"}:pending", "asynq:{"+queue+"}:paused"))
	}
}

// What a worker could not begin is left to others, whichever of its queues it is in.
func TestNoMoreIsFetchedThanHandlersAreFree(t *testing.T) {
	for first := range 1 << 5 { // which queue asynq asks first, in turn
		bubble(t, func(t *testing.T, w *town) {
			b, dequeue := w.dequeuer(t)
			w.put("default", 100)
			w.put("low", 100)
			takes := func(n int) {
				order := []string{"default", "low"}
				if first>>(n%5)&1 == 1 {
					slices.Reverse(order)
				}
				err := dequeue(order[0])
				if errors.Is(err, redis.Nil) {
					err = dequeue(order[1])
				}
				if out := 200 - w.left("default") - w.left("low"); err != nil || out > max(n, handlers) {
					t.Errorf("%b: after %d dequeues %d tasks are out: %v", first, n, out, err)
				}
			}
			for n := range handlers {
				takes(n + 1)
			}
			if out := 200 - w.left("default") - w.left("low"); out != handlers {
				t.Errorf("%b: %d tasks are out", first, out)
			}
			b.handled()
			takes(handlers + 1)
		})
	}
}

func TestAnErrorBehindATaskIsNoEmptyQueue(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		_, dequeue := w.dequeuer(t)
		w.put("default", 2)
		w.meanwhile = func(string) { w.away, w.meanwhile = errors.New("redis is away"), nil }
		begun := time.Now()
		if err := dequeue("default"); err != nil {
			t.Fatal(err)
		}
		w.away = nil
		if err := dequeue("default"); err != nil || time.Since(begun) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

// The others' looks would wait for it.
func TestAQueueThatCannotBeReachedIsLookedAtAlone(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		_, dequeue := w.dequeuer(t)
		w.away = errors.New("redis is away")
		if err := dequeue("low"); !errors.Is(err, w.away) {
			t.Fatal(err)
		}
		w.away = nil
		w.put("low", 2)
		w.put("default", 1)
		if err := dequeue("default"); err != nil || w.left("low") != 2 {
			t.Errorf("%v, %d left in the other queue", err, w.left("low"))
		}
		if err := dequeue("low"); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatWasFetchedAheadGoesBackWhenTheLastWorkerStops(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		b, dequeue := w.dequeuer(t)
		b.serve(t.Context(), nil, 1, time.Hour, &sync.WaitGroup{})
		w.put("default", 10)
		for range 3 { // of two, and of four
			if err := dequeue("default"); err != nil {
				t.Fatal(err)
			}
		}
		left := []int{w.left("default")}
		b.release(1)
		left = append(left, w.left("default"))
		b.left()
		b.release(handlers)
		if left = append(left, w.left("default")); !slices.Equal(left, []int{4, 4, 7}) {
			t.Errorf("left in the queue %v", left)
		}
		if err := dequeue("default"); !errors.Is(err, redis.Nil) {
			t.Errorf("it takes another one: %v", err)
		}
	})
}

func TestWhatIsFetchedWhileTheWorkerStopsGoesBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *town) {
		b, dequeue := w.dequeuer(t)
		w.put("default", 10)
		w.meanwhile = func(string) {
			w.meanwhile = nil
			b.release(handlers)
		}
		if err := dequeue("default"); err != nil || w.left("default") != 9 {
			t.Errorf("%v, %d left in the queue", err, w.left("default"))
		}
	})
}

func TestTheIDOfAnAsynqTaskIsReadFromItsMessage(t *testing.T) {
	var m []byte
	m = protowire.AppendTag(m, 1, protowire.BytesType)
	m = protowire.AppendString(m, "one")
	m = protowire.AppendTag(m, 9, protowire.VarintType)
	m = protowire.AppendVarint(m, 1<<40)
	m = protowire.AppendTag(m, 3, protowire.BytesType)
	m = protowire.AppendString(m, "the id")
	for message, want := range map[string]string{
		string(m): "the id", string(m) + "more": "the id", string(m[:len(m)-1]): "", "": "", strings.Repeat("\xff", 20): "", "\x1a": "",
	} {
		if got := idOf(message); got != want {
			t.Errorf("%q: %q, want %q", message, got, want)
		}
	}
}
