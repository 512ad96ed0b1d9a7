package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// cluster is a client of a real cluster, and one of each of its masters.
func cluster(t *testing.T) (*redis.ClusterClient, []*redis.Client) {
	t.Helper()
	addrs := testenv.RedisCluster(t)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
	t.Cleanup(func() { _ = client.Close() })
	masters := make([]*redis.Client, len(addrs))
	for i, addr := range addrs {
		masters[i] = redis.NewClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { _ = masters[i].Close() })
	}
	return client, masters
}

// A cluster refuses scripts whose keys are in several slots, and those that touch keys they did not name.
func TestCluster(t *testing.T) {
	client, masters := cluster(t)
	storetest.Run(t, func(t *testing.T, o storetest.Options, test func(*testing.T, storetest.Subject)) {
		for _, m := range masters {
			must(t, m.FlushDB(t.Context()).Err())
		}
		s := subject(t, client, journal.Options{Partitions: 16}, o, func(d time.Duration) {
			for _, m := range masters {
				age(t, m, d)
			}
		})
		s.Lose = func() {
			for _, m := range masters {
				must(t, m.FlushDB(context.Background()).Err())
			}
		}
		s.Truncate = func(id string, n int64) {
			for _, m := range masters {
				for _, key := range scan(t, m, "*:j:"+id) {
					must(t, client.LTrim(context.Background(), key, 0, n-1).Err())
				}
			}
		}
		test(t, s)
	})
}

// However many partitions a master has, its replicas are waited for on one connection: the others are for renewals.
func TestOneConnectionToAMasterWaits(t *testing.T) {
	client, masters := cluster(t)
	j := journal.New(client, journal.Options{Partitions: 16, Replicated: true})
	t.Cleanup(func() { _ = j.Close() })
	var starts sync.WaitGroup
	for i := range 64 {
		starts.Go(func() {
			if err := startTask(t, j, fmt.Sprint("t", i)); !errors.Is(err, saga.ErrUnavailable) {
				t.Errorf("a start that no replica has: %v", err)
			}
		})
	}
	over := make(chan struct{})
	go func() { starts.Wait(); close(over) }()
	most := map[string]int{}
	for waiting := true; waiting; {
		select {
		case <-over:
			waiting = false
		default:
		}
		for i, m := range masters {
			name := fmt.Sprintf("master %d", i)
			n, _ := strconv.Atoi(m.InfoMap(t.Context(), "clients").Val()["Clients"]["blocked_clients"])
			most[name] = max(most[name], n)
		}
	}
	for name, n := range most {
		if n != 1 {
			t.Errorf("%s: at most %d connections waited, want 1", name, n)
		}
	}
}

func TestPartitionsSpreadOverTheMastersOfACluster(t *testing.T) {
	client, masters := cluster(t)
	j := journal.New(client, journal.Options{Partitions: 16})
	for n := range 100 {
		waitingOrder(t, j, n)
	}
	var counts []int
	for _, m := range masters {
		counts = append(counts, len(scan(t, m, "osp:*:j:*")))
	}
	if slices.Min(counts) < 5 {
		t.Errorf("the masters have %v journals of 100, want some on each", counts)
	}
}
