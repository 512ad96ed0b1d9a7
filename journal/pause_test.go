package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

var (
	orders = saga.PauseKey{Kind: saga.PauseType, Name: "order"}
	shop   = saga.PauseKey{Kind: saga.PauseService, Name: "shop_1"}
)

func TestAPauseIsKeptSinceItsBeginning(t *testing.T) {
	j := journal.New(server(t), journal.Options{})
	list := func() []saga.Pause {
		list, err := j.Pauses(t.Context())
		must(t, err)
		return list
	}
	if got := list(); len(got) != 0 {
		t.Errorf("paused at first: %v", got)
	}
	first, err := j.Pause(t.Context(), saga.Pause{PauseKey: orders, By: "ann", Reason: "the till is down"})
	must(t, err)
	if age := time.Since(first.Since); age < -time.Minute || age > time.Minute {
		t.Errorf("since %v", first.Since)
	}
	other, err := j.Pause(t.Context(), saga.Pause{PauseKey: shop, By: "bob", Reason: "moves"})
	must(t, err)
	again, err := j.Pause(t.Context(), saga.Pause{PauseKey: orders, By: "bob", Reason: "still"})
	must(t, err)
	if !again.Since.Equal(first.Since) || again.By != "bob" {
		t.Errorf("again: %+v, first: %+v", again, first)
	}
	if got := list(); !slices.Equal(got, []saga.Pause{other, again}) {
		t.Errorf("got %+v", got)
	}
	for range 2 {
		must(t, j.Resume(t.Context(), orders))
	}
	if got := list(); !slices.Equal(got, []saga.Pause{other}) {
		t.Errorf("after its end: %+v", got)
	}
}

func TestThoseThatWaitForTheEndOfAPauseAreMarked(t *testing.T) {
	for _, partitions := range []int{1, 3} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			client := server(t)
			j := journal.New(client, journal.Options{Partitions: partitions})
			ids := map[string]bool{}
			for i := range 20 {
				id := fmt.Sprint("t", i)
				ids[id] = true
				_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Type: "order", Queue: "default", Hash: id}})
				must(t, err)
				for range 2 {
					must(t, j.Park(t.Context(), id, orders))
				}
			}
			must(t, j.Park(t.Context(), "gone", orders))
			end(t, j, "t5", saga.KindCompleted)
			delete(ids, "t5")
			must(t, j.Park(t.Context(), "t0", shop))
			waiting := func() int {
				keys, err := j.Parked(t.Context())
				must(t, err)
				return len(keys)
			}
			if waiting() != 2 {
				t.Errorf("waited for: %d pauses, want 2", waiting())
			}
			woken := map[string]bool{}
			for more := true; more; {
				var marked int
				var err error
				marked, more, err = j.Unpark(t.Context(), orders, 4)
				must(t, err)
				if marked > 4*partitions {
					t.Errorf("%d at once", marked)
				}
				age(t, client, time.Second)
				refs, err := j.Woken(t.Context(), 100)
				must(t, err)
				for _, ref := range refs {
					woken[ref.ID] = true
				}
			}
			if len(woken) != len(ids) || woken["gone"] || woken["t5"] {
				t.Errorf("woken: %v", woken)
			}
			if waiting() != 1 {
				t.Errorf("waited for: %d pauses, want the other", waiting())
			}
		})
	}
}

// A long line goes on as fast as workers take it, not at once.
func TestNoMoreAreMarkedThanWorkersTake(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	for i := range 1010 {
		id := fmt.Sprint("t", i)
		_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Type: "order", Queue: "default", Hash: id}})
		must(t, err)
		must(t, j.Park(t.Context(), id, orders))
	}
	total := 0
	for range 5 {
		marked, more, err := j.Unpark(t.Context(), orders, 500)
		must(t, err)
		if total += marked; !more {
			t.Fatal("all of them are marked")
		}
	}
	if total != 1000 {
		t.Errorf("%d are marked, want 1000", total)
	}
	must(t, client.Del(t.Context(), "osp:{00}:wake").Err()) // as if they had been claimed
	if marked, more, err := j.Unpark(t.Context(), orders, 500); err != nil || marked != 10 || more {
		t.Errorf("the rest: %d, %t, %v", marked, more, err)
	}
}
