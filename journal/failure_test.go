package journal_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// lossy drops the connection in place of the next answer, once it is armed: the command was carried out, and the
// client sends it again.
type lossy struct {
	net.Conn
	armed *atomic.Bool
}

func (l lossy) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err == nil && l.armed.CompareAndSwap(true, false) {
		_ = l.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// losing is a client whose next answer is lost when the switch is set.
func losing(t *testing.T) (*redis.Client, *atomic.Bool) {
	t.Helper()
	o, err := redis.ParseURL(testenv.Redis(t))
	must(t, err)
	var armed atomic.Bool
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return lossy{conn, &armed}, err
	}
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	must(t, client.Ping(t.Context()).Err())
	return client, &armed
}

func TestALostAnswerDoublesNothing(t *testing.T) {
	client, lost := losing(t)
	j := journal.New(client, journal.Options{})
	warmUp(t, j)

	lost.Store(true)
	_, err := j.Start(t.Context(), saga.Start{Created: order(1)})
	must(t, err)
	id := order(1).ID

	lost.Store(true)
	started, err := j.Start(t.Context(), saga.Start{Created: order(2), Hold: "shop"})
	must(t, err)
	if got := held(t, client, "default"); started.New || len(got) != 1 {
		t.Errorf("%+v, and held back are %v", started, got)
	}

	lost.Store(true)
	c, err := j.Claim(t.Context(), id, "mine")
	must(t, err)

	lost.Store(true)
	_, err = j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}, Dedupe: "key"})
	must(t, err)

	lost.Store(true)
	a, err := j.Append(t.Context(), c.Lease, saga.Batch{
		Read: 1, Facts: []saga.Event{{Kind: saga.KindStepDone, Path: "x"}}, Decisions: []saga.Event{begin("y", c.Now)},
	})
	must(t, err)
	if a.Decided || len(a.Between) != 1 || a.Facts != 3 {
		t.Errorf("got %+v, want the answer that was lost", a)
	}

	lost.Store(true)
	end := saga.Batch{Read: 3, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish}
	a, err = j.Append(t.Context(), c.Lease, end)
	must(t, err)
	if !a.Decided || a.Facts != 4 {
		t.Errorf("got %+v, want the answer that was lost", a)
	}
	s, err := j.Read(t.Context(), id)
	must(t, err)
	if len(s.Events) != 4 || !s.Events[3].At.Equal(a.Now) {
		t.Errorf("got %+v, want created, signal, step_done and completed", s.Events)
	}
	if lost.Load() {
		t.Error("no answer was lost")
	}
}

// warmUp has Redis learn the scripts.
func warmUp(t *testing.T, j *journal.Redis) {
	t.Helper()
	id := waitingOrder(t, j, 999)
	_, err := j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindCancel}})
	must(t, err)
}

func TestAnotherClaimWithTheSameNonceIsBusy(t *testing.T) {
	j := journal.New(server(t), journal.Options{})
	id := waitingOrder(t, j, 1)
	_, err := j.Claim(t.Context(), id, "nonce")
	must(t, err)
	_, err = j.Claim(t.Context(), id, "nonce")
	if _, ok := errors.AsType[*saga.BusyError](err); !ok {
		t.Errorf("got %v, want busy", err)
	}
}

func TestAnotherProcessWithTheSameCountIsBusy(t *testing.T) {
	j := journal.New(server(t), journal.Options{})
	id := waitingOrder(t, j, 1)
	journal.RestartCounting()
	_, err := j.Claim(t.Context(), id, "nonce")
	must(t, err)
	journal.RestartCounting()
	_, err = j.Claim(t.Context(), id, "another")
	if _, ok := errors.AsType[*saga.BusyError](err); !ok {
		t.Errorf("got %v, want busy", err)
	}
}

func TestUnavailable(t *testing.T) {
	for name, breakIt := range map[string]func(t *testing.T, r *testenv.RedisServer, c *redis.Client){
		"gone":    func(_ *testing.T, r *testenv.RedisServer, _ *redis.Client) { r.Kill() },
		"hanging": func(_ *testing.T, r *testenv.RedisServer, _ *redis.Client) { r.Pause() },
		"replica": func(t *testing.T, _ *testenv.RedisServer, c *redis.Client) {
			must(t, c.ReplicaOf(t.Context(), "127.0.0.1", "1").Err())
		},
		"full": func(t *testing.T, _ *testenv.RedisServer, c *redis.Client) {
			must(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
		},
		"lonely": func(t *testing.T, _ *testenv.RedisServer, c *redis.Client) {
			must(t, c.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := testenv.RedisProcess(t)
			client := redis.NewClient(&redis.Options{Addr: r.Addr})
			t.Cleanup(func() { _ = client.Close() })
			before := journal.New(client, journal.Options{})
			c, err := before.Claim(t.Context(), waitingOrder(t, before, 1), "nonce")
			must(t, err)
			breakIt(t, r, client)
			impatient := redis.NewClient(&redis.Options{
				Addr: r.Addr, DialTimeout: 200 * time.Millisecond, ReadTimeout: 200 * time.Millisecond, MaxRetries: -1,
			})
			t.Cleanup(func() { _ = impatient.Close() })
			j := journal.New(impatient, journal.Options{})
			for what, err := range map[string]error{
				"start":  second(j.Start(t.Context(), saga.Start{Created: order(2)})),
				"claim":  second(j.Claim(t.Context(), c.Lease.ID, "another")),
				"append": second(j.Append(t.Context(), c.Lease, saga.Batch{Read: 8, Decisions: []saga.Event{begin("x", c.Now)}})),
			} {
				if _, busy := errors.AsType[*saga.BusyError](err); what == "claim" && busy {
					continue // found out by reading only
				}
				if !errors.Is(err, saga.ErrUnavailable) {
					t.Errorf("%s: got %v, want unavailable", what, err)
				}
			}
			r.Resume()
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestACallThatItsCallerGaveUpIsNoFaultOfRedis(t *testing.T) {
	j := journal.New(server(t), journal.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := j.Read(ctx, "a")
	if !errors.Is(err, context.Canceled) || errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("got %v, want cancelled only", err)
	}
}

func TestAFullRedisStillDrains(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{KeepFinished: time.Millisecond, IdempotencyWindow: time.Millisecond})
	c, err := j.Claim(t.Context(), waitingOrder(t, j, 1), "nonce")
	must(t, err)
	child := order(2)
	child.Parent, child.ParentPath = c.Lease.ID, "ship"
	_, err = j.Start(t.Context(), saga.Start{Created: child})
	must(t, err)
	_, err = j.Append(t.Context(), c.Lease, saga.Batch{
		Read: 8, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish,
	})
	must(t, err)

	must(t, client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	if _, err := j.Start(t.Context(), saga.Start{Created: order(3)}); !errors.Is(err, saga.ErrUnavailable) {
		t.Fatalf("got %v, want a new task to be refused", err)
	}
	list, err := j.Dirty(t.Context(), 10)
	must(t, err)
	if len(list) != 2 {
		t.Fatalf("got %d dirty tasks, want 2", len(list))
	}
	for _, s := range list {
		clean(t, j, saga.Flushed{
			ID: s.Ref.ID, Version: s.Version, Stored: s.Version, Children: []string{child.ID},
		})
	}
	must(t, client.ConfigSet(t.Context(), "maxmemory", "0").Err())
	for _, key := range scan(t, client, "*:m:"+c.Lease.ID) { // if it is there still
		ttl, err := client.PTTL(t.Context(), key).Result()
		must(t, err)
		if ttl < 0 && client.Exists(t.Context(), key).Val() == 1 {
			t.Errorf("%s does not expire", key)
		}
	}
	if left := client.ZCard(t.Context(), "osp:{00}:dirty").Val(); left != 0 {
		t.Errorf("%d marks are left", left)
	}
}

func TestARestartedRedisLearnsTheScriptsAgain(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	for n := range 5 {
		waitingOrder(t, j, n)
	}
	for range 2 {
		must(t, client.ScriptFlush(t.Context()).Err())
		list, err := j.Dirty(t.Context(), 10)
		must(t, err)
		var flushed []saga.Flushed
		for _, s := range list {
			flushed = append(flushed, saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version + 1})
		}
		if len(flushed) != 5 {
			t.Fatalf("got %d dirty tasks, want 5", len(flushed))
		}
		must(t, client.ScriptFlush(t.Context()).Err())
		clean(t, j, flushed...)
	}
}

func TestAClaimAndAnAppendAreOneRoundTripEach(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	var trips counter
	client.AddHook(&trips)
	c, err := j.Claim(t.Context(), id, "nonce")
	must(t, err)
	_, err = j.Append(t.Context(), c.Lease, saga.Batch{Read: 8, Decisions: []saga.Event{begin("x", c.Now)}})
	must(t, err)
	if trips.list != "evalsha evalsha " {
		t.Errorf("got %s", trips.list)
	}
}

type counter struct{ list string }

func (*counter) DialHook(next redis.DialHook) redis.DialHook { return next }
func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.list += strings.ToLower(cmd.Name()) + " "
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.list += "pipeline "
		return next(ctx, cmds)
	}
}
