package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

// spy is a hook that keeps asynq's dequeue.
type spy struct{ seen chan []any }

func (s spy) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (s spy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (s spy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if _, ok := dequeues(cmd); ok && (err == nil || err == redis.Nil) { //nolint:errorlint // the script is known to Redis by now
			select {
			case s.seen <- cmd.Args():
			default:
			}
		}
		return err
	}
}

// asynqDequeue is what an asynq server sends.
func asynqDequeue(t *testing.T, o *redis.Options) []any {
	t.Helper()
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	s := spy{make(chan []any, 1)}
	client.AddHook(s)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	return <-s.seen
}

func TestAsynqTakesWhatWasGivenBack(t *testing.T) {
	o, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	args := asynqDequeue(t, o)
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	bell := NewBell(client, slog.New(slog.DiscardHandler), time.Now)
	bell.serve(t.Context(), map[string]int{"default": 1}, 10, time.Hour, &sync.WaitGroup{})
	queue, inspector := asynq.NewClientFromRedisClient(client), asynq.NewInspectorFromRedisClient(client)
	var all []string
	for i := range 10 {
		all = append(all, fmt.Sprint("t", i))
		if _, err := queue.Enqueue(asynq.NewTask("one", nil), asynq.TaskID(all[i])); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // of two, and of four
		if err := client.Process(t.Context(), redis.NewCmd(t.Context(), args...)); err != nil {
			t.Fatal(err)
		}
	}
	info := func() string {
		q, err := inspector.GetQueueInfo("default")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%d active, %d pending", q.Active, q.Pending)
	}
	if got := info(); got != "6 active, 4 pending" {
		t.Errorf("fetched: %s", got)
	}
	bell.release(10)
	if got := info(); got != "3 active, 7 pending" {
		t.Errorf("given back: %s", got)
	}
	if n := client.ZCard(t.Context(), asynqKey("default", "lease")).Val(); n != 3 {
		t.Errorf("%d leases", n)
	}

	taken := make(chan string, 10)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{Concurrency: 1, LogLevel: asynq.FatalLevel})
	bell.left()
	bell.serve(t.Context(), nil, 1, time.Hour, &sync.WaitGroup{})
	err = server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		taken <- task.ResultWriter().TaskID()
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	var order []string
	for range 7 {
		order = append(order, <-taken)
	}
	if !slices.Equal(order, all[3:]) {
		t.Errorf("taken then: %v", order)
	}
}
