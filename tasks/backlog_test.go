package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// What asynq itself has made of each kind of delivery is counted, so that a key of another name would show.
func TestWhatIsDueIsCounted(t *testing.T) {
	r := newRig(t)
	now := time.Now()
	for i, at := range []time.Time{{}, {}, now.Add(time.Hour), now.Add(2 * time.Hour), now.Add(3 * time.Hour)} {
		if err := r.queue.Enqueue(t.Context(), saga.Ref{ID: fmt.Sprint(i), Type: "one", Queue: "default", Due: at}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what string
		at   time.Time
		want int
	}{
		{"what waits for a worker", now, 2},
		{"and what was scheduled for before", now.Add(time.Hour + time.Second), 3},
		{"and all of it", now.Add(4 * time.Hour), 5},
	} {
		due, err := r.queue.Due(t.Context(), []string{"low", "default"}, c.at)
		if want := map[string]int{"default": c.want, "low": 0}; err != nil || !maps.Equal(due, want) {
			t.Errorf("%s: %v, %v, want %v", c.what, due, err, want)
		}
	}
	r.hold()
	due, err := r.queue.Due(t.Context(), []string{"default"}, now)
	if err != nil || due["default"] != 2 || r.pending("default") != 1 {
		t.Errorf("with one of two at a worker: %v, %v: it is work still", due, err)
	}
}

func TestWhatIsParkedIsDueWhenItsTimeHasCome(t *testing.T) {
	r := newRig(t)
	if err := r.queue.Enqueue(t.Context(), saga.Ref{ID: "t", Type: "one", Queue: "low"}); err != nil {
		t.Fatal(err)
	}
	server := asynq.NewServerFromRedisClient(r.client, asynq.Config{
		Queues: map[string]int{"low": 1}, TaskCheckInterval: 10 * time.Millisecond, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return errors.New("not yet") })); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	r.eventually("the delivery is parked", func() bool {
		return r.client.ZCard(t.Context(), "asynq:{low}:retry").Val() == 1
	})
	for at, want := range map[time.Time]int{time.Now(): 0, time.Now().Add(2 * time.Hour): 1} {
		if due, err := r.queue.Due(t.Context(), []string{"low"}, at); err != nil || due["low"] != want {
			t.Errorf("at %v: %v, %v, want %d", at, due, err, want)
		}
	}
}

func TestWithoutRedisItIsNotKnownWhatIsDue(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	due, err := tasks.NewQueue(client).Due(t.Context(), []string{"low", "default"}, time.Now())
	if err == nil || due != nil || !strings.Contains(err.Error(), "queues [default low]") {
		t.Errorf("got %v, %v", due, err)
	}
}

// What asynq itself has made of each is told: a key of another name would show.
func TestWhereDeliveriesStandIsTold(t *testing.T) {
	r := newRig(t)
	began := time.Now()
	for i, due := range []time.Time{{}, {}, began.Add(time.Hour)} {
		if err := r.queue.Enqueue(t.Context(), saga.Ref{ID: fmt.Sprint(i), Type: "one", Queue: "default", Due: due}); err != nil {
			t.Fatal(err)
		}
	}
	list, workers, err := r.queue.Standings(t.Context(), []string{"default", "low"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	got := list["default"]
	if got.Since.Before(began) || got.Since.After(time.Now()) {
		t.Errorf("the oldest waits since %v, the test runs since %v", got.Since, began)
	}
	got.Since = time.Time{}
	if want := (tasks.Standing{Pending: 2, Scheduled: 1}); got != want || list["low"] != (tasks.Standing{}) || workers != 0 {
		t.Errorf("%+v, %d workers", list, workers)
	}
	// asynq names a server asynq:servers:{host:pid:server}; two of a process are one worker.
	for _, s := range []string{"a:1:x", "a:1:y", "b:1:z", "dead:1:x"} {
		until := time.Now().Add(time.Minute)
		if s == "dead:1:x" {
			until = time.Now().Add(-time.Minute)
		}
		if err := r.client.ZAdd(t.Context(), "asynq:servers", redis.Z{Score: float64(until.Unix()), Member: "asynq:servers:{" + s + "}"}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if _, workers, err = r.queue.Standings(t.Context(), []string{"default"}, time.Now()); err != nil || workers != 2 {
		t.Errorf("%d workers, %v", workers, err)
	}
}
