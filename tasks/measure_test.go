//go:build long

package tasks_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

var finished = flag.Int("finished", 1_000_000, "how many tasks TestMeasureWhatIsLeft finishes")

// counted is a journal that counts who claims what.
type counted struct {
	*journal.Redis
	claims, busy *sync.Map // id to *atomic.Int64
}

func count(m *sync.Map, id string) {
	n, _ := m.LoadOrStore(id, &atomic.Int64{})
	n.(*atomic.Int64).Add(1)
}

func (c counted) Claim(ctx context.Context, id, nonce string) (saga.Claim, error) {
	claim, err := c.Redis.Claim(ctx, id, nonce)
	return c.note(id, claim, err)
}

func (c counted) Open(ctx context.Context, id, nonce string, o saga.Opening) (saga.Claim, error) {
	claim, err := c.Redis.Open(ctx, id, nonce, o)
	return c.note(id, claim, err)
}

func (c counted) note(id string, claim saga.Claim, err error) (saga.Claim, error) {
	if err == nil {
		count(c.claims, id)
	} else {
		count(c.busy, id)
	}
	return claim, err
}

func most(m *sync.Map) (sum, most int64) {
	m.Range(func(_, n any) bool {
		sum, most = sum+n.(*atomic.Int64).Load(), max(most, n.(*atomic.Int64).Load())
		return true
	})
	return sum, most
}

// pod is a worker with everything that a process has: a client, a journal, a sweeper.
func (r *rig) pod(claims, busy *sync.Map) (stop func()) {
	r.t.Helper()
	o := *r.client.Options()
	o.PoolSize = 4
	client := redis.NewClient(&o)
	ungroup := journal.GroupCommit(client)
	j := journal.New(client, journal.Options{})
	queue := tasks.NewQueue(client)
	runner := r.runner()
	runner.Journal = counted{j, claims, busy}
	w := tasks.NewWorker(client, runner, queue, tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 64, CheckInterval: 100 * time.Millisecond, ShutdownTimeout: 2 * time.Second,
		Log: slog.New(slog.DiscardHandler), Opening: r.dispatcher.Catalogue.Opening,
	})
	if err := w.Start(); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { tasks.NewSweeper(j, queue, slog.New(slog.DiscardHandler), time.Now).Run(ctx) })
	return func() {
		cancel()
		loops.Wait()
		w.Stop(context.Background())
		_ = j.Close()
		ungroup()
		_ = client.Close()
	}
}

// orphan leaves what is pending in asynq as a worker does that has died with it.
var orphan = redis.NewScript(`
	local ids = redis.call('LRANGE', 'asynq:{default}:pending', 0, -1)
	for _, id in ipairs(ids) do
		redis.call('HSET', 'asynq:{default}:t:' .. id, 'state', 'active')
		redis.call('ZADD', 'asynq:{default}:lease', ARGV[1], id)
		redis.call('LPUSH', 'asynq:{default}:active', id)
	end
	redis.call('DEL', 'asynq:{default}:pending')
	return #ids`)

// Fifty workers see the same 5,000 orphans. Each is to be taken over once.
func TestMeasureStampede(t *testing.T) {
	r := newRig(t)
	const orphans, pods = 5000, 50
	var did atomic.Int64
	r.on("only", func(context.Context) error { did.Add(1); return nil })
	dying := journal.New(r.client, journal.Options{LeaseTTL: 3 * time.Second})
	for i := range orphans {
		id := fmt.Sprint("t", i)
		r.start(saga.Request{ID: id, Type: "one"})
		if _, err := dying.Open(t.Context(), id, "dead", *r.dispatcher.Catalogue.Opening("one")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := orphan.Run(t.Context(), r.client, nil, time.Now().Add(30*time.Second).Unix()).Int(); err != nil || n != orphans {
		t.Fatalf("%d orphans: %v", n, err)
	}
	r.within(10*time.Second, "the last lease has ended", func() bool {
		return r.client.ZCount(t.Context(), "osp:{00}:open", fmt.Sprint("(", time.Now().UnixMicro()), "+inf").Val() == 0
	})
	before := r.commands()
	var claims, busy sync.Map
	begun := time.Now()
	for range pods {
		defer r.pod(&claims, &busy)()
	}
	r.within(5*time.Minute, "all have ended", func() bool { return r.client.ZCard(t.Context(), "osp:{00}:open").Val() == 0 })
	took, commands := time.Since(begun), r.commands()-before
	sum, most1 := most(&claims)
	kept, _ := most(&busy)
	t.Logf("%d workers took %d orphans over in %v: %d claims (at most %d for one task), %d turned away, %d calls, %d Redis commands (%d for each)",
		pods, orphans, took.Round(10*time.Millisecond), sum, most1, kept, did.Load(), commands, commands/orphans)
	if sum != orphans || did.Load() != orphans {
		t.Errorf("%d claims and %d calls for %d orphans", sum, did.Load(), orphans)
	}
}

func (r *rig) info(section, field string) (n int64) {
	r.t.Helper()
	said := r.client.InfoMap(r.t.Context(), section).Val()[section][field]
	if _, err := fmt.Sscan(said, &n); err != nil {
		r.t.Fatalf("INFO %s: %s is %q", section, field, said)
	}
	return n
}

// keepsNothing is a result store of which no row is wanted.
type keepsNothing struct{}

func (keepsNothing) Save(_ context.Context, rows []results.Row) ([]results.Saved, error) {
	saved := make([]results.Saved, len(rows))
	for i := range rows {
		saved[i] = results.Saved{ID: rows[i].Task.ID, Version: rows[i].Task.Version}
	}
	return saved, nil
}

// Many tasks end and expire. Redis is to be as it was before.
func TestMeasureWhatIsLeft(t *testing.T) {
	r := newRig(t)
	ungroup := journal.GroupCommit(r.client)
	defer ungroup()
	r.journal = journal.New(r.client, journal.Options{KeepFinished: time.Second, IdempotencyWindow: time.Second})
	flusher := results.NewFlusher(r.journal, keepsNothing{}, slog.New(slog.DiscardHandler), time.Now)
	r.dispatcher.Journal, r.dispatcher.Changed, r.dispatcher.Nudge = r.journal, flusher.Notify, func() {}
	ctx, cancel := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	sweeper := r.sweeper()
	loops.Go(func() { flusher.Run(ctx) })
	loops.Go(func() { sweeper.Run(ctx) })
	slots := make(chan struct{}, 128)
	silent := func(name string, err error) saga.Step {
		return saga.Step{
			Kind: saga.KindActivity, Name: name, Retry: saga.Retry{Attempts: 1},
			Do:   func(context.Context, saga.Call, json.RawMessage) (json.RawMessage, error) { return nil, err },
			Undo: func(context.Context, saga.Call, json.RawMessage, json.RawMessage) error { return nil },
		}
	}
	catalogue, err := tasks.NewCatalogue(
		tasks.Type{Name: "good", Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: "good", Version: 1, Root: saga.Sequence(silent("a", nil), silent("b", nil))}, nil
		}},
		tasks.Type{Name: "bad", Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: "bad", Version: 1, Root: saga.Sequence(silent("a", nil), silent("b", saga.Permanent(context.Canceled)))}, nil
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	r.dispatcher.Catalogue = catalogue
	runner := r.runner()
	runner.Changed, runner.Ended = flusher.Notify, func(saga.Created, saga.State) { <-slots }
	w := tasks.NewWorker(r.client, runner, r.queue, tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 128, CheckInterval: 5 * time.Millisecond, ShutdownTimeout: 5 * time.Second,
		Log: slog.New(slog.DiscardHandler), Opening: catalogue.Opening,
	})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	do := func(n int) {
		for i := range n {
			slots <- struct{}{}
			kind := "good"
			if i%4 == 3 {
				kind = "bad"
			}
			if _, _, err := r.dispatcher.Start(t.Context(), saga.Request{Type: kind, Input: json.RawMessage(`{"text":"some input"}`)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// expired waits until nothing but what stays is there, and Redis has given back what it can.
	expired := func() (keys, bytes int64) {
		steady, least := time.Now(), int64(1<<62)
		r.within(10*time.Minute, "all have expired", func() bool {
			there := int64(len(r.client.Keys(t.Context(), "*").Val()))
			keys = r.client.DBSize(t.Context()).Val()
			_ = r.client.Do(t.Context(), "MEMORY", "PURGE").Err()
			_ = r.client.Do(t.Context(), "SLOWLOG", "RESET").Err() // it keeps the arguments of commands that took long
			if bytes = r.info("Memory", "used_memory"); there != keys || there > 10 || bytes < least {
				steady, least = time.Now(), bytes
			}
			return time.Since(steady) > 5*time.Second
		})
		return keys, least
	}
	do(2000)
	keys, bytes := expired()
	begun := time.Now()
	do(*finished)
	took := time.Since(begun)
	keysAfter, bytesAfter := expired()
	cancel()
	loops.Wait()
	w.Stop(context.Background())
	t.Logf("%d tasks ended and expired, %.0f/s: keys %d before and %d after, used_memory %d and %d (%+.2f %%); left: %v", *finished,
		float64(*finished)/took.Seconds(), keys, keysAfter, bytes, bytesAfter, 100*float64(bytesAfter-bytes)/float64(bytes),
		r.client.Keys(t.Context(), "*").Val())
	if keysAfter > keys || float64(bytesAfter) > 1.05*float64(bytes) {
		t.Error("the aim is no key more, and at most 5 % of memory")
	}
}
