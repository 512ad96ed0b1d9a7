package journal_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestMiniredis(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options, test func(*testing.T, storetest.Subject)) {
		synctest.Test(t, func(t *testing.T) {
			client, _ := testenv.Bubble(t)
			s := subject(t, client, journal.Options{}, o, time.Sleep)
			s.Clock = nil // nothing else moves it
			test(t, s)
		})
	})
}

func TestRedis(t *testing.T) {
	client := server(t)
	for name, base := range map[string]journal.Options{
		"one partition":      {},
		"several":            {Partitions: 5},
		"under another name": {Prefix: "other"},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, o storetest.Options, test func(*testing.T, storetest.Subject)) {
				must(t, client.FlushDB(t.Context()).Err())
				test(t, subject(t, client, base, o, func(d time.Duration) { age(t, client, d) }))
			})
		})
	}
}

// server is a client of a real redis-server.
func server(t testing.TB, args ...string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(testenv.Redis(t, args...))
	must(t, err)
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// subject makes what the suite wants to know of a journal.
func subject(
	t *testing.T, client redis.UniversalClient, base journal.Options, o storetest.Options, advance func(time.Duration),
) storetest.Subject {
	t.Helper()
	base.LeaseTTL, base.KeepFinished, base.IdempotencyWindow = o.LeaseTTL, o.KeepFinished, o.IdempotencyWindow
	j := journal.New(client, base)
	t.Cleanup(func() { _ = j.Close() })
	return storetest.Subject{
		Journal: j, Advance: advance, Clock: time.Now, Unordered: base.Partitions > 1,
		Lose: func() { must(t, client.FlushDB(context.Background()).Err()) },
		Truncate: func(id string, n int64) {
			for _, key := range scan(t, client, "*:j:"+id) {
				must(t, client.LTrim(context.Background(), key, 0, n-1).Err())
			}
		},
	}
}

// age lets d pass for a Redis whose clock nobody can turn: every moment that it holds is moved back instead. What is
// open for ever stays so, and versions, epochs and the moments of events are left alone.
func age(t testing.TB, client *redis.Client, d time.Duration) {
	t.Helper()
	must(t, client.Eval(context.Background(), `
		local us, ms = tonumber(ARGV[1]), tonumber(ARGV[2])
		for _, key in ipairs(redis.call('KEYS', '*')) do
			local kind = redis.call('TYPE', key).ok
			if kind == 'zset' then
				local all = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
				for i = 1, #all, 2 do
					if tonumber(all[i + 1]) < 9e15 then redis.call('ZINCRBY', key, -us, all[i]) end
				end
			elseif kind == 'hash' and string.find(key, ':m:', 1, true) then
				local lease = redis.call('HGET', key, 'l')
				if lease ~= '0' then redis.call('HINCRBY', key, 'l', -us) end
			end
			local ttl = redis.call('PTTL', key)
			if ttl >= 0 then redis.call('PEXPIRE', key, ttl - ms) end
		end
		return 0`, nil, d.Microseconds(), d.Milliseconds()).Err())
}

func scan(t testing.TB, client redis.UniversalClient, match string) []string {
	t.Helper()
	keys, err := client.Keys(context.Background(), match).Result()
	must(t, err)
	return keys
}

// clean is what a flusher says of rows that it wrote.
func clean(t testing.TB, j *journal.Redis, f ...saga.Flushed) {
	t.Helper()
	_, err := j.Clean(t.Context(), f)
	must(t, err)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
