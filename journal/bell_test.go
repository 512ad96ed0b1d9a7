package journal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestARingIsHeardOnItsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j, other := journal.New(client, journal.Options{}), journal.New(client, journal.Options{})
		defer func() { must(t, j.Close()) }()
		ctx, leave := context.WithCancel(t.Context())
		low, err := j.Listen(ctx, "low")
		must(t, err)
		high, err := j.Listen(t.Context(), "high")
		must(t, err)
		for range 3 {
			must(t, other.Ring(t.Context(), "low"))
		}
		synctest.Wait()
		if len(low) != 1 || len(high) != 0 { // a burst is told once
			t.Errorf("told %d times of low, %d of high", len(low), len(high))
		}
		<-low
		leave()
		synctest.Wait()
		must(t, other.Ring(t.Context(), "low"))
		synctest.Wait()
		if len(low) != 0 {
			t.Error("told after its context was done")
		}
	})
}

func TestTheBellSaysWhenRedisIsAway(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1}) // nobody is there
	defer func() { must(t, client.Close()) }()
	j := journal.New(client, journal.Options{})
	defer func() { must(t, j.Close()) }()
	if err := j.Ring(t.Context(), "low"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("ring: %v", err)
	}
	if _, err := j.Listen(t.Context(), "low"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("listen: %v", err)
	}
}
