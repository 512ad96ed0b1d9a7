package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// end carries a task to an end.
func end(t *testing.T, j *journal.Redis, id string, kind saga.EventKind) {
	t.Helper()
	claim, err := j.Claim(t.Context(), id, "n")
	must(t, err)
	last := claim.Events[len(claim.Events)-1]
	_, err = j.Append(t.Context(), claim.Lease, saga.Batch{
		Read: last.Seq, ReadAt: saga.MicrosOf(last.At), Decisions: []saga.Event{{Kind: kind}}, Then: saga.Finish,
	})
	must(t, err)
}

func TestEachMinuteIsCounted(t *testing.T) {
	for _, partitions := range []int{1, 4} {
		client := server(t)
		j := journal.New(client, journal.Options{Partitions: partitions})
		for i, kind := range []saga.EventKind{
			saga.KindCompleted, saga.KindCompleted, saga.KindCompleted, saga.KindFailed, saga.KindFailed, saga.KindCancelled, "",
		} {
			id := fmt.Sprint("t", i)
			for range 2 { // the same request again begins nothing
				_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: id, Type: "order", Queue: "default", Hash: id}})
				must(t, err)
			}
			if kind != "" {
				end(t, j, id, kind)
			}
		}
		minutes, err := j.Minutes(t.Context())
		must(t, err)
		var sum saga.Minute
		for i, m := range minutes {
			if i > 0 && m.At.Sub(minutes[i-1].At) != time.Minute || m.At.Second() != 0 {
				t.Errorf("minute %d is %v", i, m.At)
			}
			sum.Started, sum.Completed = sum.Started+m.Started, sum.Completed+m.Completed
			sum.Failed, sum.Cancelled = sum.Failed+m.Failed, sum.Cancelled+m.Cancelled
		}
		if len(minutes) != 60 || sum != (saga.Minute{Started: 7, Completed: 3, Failed: 2, Cancelled: 1}) {
			t.Errorf("%d minutes, in all %+v", len(minutes), sum)
		}
		if last := minutes[59]; time.Since(last.At) > 2*time.Minute {
			t.Errorf("the last minute is %v", last.At)
		}
	}
}

func TestOldMinutesAreForgotten(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	minute := func() int64 { return time.Now().Unix() / 60 }
	for now := int64(0); now != minute(); { // else another minute has begun meanwhile
		must(t, client.FlushDB(t.Context()).Err())
		now = minute()
		for i := range int64(500) {
			must(t, client.HSet(t.Context(), "osp:{00}:minutes", fmt.Sprint(now-1000+i, "co"), 1).Err())
		}
		must(t, client.HSet(t.Context(), "osp:{00}:minutes", fmt.Sprint(now-59, "fa"), 7).Err())
		_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "t", Type: "order", Queue: "default", Hash: "t"}})
		must(t, err)
	}
	if n := client.HLen(t.Context(), "osp:{00}:minutes").Val(); n != 2 {
		t.Errorf("%d fields are kept, want 2", n)
	}
	if ttl := client.TTL(t.Context(), "osp:{00}:minutes").Val(); ttl <= time.Hour || ttl > 2*time.Hour {
		t.Errorf("kept for %v", ttl)
	}
}
