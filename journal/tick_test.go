package journal_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestAMarkOnlyRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		began := time.Now()
		after := func(d time.Duration) time.Time { return began.Add(d) }
		ticked := func(name string, known, activated, want time.Time) {
			t.Helper()
			mark, now, err := j.Ticked(t.Context(), saga.WorkflowKey{Service: "s", ID: name}, known, activated)
			if must(t, err); !mark.Equal(want) || !now.Equal(time.Now()) {
				t.Errorf("%s: %v at %v, want %v", name, mark.Sub(began), now.Sub(began), want.Sub(began))
			}
		}
		none, longAgo := time.Time{}, began.Add(-time.Hour)
		ticked("a", none, longAgo, began)
		ticked("new", none, after(-time.Minute+time.Microsecond), after(-time.Minute+time.Microsecond))
		ticked("not so new", none, after(-time.Minute), began)
		ticked("ahead of us", none, after(time.Second), began) // its clock is: else it would keep ticks back for ever
		time.Sleep(time.Hour)
		ticked("a", none, longAgo, began)
		ticked("a", after(time.Minute), longAgo, after(time.Minute))
		ticked("a", after(time.Second), longAgo, after(time.Minute))
		ticked("a", none, after(2*time.Minute), after(2*time.Minute)) // activated again
		ticked("a", none, longAgo, after(2*time.Minute))
		client.FlushAll(t.Context())
		ticked("a", after(2*time.Minute), longAgo, after(2*time.Minute)) // a process that knew it has not forgotten
		client.FlushAll(t.Context())
		ticked("a", none, longAgo, after(time.Hour))
		time.Sleep(399 * 24 * time.Hour)
		ticked("a", none, longAgo, after(time.Hour))
		time.Sleep(2 * 24 * time.Hour)
		ticked("a", none, longAgo, time.Now())
	})
}

func TestSchedulesOnTheShelf(t *testing.T) {
	client, _ := testenv.Bubble(t)
	j := journal.New(client, journal.Options{})
	if _, err := j.ShelvedSchedules(t.Context()); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("nothing was noted: %v", err)
	}
	want := saga.Triggered{WorkflowVersion: saga.WorkflowVersion{Service: "s", Workflow: "w"}, Owner: "ann", ActivatedAt: time.Unix(5, 0).UTC()}
	must(t, j.ShelveSchedules(t.Context(), []saga.Triggered{want}))
	list, err := j.ShelvedSchedules(t.Context())
	if must(t, err); len(list) != 1 || list[0].Key() != want.Key() || list[0].Owner != "ann" || !list[0].ActivatedAt.Equal(want.ActivatedAt) {
		t.Errorf("got %+v", list)
	}
}
