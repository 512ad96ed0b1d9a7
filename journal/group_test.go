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

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// together runs operations whose scripts wait for each other, and tells how many scripts went out.
func together(t *testing.T, c *outgoing, operations []func() error) (errs []error, scripts int64) {
	t.Helper()
	before := c.single.Load() + c.grouped.Load()
	errs = make([]error, len(operations))
	var all sync.WaitGroup
	for i, operation := range operations {
		all.Go(func() { errs[i] = operation() })
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
	claims := map[string]saga.Claim{}
	for _, id := range []string{"mine", "broken", "old", "claimed"} {
		_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Hash: "a"}})
		must(t, err)
		if id == "mine" || id == "broken" {
			claims[id], err = j.Claim(t.Context(), id, "nonce")
			must(t, err)
		}
	}
	must(t, client.Del(t.Context(), "osp:{00}:j:broken").Err())
	must(t, client.Set(t.Context(), "osp:{00}:j:broken", "no list", 0).Err())
	c.gate = make(chan struct{})

	work := saga.Batch{Read: 1, Facts: []saga.Event{{Kind: saga.KindSignal, Name: "x"}}}
	stolen := claims["mine"].Lease
	stolen.Nonce = "another"
	cases := []struct {
		name string
		do   func() error
		want error
	}{
		{"append", func() error { return second(j.Append(t.Context(), claims["mine"].Lease, work)) }, nil},
		{"overtaken", func() error { return second(j.Append(t.Context(), stolen, work)) }, saga.ErrOvertaken},
		{"broken", func() error { return second(j.Append(t.Context(), claims["broken"].Lease, work)) }, errBroken},
		{"conflict", func() error {
			return second(j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "old", Hash: "b"}}))
		}, saga.ErrConflict},
		{"claim", func() error { return second(j.Claim(t.Context(), "claimed", "n")) }, nil},
		{"not there", func() error { return second(j.Claim(t.Context(), "nobody", "n")) }, saga.ErrNotFound},
	}
	for round := 0; ; round++ {
		var operations []func() error
		for i := range 30 {
			id := fmt.Sprint(round, "-", i)
			operations = append(operations, func() error {
				started, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id}})
				if err == nil && !started.New {
					err = errors.New("it is another's answer")
				}
				return err
			})
		}
		if round == 0 {
			for _, k := range cases {
				operations = append(operations, k.do)
			}
		}
		errs, scripts := together(t, c, operations)
		for i, err := range errs {
			name, want := "start", error(nil)
			if i >= 30 {
				name, want = cases[i-30].name, cases[i-30].want
			}
			if want == errBroken && redis.HasErrorPrefix(err, "WRONGTYPE") {
				continue
			}
			if !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		// Whether operations meet is chance; that they never do would be a fault.
		if scripts < int64(len(operations)) || round == 100 {
			if round == 100 {
				t.Errorf("%d scripts for %d operations", scripts, len(operations))
			}
			break
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
			for i := range 20 {
				all.Go(func() {
					if _, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: fmt.Sprint(i)}}); errors.Is(err, saga.ErrUnavailable) {
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
