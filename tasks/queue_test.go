package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestEnqueue(t *testing.T) {
	r := newRig(t)
	due := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, ref := range []saga.Ref{
		{ID: "now", Type: "one", Queue: "high"},
		{ID: "later", Type: "two", Queue: "low", Due: due},
		{ID: "past", Type: "two", Queue: "low", Due: time.Now().Add(-time.Hour)},
	} {
		for range 2 { // what asynq has already is left as it is
			if err := r.queue.Enqueue(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		info, err := r.inspector.GetTaskInfo(ref.Queue, ref.ID)
		if err != nil {
			t.Fatal(err)
		}
		if info.Type != ref.Type || string(info.Payload) != ref.ID {
			t.Errorf("%s: type %q, payload %q", ref.ID, info.Type, info.Payload)
		}
		if info.MaxRetry != 1<<30 || info.Timeout != 24*time.Hour || info.Retention != 0 {
			t.Errorf("%s: max retry %d, timeout %v, retention %v", ref.ID, info.MaxRetry, info.Timeout, info.Retention)
		}
	}
	if got := r.asynq("high", "now"); got != "pending" {
		t.Errorf("due now: %s", got)
	}
	if got := r.asynq("low", "past"); got != "pending" {
		t.Errorf("due in the past: %s", got)
	}
	info, err := r.inspector.GetTaskInfo("low", "later")
	if err != nil || info.State != asynq.TaskStateScheduled || !info.NextProcessAt.Equal(due) {
		t.Errorf("due at %v: %+v, %v", due, info, err)
	}
}

// asynqStates puts a task into every state that asynq knows and ours come into, and returns what ends the server that
// holds the active one.
func asynqStates(t *testing.T, r *rig) {
	t.Helper()
	ref := func(id string) saga.Ref { return saga.Ref{ID: id, Type: "one", Queue: "default"} }
	for _, id := range []string{"active", "retry"} {
		if err := r.queue.Enqueue(t.Context(), ref(id)); err != nil {
			t.Fatal(err)
		}
	}
	held, letGo := make(chan struct{}), make(chan struct{})
	server := asynq.NewServerFromRedisClient(r.client, asynq.Config{
		Concurrency: 2, Queues: map[string]int{"default": 1}, TaskCheckInterval: 5 * time.Millisecond, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		if string(task.Payload()) == "retry" {
			return errors.New("parked")
		}
		close(held)
		<-letGo
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		close(letGo)
		server.Shutdown()
	})
	<-held
	r.eventually("the task is parked", func() bool { return r.asynq("default", "retry") == "retry" })
	server.Stop() // it takes no more
	later := ref("scheduled")
	later.Due = time.Now().Add(time.Hour)
	for _, ref := range []saga.Ref{later, ref("pending"), ref("archived")} {
		if err := r.queue.Enqueue(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.inspector.ArchiveTask("default", "archived"); err != nil {
		t.Fatal(err)
	}
}

func TestWake(t *testing.T) {
	r := newRig(t)
	asynqStates(t, r)
	for _, c := range []struct {
		id, queue, then string
		fails           bool
	}{
		{id: "retry", queue: "default", then: "pending"},
		{id: "scheduled", queue: "default", then: "pending"},
		{id: "archived", queue: "default", then: "pending"},
		{id: "pending", queue: "default", then: "pending", fails: true},
		{id: "active", queue: "default", then: "active", fails: true},
		{id: "missing", queue: "default", then: "pending"},
		{id: "unheard-of", queue: "reports", then: "pending"},
	} {
		// The due time is over for whoever is woken: it says nothing any longer.
		err := r.queue.Wake(t.Context(), saga.Ref{ID: c.id, Type: "one", Queue: c.queue, Due: time.Now().Add(time.Hour)})
		if (err != nil) != c.fails || err != nil && !strings.Contains(err.Error(), "wake task "+c.id) {
			t.Errorf("%s: %v", c.id, err)
		}
		if got := r.asynq(c.queue, c.id); got != c.then {
			t.Errorf("%s is %s, want %s", c.id, got, c.then)
		}
	}
}

func TestTakeOver(t *testing.T) {
	r := newRig(t)
	asynqStates(t, r)
	takeOver := func(id string, epoch int64) {
		t.Helper()
		ref := saga.Ref{ID: id, Type: "one", Queue: "default", Epoch: epoch, Due: time.Now().Add(time.Hour)}
		if err := r.queue.TakeOver(t.Context(), ref); err != nil {
			t.Errorf("take %s over: %v", id, err)
		}
	}
	for _, id := range []string{"retry", "scheduled", "archived", "pending", "missing"} {
		takeOver(id, 7)
		if got := r.asynq("default", id); got != "pending" {
			t.Errorf("%s is %s", id, got)
		}
		if got := r.asynq("default", id+"~7"); !strings.Contains(got, "not found") {
			t.Errorf("a second delivery was made for %s: %s", id, got)
		}
	}
	before := r.pending("default")
	var sweepers sync.WaitGroup
	for range 20 {
		sweepers.Go(func() { takeOver("active", 7) })
	}
	sweepers.Wait()
	if got := r.pending("default") - before; got != 1 {
		t.Errorf("20 sweepers made %d deliveries of one orphan", got)
	}
	info, err := r.inspector.GetTaskInfo("default", "active~7")
	if err != nil || info.State != asynq.TaskStatePending || string(info.Payload) != "active" || info.MaxRetry != 1<<30 {
		t.Errorf("the second delivery: %+v, %v", info, err)
	}
	if got := r.asynq("default", "active"); got != "active" {
		t.Errorf("asynq's own bookkeeping was touched: %s", got)
	}
	takeOver("active", 8)
	if got := r.pending("default") - before; got != 2 {
		t.Errorf("another epoch: %d deliveries, want 2", got)
	}
}

// The task was taken over, and that delivery is parked while asynq still believes in the dead worker.
func TestTakeOverWakesASecondDeliveryThatIsParked(t *testing.T) {
	r := newRig(t)
	asynqStates(t, r)
	ref := saga.Ref{ID: "active", Type: "one", Queue: "default", Epoch: 7}
	_, err := asynq.NewClientFromRedisClient(r.client).Enqueue(asynq.NewTask("one", []byte("active")),
		asynq.TaskID("active~7"), asynq.ProcessIn(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.queue.TakeOver(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if got := r.asynq("default", "active~7"); got != "pending" {
		t.Errorf("the second delivery is %s", got)
	}
}

// The worker that took the second delivery died before it claimed, so the epoch is still the same.
func TestTakeOverOfATakeOver(t *testing.T) {
	r := newRig(t)
	ref := saga.Ref{ID: "t", Type: "one", Queue: "default", Epoch: 7}
	if err := r.queue.Enqueue(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	for _, next := range []string{"t~7", "t~7~2", "t~7~3"} {
		r.hold()
		for range 2 { // two sweepers see it
			if err := r.queue.TakeOver(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.asynq("default", next); got != "pending" || r.pending("default") != 1 {
			t.Fatalf("%s is %s, and %d are pending", next, got, r.pending("default"))
		}
	}
}

// hold has a worker take one delivery and keep it.
func (r *rig) hold() {
	r.t.Helper()
	held, letGo := make(chan struct{}), make(chan struct{})
	server := asynq.NewServerFromRedisClient(r.client, asynq.Config{
		Concurrency: 1, Queues: map[string]int{"default": 1}, TaskCheckInterval: 5 * time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		close(held)
		<-letGo
		return nil
	}))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		close(letGo)
		server.Shutdown()
	})
	<-held
	server.Stop() // it takes no more
}

func TestBacklog(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		ref := saga.Ref{ID: fmt.Sprint(i), Type: "one", Queue: "low"}
		if i == 0 {
			ref.Due = time.Now().Add(time.Hour) // waits for its time, not for a worker
		}
		if err := r.queue.Enqueue(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	for queue, want := range map[string]int{"low": 4, "never-used": 0} {
		if got, err := r.queue.Backlog(queue); got != want || err != nil {
			t.Errorf("backlog of %s: %d, %v, want %d", queue, got, err, want)
		}
	}
}

func TestAQueueWithoutRedisSaysWhatItCouldNotDo(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	q, ref := tasks.NewQueue(client), saga.Ref{ID: "t1", Type: "one", Queue: "low"}
	_, backlog := q.Backlog("low")
	for want, err := range map[string]error{
		"enqueue task t1":      q.Enqueue(t.Context(), ref),
		"wake task t1":         q.Wake(t.Context(), ref),
		"wake task t1:":        q.TakeOver(t.Context(), ref),
		"backlog of queue low": backlog,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// pending is how many deliveries wait for a worker.
func (r *rig) pending(queue string) int {
	r.t.Helper()
	n, err := r.queue.Backlog(queue)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestAParkedTaskIsWokenWhenRedisCameBackEmpty(t *testing.T) {
	r := newRig(t)
	ref := saga.Ref{ID: "t", Type: "one", Queue: "default", Due: time.Now().Add(time.Hour)}
	for range 2 {
		if err := r.queue.Enqueue(t.Context(), ref); err != nil { // the first time it makes the queue known
			t.Fatal(err)
		}
		if err := r.queue.Wake(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if got := r.asynq("default", "t"); got != "pending" {
			t.Errorf("it is %s", got)
		}
		if err := r.client.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPendingIsWhatAsynqSaysOfIt(t *testing.T) {
	r := newRig(t)
	for i, queue := range []string{"default", "default", "high", "low"} {
		r.start(saga.Request{ID: fmt.Sprint("t", i), Type: "one", Input: []byte(`{}`), Queue: queue})
	}
	queues := []string{"default", "high", "reports"}
	var asynqs []int
	for _, queue := range queues {
		n, err := r.queue.Backlog(queue)
		if err != nil {
			t.Fatal(err)
		}
		asynqs = append(asynqs, n)
	}
	n, err := r.queue.Pending(t.Context(), queues...)
	if err != nil || !slices.Equal(n, asynqs) || n[0]+n[1]+n[2] != 3 {
		t.Errorf("%v pending, %v; asynq says %v; want 3 in all", n, err, asynqs)
	}
}
