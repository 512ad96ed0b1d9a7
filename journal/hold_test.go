package journal_test

import (
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// overdue lists the tasks that the sweeper would have delivered.
func overdue(t *testing.T, j *journal.Redis) (ids string) {
	t.Helper()
	refs, _, err := j.Overdue(t.Context(), 10)
	must(t, err)
	for _, ref := range refs {
		ids += ref.ID + " "
	}
	return ids
}

func TestTheSweeperLeavesToTheirTurnThoseThatAreHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		var ids []string
		for i := range 2 {
			started, err := j.Start(t.Context(), saga.Start{Created: order(i)})
			must(t, err)
			held, err := j.Hold(t.Context(), started.Ref, "shop")
			if must(t, err); !held {
				t.Fatal("it is not held back")
			}
			ids = append(ids, started.Ref.ID)
		}
		time.Sleep(100 * time.Hour)
		if got := overdue(t, j); got != "" {
			t.Errorf("held back, and overdue: %s", got)
		}

		// One is woken, and parks for a day; its turn comes later and is none.
		claim, err := j.Claim(t.Context(), ids[1], "nonce")
		must(t, err)
		must(t, j.Release(t.Context(), claim.Lease, time.Now().Add(24*time.Hour), false))
		fed, err := j.Feed(t.Context(), "default", 10)
		if must(t, err); len(fed) != 2 {
			t.Errorf("fed %v", fed)
		}
		time.Sleep(3 * time.Second)
		if got := overdue(t, j); got != ids[0]+" " {
			t.Errorf("overdue: %q, want the one that nobody has enqueued: %s", got, ids[0])
		}
	})
}

func TestATaskThatStartsInAFullQueueIsHeldBackInTheSameCall(t *testing.T) {
	client := server(t)
	j, other := journal.New(client, journal.Options{}), journal.New(client, journal.Options{})
	start := func(j *journal.Redis, c saga.Created) saga.Started {
		started, err := j.Start(t.Context(), saga.Start{Created: c, Hold: "shop"})
		must(t, err)
		return started
	}
	c := order(1)
	c.Webhook = &saga.TaskWebhook{URL: "https://example.com"}
	if started := start(j, c); !started.New || !started.Held {
		t.Errorf("%+v, want it held back", started)
	}
	var rows [2][]saga.Snapshot
	for i, j := range []*journal.Redis{j, other} { // one remembers it, the other reads it
		var err error
		rows[i], err = j.Dirty(t.Context(), 10)
		must(t, err)
		must(t, client.ZAdd(t.Context(), "osp:{00}:dirty", redis.Z{Member: c.ID}).Err())
	}
	if len(rows[0]) != 1 || !reflect.DeepEqual(rows[0], rows[1]) {
		t.Errorf("remembered\n%+v\nread\n%+v", rows[0], rows[1])
	}

	// What was accepted before is not held back, nor what another has begun.
	for _, c := range []saga.Created{c, order(2)} {
		if c.ID != order(1).ID {
			_, err := j.Start(t.Context(), saga.Start{Created: c})
			must(t, err)
		}
		if started := start(j, c); started.New || started.Held {
			t.Errorf("again: %+v", started)
		}
	}
	conflict := order(2)
	conflict.Hash = "another"
	if _, err := j.Start(t.Context(), saga.Start{Created: conflict, Hold: "shop"}); !errors.Is(err, saga.ErrConflict) {
		t.Errorf("error %v", err)
	}
	fed, err := j.Feed(t.Context(), "default", 10)
	if must(t, err); len(fed) != 1 || fed[0].ID != c.ID {
		t.Errorf("fed %v", fed)
	}
}
