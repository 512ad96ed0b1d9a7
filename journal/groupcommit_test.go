package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
)

// outgoing counts what goes out to Redis, and can hold pipelines back.
type outgoing struct {
	single, pipelines, grouped atomic.Int64
	gate                       chan struct{} // a pipeline waits for it; nil: it does not
}

func (c *outgoing) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *outgoing) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			c.single.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (c *outgoing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "evalsha" { // greetings do not count
			return next(ctx, cmds)
		}
		if c.gate != nil {
			<-c.gate
		}
		c.pipelines.Add(1)
		c.grouped.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// grouped is a client with group commit on a redis-server of the test's own. The scripts it runs are known there.
func grouped(t *testing.T, c *outgoing, scripts ...*redis.Script) (redis.UniversalClient, func()) {
	t.Helper()
	o, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(o)
	for _, s := range scripts {
		if err := s.Load(t.Context(), client).Err(); err != nil {
			t.Fatal(err)
		}
	}
	stop := sync.OnceFunc(journal.GroupCommit(client))
	client.AddHook(c) // behind the group: it sees what goes out
	t.Cleanup(func() {
		stop()
		_ = client.Close()
	})
	return client, stop
}

var echo = redis.NewScript(`if ARGV[1] == 'bad' then return redis.error_reply('BAD no') end return ARGV[1]`)

func TestScriptsThatWaitTravelTogether(t *testing.T) {
	c := &outgoing{gate: make(chan struct{})}
	client, _ := grouped(t, c, echo)
	go func() { // pipelines go one by one, as behind a slow network
		for {
			select {
			case c.gate <- struct{}{}:
			case <-t.Context().Done():
				return
			}
		}
	}()
	// Whether scripts meet is chance; that none of many ever do would be a fault.
	for end := time.Now().Add(time.Minute); c.pipelines.Load() == c.grouped.Load(); {
		if time.Now().After(end) {
			t.Fatalf("%d scripts took %d pipelines", c.grouped.Load(), c.pipelines.Load())
		}
		manyAtOnce(t, client)
	}
	if n := c.single.Load(); n != 0 {
		t.Errorf("%d went alone", n)
	}
}

// manyAtOnce runs scripts side by side, one of which fails, and checks that each gets its own answer.
func manyAtOnce(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			arg := fmt.Sprint(i)
			if i == 7 {
				arg = "bad"
			}
			switch got, err := echo.Run(t.Context(), client, nil, arg).Text(); {
			case i == 7 && !redis.HasErrorPrefix(err, "BAD"):
				t.Errorf("the bad one: %q, %v", got, err)
			case i != 7 && (err != nil || got != arg):
				t.Errorf("%s: %q, %v", arg, got, err)
			}
		})
	}
	all.Wait()
}

func TestAnUnknownScriptIsTaught(t *testing.T) {
	c := &outgoing{}
	client, _ := grouped(t, c)
	got, err := echo.Run(t.Context(), client, nil, "new").Text()
	if err != nil || got != "new" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWhoGivesUpDoesNotWait(t *testing.T) {
	c := &outgoing{gate: make(chan struct{})}
	client, _ := grouped(t, c, echo)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := echo.Run(ctx, client, nil, "late").Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	close(c.gate)
}

func TestAsynqsDequeueDoesNotWaitForCompany(t *testing.T) {
	c := &outgoing{gate: make(chan struct{})} // no pipeline gets through
	client, _ := grouped(t, c, echo)
	keys := []string{"asynq:{default}:pending", "asynq:{default}:paused", "asynq:{default}:active", "asynq:{default}:lease"}
	if got, err := echo.Run(t.Context(), client, keys, "now").Text(); err != nil || got != "now" {
		t.Errorf("%q, %v", got, err)
	}
	close(c.gate)
}

func TestAfterItsEndScriptsTravelAlone(t *testing.T) {
	c := &outgoing{}
	client, stop := grouped(t, c, echo)
	stop()
	for range 5 {
		if err := echo.Run(t.Context(), client, nil, "x").Err(); err != nil {
			t.Fatal(err)
		}
	}
	if c.single.Load()+c.grouped.Load() != 5 {
		t.Errorf("%d alone, %d in groups", c.single.Load(), c.grouped.Load())
	}
}
