package tasks_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// heard notes who rang.
type heard struct {
	mu     sync.Mutex
	queues []string
}

func (h *heard) Ring(_ context.Context, queue string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queues = append(h.queues, queue)
	return nil
}

func (h *heard) Listen(context.Context, string) (<-chan struct{}, error) { return nil, nil }

func (h *heard) take() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	said := strings.Join(h.queues, " ")
	h.queues = nil
	return said
}

// another is a client of the rig's Redis as another process has it.
func (r *rig) another() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: r.client.Options().Addr})
	r.t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAsynqRingsWhenAQueueHasGotWork(t *testing.T) {
	r := newRig(t)
	client, h := r.another(), &heard{}
	bell := tasks.NewBell(client, slog.New(slog.DiscardHandler), time.Now)
	bell.Connect(h)
	queue, inspector := asynq.NewClientFromRedisClient(client), asynq.NewInspectorFromRedisClient(client)
	enqueue := func(id string, options ...asynq.Option) error {
		_, err := queue.Enqueue(asynq.NewTask("one", nil), append(options, asynq.TaskID(id), asynq.Queue("low"))...)
		return err
	}
	count := func(_ int, err error) error { return err }
	for _, c := range []struct {
		what string
		do   func() error
		fail bool
		rung string
	}{
		{"a task is enqueued", func() error { return enqueue("a") }, false, "low"},
		{"it is there already", func() error { return enqueue("a") }, true, ""},
		{"one is enqueued for once only", func() error { return enqueue("u", asynq.Unique(time.Hour)) }, false, "low"},
		{"one is for later", func() error { return enqueue("b", asynq.ProcessIn(time.Hour)) }, false, ""},
		{"it is run now", func() error { return inspector.RunTask("low", "b") }, false, "low"},
		{"it is run already", func() error { return inspector.RunTask("low", "b") }, true, ""},
		{"a queue is looked at", func() error { _, err := inspector.GetQueueInfo("low"); return err }, false, ""},
		{"its tasks are listed", func() error { _, err := inspector.ListPendingTasks("low"); return err }, false, ""},
		{"it is paused", func() error { return inspector.PauseQueue("low") }, false, ""},
		{"it is resumed", func() error { return inspector.UnpauseQueue("low") }, false, "low"},
		{"it was not paused", func() error { return inspector.UnpauseQueue("low") }, true, ""},
		{"osp resumes one that is not paused", func() error { return tasks.NewQueue(client).Unhalt(t.Context(), "low") }, false, ""},
		{"all are archived", func() error { return count(inspector.ArchiveAllPendingTasks("low")) }, false, ""},
		{"all of those are run", func() error { return count(inspector.RunAllArchivedTasks("low")) }, false, "low"},
		{"there is none to be run", func() error { return count(inspector.RunAllArchivedTasks("low")) }, false, ""},
		{"a server stops, and gives one back", func() error { return r.giveBack(client) }, false, "low"},
		{"all are deleted", func() error { return count(inspector.DeleteAllPendingTasks("low")) }, false, ""},
	} {
		if err := c.do(); (err != nil) != c.fail {
			t.Fatalf("%s: %v", c.what, err)
		}
		bell.Close()
		if got := h.take(); got != c.rung {
			t.Errorf("%s: rang %q, want %q", c.what, got, c.rung)
		}
	}
}

// giveBack has an asynq server take a task, and stop.
func (r *rig) giveBack(client *redis.Client) error {
	taken, letGo := make(chan struct{}, 1), make(chan struct{})
	defer close(letGo)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Concurrency: 1, Queues: map[string]int{"low": 1}, ShutdownTimeout: time.Millisecond, LogLevel: asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		taken <- struct{}{}
		<-letGo
		return nil
	}))
	if err != nil {
		return err
	}
	<-taken
	server.Shutdown()
	return nil
}

// never is an interval between looks at which nothing is found in a test.
const never = time.Hour

func seldom(o *tasks.WorkerOptions) { o.CheckInterval = never }

// rests waits until the dequeues of the rig's worker are held back; nodes are those of its Redis, if it is not the rig's.
func (r *rig) rests(nodes ...*redis.Client) {
	r.t.Helper()
	if nodes == nil {
		nodes = []*redis.Client{r.client}
	}
	looks := func() (said string) {
		for _, node := range nodes {
			said += node.InfoMap(r.t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_rpoplpush"] + " "
		}
		return said
	}
	last, since, times := looks(), time.Now(), 0
	r.within(time.Minute, "the worker is idle", func() bool {
		if now := looks(); now != last {
			last, since, times = now, time.Now(), 0
		}
		times++ // where this test has had its turn so often, so has the worker
		return time.Since(since) > 300*time.Millisecond && times > 50
	})
}

func (r *rig) stops(w *tasks.Worker) {
	r.t.Helper()
	stopped := make(chan struct{})
	go func() {
		w.Stop(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		r.t.Fatal("the worker does not stop")
	}
}

func TestAnIdleWorkerTakesWhatAnotherProcessEnqueues(t *testing.T) {
	r := newRig(t)
	api := rigOn(t, r.another())
	defer r.stops(r.worker(seldom))
	for i, name := range []string{"low", "default", "high", "default"} {
		r.rests()
		id := fmt.Sprint("t", i)
		api.start(saga.Request{ID: id, Type: "one", Queue: name})
		r.ends(id, saga.Completed)
	}
	r.rests()
}

func TestAfterALostConnectionAWorkerLooksAtOnce(t *testing.T) {
	r := newRig(t)
	r.dispatcher.Queue = tasks.NewQueue(r.another()) // which has no bell
	defer r.stops(r.worker(seldom))
	r.rests()
	r.start(saga.Request{ID: "t", Type: "one"})
	r.rests()
	if got := r.state("t"); got != saga.Pending {
		t.Fatalf("the task is %s though nobody rang", got)
	}
	if n, err := r.client.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Result(); err != nil || n < 1 {
		t.Fatalf("%d connections killed: %v", n, err)
	}
	r.ends("t", saga.Completed)
}

func TestWhatHasBecomeDueIsTakenWhenAsynqHasMovedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		defer r.worker(seldom).Stop(t.Context())
		r.start(saga.Request{ID: "t", Type: "one", ProcessAt: time.Now().Add(3 * time.Second)})
		begun := time.Now()
		r.ends("t", saga.Completed)
		if took := time.Since(begun); took > 8*time.Second+100*time.Millisecond { // asynq looks every five seconds what is due
			t.Errorf("done after %v", took)
		}
	})
}

func TestAQueueThatIsResumedIsTakenFromAtOnce(t *testing.T) {
	r := newRig(t)
	if err := r.inspector.PauseQueue("low"); err != nil {
		t.Fatal(err)
	}
	defer r.stops(r.worker(seldom))
	r.start(saga.Request{ID: "t", Type: "one", Queue: "low"})
	r.rests()
	if got := r.state("t"); got != saga.Pending {
		t.Fatalf("the task of a paused queue is %s", got)
	}
	if err := r.inspector.UnpauseQueue("low"); err != nil { // as in Asynqmon
		t.Fatal(err)
	}
	r.ends("t", saga.Completed)
}
