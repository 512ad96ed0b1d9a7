package journal_test

import (
	"testing"
	"testing/synctest"
	"time"

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
