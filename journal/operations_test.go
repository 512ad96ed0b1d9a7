package journal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// together runs operations whose scripts wait for each other, and tells how many scripts went out.
func together(t *testing.T, c *outgoing, operations []want) (errs []error, scripts int64) {
	t.Helper()
	before := c.single.Load() + c.grouped.Load()
	errs = make([]error, len(operations))
	var all sync.WaitGroup
	for i, operation := range operations {
		all.Go(func() { errs[i] = operation.do() })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	for open := true; open; {
		select {
		case c.gate <- struct{}{}: // one pipeline gets through
		case <-done:
			open = false
		}
	}
	return errs, c.single.Load() + c.grouped.Load() - before
}

func TestOperationsThatWaitAreOneScriptAndEachHasItsAnswer(t *testing.T) {
	c := &outgoing{}
	client, _ := grouped(t, c)
	j := journal.New(client, journal.Options{})
	c.gate = make(chan struct{})
	for round := 0; ; round++ {
		operations := peculiar(t, c, j, client, round)
		for i := range 30 {
			id := fmt.Sprint(round, "-", i)
			operations = append(operations, want{"start", nil, func() error {
				started, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id}})
				if err == nil && !started.New {
					err = errors.New("it is another's answer")
				}
				return err
			}})
		}
		errs, scripts := together(t, c, operations)
		for i, err := range errs {
			o := operations[i]
			if errors.Is(o.err, errBroken) && redis.HasErrorPrefix(err, "WRONGTYPE") {
				continue
			}
			if !errors.Is(err, o.err) || o.err == nil && err != nil {
				t.Errorf("%s: got %v, want %v", o.what, err, o.err)
			}
		}
		// Whether all operations meet is chance; that they never do would be a fault.
		if scripts <= 3 {
			break
		}
		if round == 200 {
			t.Fatalf("%d scripts for %d operations", scripts, len(operations))
		}
	}
	close(c.gate)
	for i := range 30 {
		if s, err := j.Read(t.Context(), fmt.Sprint("0-", i)); err != nil || len(s.Events) != 1 {
			t.Errorf("0-%d: %d events, %v", i, len(s.Events), err)
		}
	}
	open := client.ZCard(t.Context(), "osp:{00}:open").Val()
	dirty := client.ZCard(t.Context(), "osp:{00}:dirty").Val()
	if tasks := int64(len(scan(t, client, "osp:{00}:m:*"))); open != tasks || dirty != tasks {
		t.Errorf("of %d tasks %d are open and %d dirty", tasks, open, dirty)
	}
}

var errBroken = errors.New("broken")

// want is an operation, and what it is to come to.
type want struct {
	what string
	err  error
	do   func() error
}

// peculiar are operations that come to something else than most, on tasks of their own.
func peculiar(t *testing.T, c *outgoing, j *journal.Redis, client redis.UniversalClient, round int) []want {
	t.Helper()
	name := func(what string) string { return fmt.Sprint(what, round) }
	claims := map[string]saga.Claim{}
	prepare := want{"prepare", nil, func() error {
		var errs []error
		for _, what := range []string{"mine", "broken", "old", "claimed"} {
			_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: name(what), Hash: "a"}})
			errs = append(errs, err)
			if what == "mine" || what == "broken" {
				claims[what], err = j.Claim(t.Context(), name(what), "nonce")
				errs = append(errs, err)
			}
		}
		broken := "osp:{00}:j:" + name("broken")
		return errors.Join(append(errs, client.Del(t.Context(), broken).Err(), client.Set(t.Context(), broken, "no list", 0).Err())...)
	}}
	errs, _ := together(t, c, []want{prepare})
	must(t, errs[0])
	work := saga.Batch{Read: 1, Facts: []saga.Event{{Kind: saga.KindSignal, Name: "x"}}}
	stolen := claims["mine"].Lease
	stolen.Nonce = "another"
	return []want{
		{"append", nil, func() error { return second(j.Append(t.Context(), claims["mine"].Lease, work)) }},
		{"overtaken", saga.ErrOvertaken, func() error { return second(j.Append(t.Context(), stolen, work)) }},
		{"broken", errBroken, func() error { return second(j.Append(t.Context(), claims["broken"].Lease, work)) }},
		{"conflict", saga.ErrConflict, func() error {
			return second(j.Start(t.Context(), saga.Start{Created: saga.Created{ID: name("old"), Hash: "b"}}))
		}},
		{"claim", nil, func() error { return second(j.Claim(t.Context(), name("claimed"), "n")) }},
		{"not there", saga.ErrNotFound, func() error { return second(j.Claim(t.Context(), name("nobody"), "n")) }},
	}
}

// caught is a hook that sends nothing and keeps what was to be sent.
type caught struct{ cmds []*redis.Cmd }

// catching is a journal whose operations go nowhere.
func catching(t *testing.T) (*caught, *journal.Redis) {
	t.Helper()
	client, hook := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), &caught{}
	client.AddHook(hook)
	t.Cleanup(func() { _ = client.Close() })
	return hook, journal.New(client, journal.Options{})
}

func (c *caught) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *caught) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.cmds = append(c.cmds, redis.NewCmd(ctx, cmd.Args()...))
		return redis.ErrClosed
	}
}

func (c *caught) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// What operations of one script do to the same task happens in their order.
func TestTheLastOperationOnATaskDecidesAboutIt(t *testing.T) {
	for _, k := range []struct {
		name  string
		batch saga.Batch
		lease bool // whether the claim that comes after it gets one
	}{
		{"parked, then claimed", saga.Batch{Read: 1, Decisions: []saga.Event{{Kind: saga.KindWaiting}}, Then: saga.Park}, true},
		{"finished, then claimed", saga.Batch{Read: 1, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish}, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			client := server(t)
			j := journal.New(client, journal.Options{})
			_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}})
			must(t, err)
			c, err := j.Claim(t.Context(), "a", "nonce")
			must(t, err)
			hook, nowhere := catching(t)
			_, _ = nowhere.Append(t.Context(), c.Lease, k.batch)
			_, _ = nowhere.Claim(t.Context(), "a", "another")
			if n := journal.RunMerged(t.Context(), client, hook.cmds...); n != 1 {
				t.Fatalf("%d scripts", n)
			}
			score, err := client.ZScore(t.Context(), "osp:{00}:open", "a").Result()
			if until := time.UnixMicro(int64(score)); k.lease && (err != nil || until.Before(c.Now) || until.After(c.Now.Add(time.Minute))) {
				t.Errorf("it is looked at in %v, %v, want when the lease ends", until.Sub(c.Now), err)
			}
			if !k.lease && !errors.Is(err, redis.Nil) {
				t.Errorf("it is open until %v, %v", score, err)
			}
		})
	}
}

func TestWhatIsMergedHasBounds(t *testing.T) {
	client := server(t)
	hook, nowhere := catching(t)
	for i := range 40 {
		_, _ = nowhere.Claim(t.Context(), fmt.Sprint(i), "nonce")
	}
	large := []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	for i := range 6 {
		_, _ = nowhere.Start(t.Context(), saga.Start{Created: saga.Created{ID: fmt.Sprint("large", i), Input: large}})
	}
	_, err := journal.New(client, journal.Options{}).Start(t.Context(), saga.Start{Created: saga.Created{ID: "known"}})
	must(t, err)
	// 16, 16, and 8 claims with two starts; then two and two.
	if n := journal.RunMerged(t.Context(), client, hook.cmds...); n != 5 {
		t.Errorf("%d scripts, want 5", n)
	}
	for i, cmd := range hook.cmds {
		if answers, err := cmd.Slice(); err != nil || len(answers) != 1 {
			t.Errorf("operation %d: %v, %v", i, answers, err)
		}
	}
}

// refusals notes what go-redis hears: it acts on some errors itself.
type refusals struct {
	sync.Mutex
	heard []string
}

func (r *refusals) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *refusals) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (r *refusals) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		r.Lock()
		defer r.Unlock()
		for _, cmd := range cmds {
			if cmd.Name() == "evalsha" && cmd.Err() != nil {
				r.heard = append(r.heard, cmd.Err().Error())
			}
		}
		return err
	}
}

func TestWhatRedisRefusesToAllTheClientHears(t *testing.T) {
	for _, k := range []struct{ code, setting, value string }{
		{"OOM", "maxmemory", "1"},
		{"NOREPLICAS", "min-replicas-to-write", "1"},
	} {
		t.Run(k.code, func(t *testing.T) {
			client := server(t)
			stop := journal.GroupCommit(client)
			t.Cleanup(stop)
			heard := &refusals{}
			client.AddHook(heard)
			j := journal.New(client, journal.Options{})
			_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "before"}})
			must(t, err)
			must(t, client.ConfigSet(t.Context(), k.setting, k.value).Err())
			heard.heard = nil
			var refused atomic.Int64
			var all sync.WaitGroup
			groups := []string{"", "shop"}
			for i := range 20 {
				all.Go(func() {
					if _, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: fmt.Sprint(i)}, Hold: groups[i%2]}); errors.Is(err, saga.ErrUnavailable) {
						refused.Add(1)
					}
				})
			}
			all.Wait()
			if n := refused.Load(); n != 20 {
				t.Errorf("%d of 20 are told to try again", n)
			}
			if len(heard.heard) == 0 {
				t.Error("go-redis heard of nothing")
			}
			for _, message := range heard.heard {
				if !strings.HasPrefix(message, k.code+" ") && !strings.Contains(message, "-"+k.code+" ") {
					t.Errorf("go-redis heard %q", message)
				}
			}
			must(t, client.ConfigSet(t.Context(), k.setting, "0").Err())
			if n := client.ZCard(t.Context(), "osp:{00}:open").Val(); n != 1 {
				t.Errorf("%d tasks are open, want 1", n)
			}
		})
	}
}

// A failover loses what the holder has appended last, and what then comes from outside happens to get the very moment that the
// holder knows as the last one's.
func TestALostTailIsNoticedEvenIfTheMomentsAgree(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}})
	must(t, err)
	c, err := j.Claim(t.Context(), "a", "nonce")
	must(t, err)
	meta, list := "osp:{00}:m:a", "osp:{00}:j:a"
	before, err := client.HGetAll(t.Context(), meta).Result()
	must(t, err)
	signal := saga.Event{Kind: saga.KindSignal, Name: "x"}
	a, err := j.Append(t.Context(), c.Lease, saga.Batch{Read: 1, ReadAt: saga.MicrosOf(c.Events[0].At), Decisions: []saga.Event{signal, signal}})
	must(t, err)
	before["v"] = fmt.Sprint(a.Now.UnixMicro())
	must(t, client.LTrim(t.Context(), list, 0, 0).Err())
	must(t, client.RPush(t.Context(), list, saga.Header(2, a.Now)+`{"k":"signal","m":"y"}`).Err())
	must(t, client.HSet(t.Context(), meta, before).Err())
	_, err = j.Append(t.Context(), c.Lease, saga.Batch{Read: 3, ReadAt: saga.MicrosOf(a.Now), Decisions: []saga.Event{signal}})
	if !errors.Is(err, saga.ErrOvertaken) {
		t.Errorf("got %v, want overtaken", err)
	}
	if n := client.LLen(t.Context(), list).Val(); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}
