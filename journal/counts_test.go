package journal_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestWhatAJournalHasIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{Partitions: 3})
		counted := func(want journal.Counts) {
			t.Helper()
			got, err := j.Counts(t.Context(), "default", "low")
			must(t, err)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}
		counted(journal.Counts{InLine: map[string]int{}, Held: map[string]time.Time{}})
		began := time.Now().UTC().Truncate(time.Microsecond)
		var refs []saga.Ref
		for i := range 4 {
			started, err := j.Start(t.Context(), saga.Start{Created: order(i)})
			must(t, err)
			refs = append(refs, started.Ref)
			time.Sleep(time.Minute)
		}
		for _, ref := range refs[1:3] {
			_, err := j.Hold(t.Context(), ref, "shop")
			must(t, err)
		}
		one := saga.Limit{Name: "order/shop", Concurrency: 1}
		for _, ref := range refs {
			_, err := j.Enter(t.Context(), one, ref.ID, true)
			must(t, err)
		}
		want := journal.Counts{
			Open: 4, Unwritten: 4, Oldest: began, InLine: map[string]int{"order/shop": 3},
			Held: map[string]time.Time{"default": began.Add(time.Minute)},
		}
		counted(want)

		// Rows that were tried to be written in vain are no younger for it.
		list, err := j.Dirty(t.Context(), 10)
		must(t, err)
		counted(want)
		for _, s := range list {
			if s.Ref.ID == refs[0].ID {
				_, err := j.Bury(t.Context(), s.Ref.ID, s.Version, "no")
				must(t, err)
			}
		}
		_, err = j.Leave(t.Context(), one, refs[0].ID) // another is given room, and has not come yet
		must(t, err)
		want.Unwritten, want.Dead, want.Oldest = 3, 1, began.Add(time.Minute)
		counted(want)
	})
}
