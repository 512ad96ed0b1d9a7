package journal_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// pair is a journal on a master that has a replica.
func pair(t *testing.T, o journal.Options) (*testenv.SentinelServer, *redis.Client, *journal.Redis) {
	t.Helper()
	s := testenv.RedisSentinel(t)
	client := redis.NewClient(&redis.Options{Addr: s.Master.Addr})
	t.Cleanup(func() { _ = client.Close() })
	j := journal.New(client, o)
	t.Cleanup(func() { _ = j.Close() })
	return s, client, j
}

func startTask(t *testing.T, j *journal.Redis, id string) error {
	t.Helper()
	_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Type: "x", Queue: "default", Hash: id}})
	return err
}

// accepted starts a task that a replica is to have. On a busy machine it may not be there as soon as it is waited for.
func accepted(t *testing.T, j *journal.Redis, id string) {
	t.Helper()
	err := startTask(t, j, id)
	for errors.Is(err, saga.ErrUnavailable) && t.Context().Err() == nil {
		err = startTask(t, j, id)
	}
	must(t, err)
}

func claimTask(t *testing.T, j *journal.Redis, id string) saga.Lease {
	t.Helper()
	c, err := j.Claim(t.Context(), id, "n")
	must(t, err)
	return c.Lease
}

func started(path string, read int64) saga.Batch {
	return saga.Batch{Read: read, Confirm: true, Decisions: []saga.Event{{Kind: saga.KindStepStarted, Path: path, StepKind: saga.KindActivity}}}
}

// stuckStart has a start wait for a replica that hangs, alone, and tells when it has given up.
func stuckStart(t *testing.T, client *redis.Client, j *journal.Redis) (over <-chan struct{}) {
	t.Helper()
	for n := 0; t.Context().Err() == nil; n++ { // one that has given up before it was seen does not count
		done, id := make(chan struct{}), fmt.Sprint("first", n)
		go func() {
			defer close(done)
			_, _ = j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Type: "x", Queue: "default", Hash: id}})
		}()
		for !isClosed(done) {
			if client.InfoMap(t.Context(), "clients").Val()["Clients"]["blocked_clients"] == "1" {
				return done
			}
		}
	}
	t.Fatal("nobody waits")
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
