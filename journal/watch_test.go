package journal_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestWatchersShareOneConnection(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	for n := range 20 {
		for range 2 {
			_, err := j.Watch(t.Context(), "task-"+strconv.Itoa(n))
			must(t, err)
		}
	}
	list, err := client.Do(t.Context(), "CLIENT", "LIST", "TYPE", "pubsub").Text()
	must(t, err)
	if n := lines(list); n != 1 {
		t.Errorf("got %d connections that subscribe, want 1:\n%s", n, list)
	}
	if n := channels(t, client); n != 20 {
		t.Errorf("got %d channels, want 20", n)
	}
}

func lines(s string) (n int) {
	for _, c := range s {
		if c == '\n' {
			n++
		}
	}
	return n
}

func channels(t *testing.T, client *redis.Client) int {
	t.Helper()
	list, err := client.PubSubChannels(context.Background(), "*").Result()
	must(t, err)
	return len(list)
}

func TestTheLastWatcherUnsubscribes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		defer func() { must(t, j.Close()) }()
		first, leave := context.WithCancel(t.Context())
		c, err := j.Watch(first, "a")
		must(t, err)
		second, leaveToo := context.WithCancel(t.Context())
		_, err = j.Watch(second, "a")
		must(t, err)

		leave()
		synctest.Wait()
		if n := channels(t, client); n != 1 {
			t.Errorf("got %d channels while somebody watches, want 1", n)
		}
		_, err = j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}})
		must(t, err)
		synctest.Wait()
		if len(c) != 0 {
			t.Error("a watcher that left was told")
		}
		leaveToo()
		synctest.Wait()
		if n := channels(t, client); n != 0 {
			t.Errorf("got %d channels when nobody watches, want 0", n)
		}
	})
}

func TestASubscriptionIsNoSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		defer func() { must(t, j.Close()) }()
		c, err := j.Watch(t.Context(), "a")
		must(t, err)
		time.Sleep(time.Minute) // and neither are the connection's health checks
		if len(c) != 0 {
			t.Error("a watcher was told of nothing")
		}
	})
}

func TestWatchersAreToldAfterALostConnection(t *testing.T) {
	r := testenv.RedisProcess(t)
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { _ = client.Close() })
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	var watchers []<-chan struct{}
	for _, id := range []string{"a", "a", "b"} {
		c, err := j.Watch(t.Context(), id)
		must(t, err)
		watchers = append(watchers, c)
	}
	must(t, client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub").Err())
	for _, c := range watchers {
		told(t, c)
	}
	_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "b"}})
	must(t, err)
	told(t, watchers[2])
}

func told(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatal("the watcher was not told")
	}
}

func TestAClosedJournalWatchesNothing(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	_, err := j.Watch(t.Context(), "a")
	must(t, err)
	must(t, j.Close())
	must(t, j.Close())
	if _, err := j.Watch(t.Context(), "a"); err == nil {
		t.Error("it watches")
	}
	if _, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}}); err != nil {
		t.Errorf("got %v, want everything else to work", err)
	}
	must(t, journal.New(client, journal.Options{}).Close())
}

func TestWatchingWithoutRedisIsUnavailable(t *testing.T) {
	r := testenv.RedisProcess(t)
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { _ = client.Close() })
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	r.Kill()
	for range 2 {
		if _, err := j.Watch(t.Context(), "a"); !unavailable(err) {
			t.Errorf("got %v, want unavailable", err)
		}
	}
	r.Start()
	c, err := j.Watch(t.Context(), "a")
	must(t, err)
	_, err = j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}})
	must(t, err)
	told(t, c)
}

func TestAHangingRedisDoesNotHoldAWatcherForEver(t *testing.T) {
	r := testenv.RedisProcess(t)
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { _ = client.Close() })
	j := journal.New(client, journal.Options{})
	_, err := j.Watch(t.Context(), "a")
	must(t, err)
	r.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := j.Watch(ctx, "b"); err == nil {
		t.Error("it watches")
	}
	r.Resume()
	must(t, j.Close())
}

func TestWithoutAWatcherNobodyIsTold(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	published := func() bool {
		return strings.Contains(client.Info(t.Context(), "commandstats").Val(), "cmdstat_publish:")
	}
	must(t, client.ConfigResetStat(t.Context()).Err())
	_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "a"}})
	must(t, err)
	if published() {
		t.Error("an append was published though nobody watches")
	}
	ctx, leave := context.WithCancel(t.Context())
	_, err = j.Watch(ctx, "a")
	must(t, err)
	defer leave()
	_, err = j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "b"}})
	must(t, err)
	if !published() {
		t.Error("an append was not published though somebody watches")
	}
}

func TestWatchersAreToldWhenItWasForgottenThatTheyWatch(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, other *journal.Redis){
		"and nobody came": func(*testing.T, *journal.Redis) {},
		"and another process watches now": func(t *testing.T, other *journal.Redis) {
			t.Helper()
			_, err := other.Watch(t.Context(), "b")
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _ := testenv.Bubble(t)
				j, other := journal.New(client, journal.Options{}), journal.New(client, journal.Options{})
				defer func() { must(t, errors.Join(j.Close(), other.Close())) }()
				c, err := j.Watch(t.Context(), "a")
				must(t, err)
				must(t, client.Del(t.Context(), "osp:{00}:watched").Err())
				meanwhile(t, other)
				time.Sleep(6 * time.Second)
				synctest.Wait()
				if len(c) != 1 {
					t.Error("the watcher was not told that it may have missed something")
				}
				if n := client.Exists(t.Context(), "osp:{00}:watched").Val(); n != 1 {
					t.Error("the partition does not count as watched")
				}
			})
		})
	}
}

func TestOneMoreWatcherIsNotSaidOnceMore(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	must(t, client.ConfigResetStat(t.Context()).Err())
	for i := range 20 {
		_, err := j.Watch(t.Context(), strconv.Itoa(i))
		must(t, err)
	}
	said := client.InfoMap(t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_pexpire"]
	calls, _, _ := strings.Cut(strings.TrimPrefix(said, "calls="), ",")
	if n, err := strconv.Atoi(calls); err != nil || n > 5 {
		t.Errorf("of 20 watchers it is said %q times", calls)
	}
}

func TestWhenTheLastWatcherHasLeftTheNextOneSaysItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		defer func() { must(t, j.Close()) }()
		for range 3 {
			ctx, leave := context.WithCancel(t.Context())
			for _, id := range []string{"a", "b"} {
				_, err := j.Watch(ctx, id)
				must(t, err)
			}
			if n := client.Exists(t.Context(), "osp:{00}:watched").Val(); n != 1 {
				t.Error("the partition does not count as watched")
			}
			leave()
			synctest.Wait()
			time.Sleep(time.Minute) // the key is over
			must(t, client.Del(t.Context(), "osp:{00}:watched").Err())
		}
	})
}
