package journal_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func unavailable(err error) bool { return errors.Is(err, saga.ErrUnavailable) }

func TestEveryKeyOfATaskCarriesItsPartition(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{Prefix: "shop", Partitions: 3})
	tags := map[string]bool{}
	for n := range 50 {
		waitingOrder(t, j, n)
	}
	for _, key := range scan(t, client, "*") {
		tag, rest, ok := strings.Cut(strings.TrimPrefix(key, "shop:{"), "}:")
		if !ok || rest == "" {
			t.Errorf("key %s", key)
		}
		tags[tag] = true
	}
	if len(tags) != 3 || !tags["00"] || !tags["01"] || !tags["02"] {
		t.Errorf("got the tags %v, want 00, 01 and 02", tags)
	}
}

func TestIndexEntriesWithoutATaskAreForgotten(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	for _, index := range []string{"open", "wake", "dirty"} {
		must(t, client.ZAdd(t.Context(), "osp:{00}:"+index, redis.Z{Score: 1, Member: "gone"}).Err())
	}
	woken, err := j.Woken(t.Context(), 10)
	must(t, err)
	overdue, _, err := j.Overdue(t.Context(), 10)
	must(t, err)
	dirty, err := j.Dirty(t.Context(), 10)
	must(t, err)
	if len(woken)+len(overdue)+len(dirty) != 0 {
		t.Errorf("got %v, %v and %v, want nothing", woken, overdue, dirty)
	}
	if keys := scan(t, client, "*"); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
	must(t, client.ZAdd(t.Context(), "osp:{00}:dirty", redis.Z{Score: 1, Member: "gone"}).Err())
	clean(t, j, saga.Flushed{ID: "gone", Version: 1, Stored: 1})
	if keys := scan(t, client, "*"); len(keys) != 0 {
		t.Errorf("left: %v", keys)
	}
}

func TestAClockThatWentBackLowersNothing(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	const ahead = int64(4e15) // what a server whose clock was ahead has left behind
	must(t, client.HSet(t.Context(), "osp:{00}:m:"+id, "e", ahead, "v", ahead).Err())
	c, err := j.Claim(t.Context(), id, "nonce")
	must(t, err)
	_, err = j.Append(t.Context(), c.Lease, saga.Batch{Read: 8, Decisions: []saga.Event{begin("x", c.Now)}})
	must(t, err)
	s, err := j.Read(t.Context(), id)
	must(t, err)
	if c.Lease.Epoch != ahead+1 || s.Ref.Epoch != ahead+1 || s.Version != ahead+1 {
		t.Errorf("got epoch %d and %d, version %d, want %d", c.Lease.Epoch, s.Ref.Epoch, s.Version, ahead+1)
	}
}

func TestNothingOfAFinishedFamilyIsKeptForEver(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	for n := range 2 {
		c := order(n)
		if n == 0 {
			c.Parent, c.ParentPath = order(1).ID, "ship"
		}
		_, err := j.Start(t.Context(), saga.Start{Created: c})
		must(t, err)
		claim, err := j.Claim(t.Context(), c.ID, "nonce")
		must(t, err)
		_, err = j.Append(t.Context(), claim.Lease, saga.Batch{
			Read: 1, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish,
		})
		must(t, err)
		s, err := j.Read(t.Context(), c.ID)
		must(t, err)
		f := saga.Flushed{ID: c.ID, Version: s.Version, Stored: s.Version}
		if n == 1 {
			f.Children = []string{order(0).ID, "unknown"}
		}
		clean(t, j, f)
	}
	for _, key := range scan(t, client, "*") {
		if ttl := client.PTTL(t.Context(), key).Val(); ttl < 0 && key != "osp:{00}:outbox" {
			t.Errorf("%s is kept for ever", key)
		}
	}
}

func TestALongKeyKeepsTheMetaHashDense(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	for _, key := range []string{strings.Repeat("k", 40), strings.Repeat("k", 400)} {
		_, err := j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindSignal}, Dedupe: key})
		must(t, err)
	}
	if e := client.ObjectEncoding(t.Context(), "osp:{00}:m:"+id).Val(); e != "listpack" {
		t.Errorf("got %s, want listpack", e)
	}
}

func TestHalfATaskIsNotFound(t *testing.T) {
	for _, half := range []string{"j", "m"} {
		client := server(t)
		j := journal.New(client, journal.Options{})
		id := waitingOrder(t, j, 1)
		must(t, client.Del(t.Context(), "osp:{00}:"+half+":"+id).Err())
		for what, err := range map[string]error{
			"claim": second(j.Claim(t.Context(), id, "nonce")),
			"read":  second(j.Read(t.Context(), id)),
			"post":  second(j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindCancel}})),
		} {
			if !errors.Is(err, saga.ErrNotFound) {
				t.Errorf("%s without %s: got %v, want not found", what, half, err)
			}
		}
		if l, err := client.HGet(t.Context(), "osp:{00}:m:"+id, "l").Result(); err == nil && l != "0" {
			t.Errorf("a lease until %s was taken", l)
		}
		if half == "j" {
			continue
		}
		_, err := j.Start(t.Context(), saga.Start{Created: order(1)})
		must(t, err)
		if n := client.LLen(t.Context(), "osp:{00}:j:"+id).Val(); n != 1 {
			t.Errorf("the new task has %d events", n)
		}
	}
}

func TestAReopenedTaskHasNoTombstone(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	c, err := j.Claim(t.Context(), id, "nonce")
	must(t, err)
	_, err = j.Append(t.Context(), c.Lease, saga.Batch{Read: 8, Decisions: []saga.Event{{Kind: saga.KindCompleted}}, Then: saga.Finish})
	must(t, err)
	s, err := j.Read(t.Context(), id)
	must(t, err)
	clean(t, j, saga.Flushed{ID: id, Version: s.Version, Stored: s.Version})
	_, err = j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindUndoRequested}, Reopen: true})
	must(t, err)
	for key, want := range map[string]time.Duration{"j": -1, "m": -1, "t": -2} {
		if ttl := client.PTTL(t.Context(), "osp:{00}:"+key+":"+id).Val(); ttl != want {
			t.Errorf("%s: got %d, want %d (-1 is for ever, -2 is gone)", key, ttl, want)
		}
	}
}

func TestAFlusherGetsNoMoreThanItCanHold(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	for n := range 60 {
		c := order(n)
		c.Input = json.RawMessage(`"` + strings.Repeat("x", 300_000) + `"`)
		_, err := j.Start(t.Context(), saga.Start{Created: c})
		must(t, err)
	}
	seen := map[string]bool{}
	for calls := 0; len(seen) < 60; calls++ {
		list, err := j.Dirty(t.Context(), 60)
		must(t, err)
		if len(list) == 0 || len(list) > 40 {
			t.Fatalf("got %d tasks in call %d", len(list), calls)
		}
		for _, s := range list {
			if seen[s.Ref.ID] {
				t.Fatalf("task %s came twice", s.Ref.ID)
			}
			seen[s.Ref.ID] = true
		}
	}
}

// A large outbox does not come as a whole, and one that cannot be delivered is not in the way of the others.
func TestALargeOutboxComesRound(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	const children = 1000
	for n := range children {
		key := "child-" + strconv.Itoa(n)
		must(t, client.HSet(t.Context(), "osp:{00}:outbox", key, "2 parent "+strings.Repeat("x", 80)).Err())
	}
	seen := map[string]bool{}
	for range 2000 {
		list, err := j.Outbox(t.Context(), 10)
		must(t, err)
		for _, d := range list {
			seen[d.Child] = true
		}
	}
	if len(seen) != children {
		t.Errorf("saw %d of %d entries", len(seen), children)
	}
}

func TestAnOutboxIsReadFromItsTopWhenNothingIsLeftBelow(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	const outbox = "osp:{00}:outbox"
	fill := func() {
		for n := range 1000 {
			must(t, client.HSet(t.Context(), outbox, "child-"+strconv.Itoa(n), "2 parent "+strings.Repeat("x", 80)).Err())
		}
	}
	fill()
	first, err := j.Outbox(t.Context(), 10)
	must(t, err)
	rest, err := client.HGetAll(t.Context(), outbox).Result()
	must(t, err)
	delete(rest, first[0].Child)
	for child := range rest {
		must(t, client.HDel(t.Context(), outbox, child).Err())
	}
	again, err := j.Outbox(t.Context(), 10)
	must(t, err)
	if len(again) != 1 || again[0] != first[0] {
		t.Errorf("got %v, want %v", again, first[0])
	}

	fill()
	_, err = j.Outbox(t.Context(), 10)
	must(t, err)
	must(t, client.Del(t.Context(), outbox).Err())
	none, err := j.Outbox(t.Context(), 10)
	must(t, err)
	if len(none) != 0 {
		t.Errorf("got %v, want nothing", none)
	}
}

func TestSmallSettings(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{
		LeaseTTL: time.Minute, KeepFinished: time.Minute, IdempotencyWindow: time.Hour,
	})
	c, err := j.Claim(t.Context(), waitingOrder(t, j, 1), "nonce")
	must(t, err)
	if c.For != time.Minute {
		t.Errorf("the lease lasts %v", c.For)
	}
	_, err = j.Claim(t.Context(), c.Lease.ID, "another")
	busy, ok := errors.AsType[*saga.BusyError](err)
	if !ok || busy.For > time.Minute {
		t.Errorf("got %v, want busy for at most a minute", err)
	}
	a, err := j.Append(t.Context(), c.Lease, saga.Batch{Read: 8, Decisions: []saga.Event{{Kind: saga.KindFailed}}, Then: saga.Finish})
	must(t, err)
	s, err := j.Read(t.Context(), c.Lease.ID)
	must(t, err)
	if !s.Finished || a.Facts != 9 {
		t.Errorf("got %+v", s.Ref)
	}
	clean(t, j, saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version})
	for key, want := range map[string]time.Duration{"j": time.Minute, "m": time.Minute, "t": time.Hour + time.Minute} {
		ttl := client.PTTL(t.Context(), "osp:{00}:"+key+":"+s.Ref.ID).Val()
		if ttl > want || ttl < want-time.Minute/2 {
			t.Errorf("%s expires in %v, want %v", key, ttl, want)
		}
	}
}

func TestAClaimOfAJournalOfANewerReleaseCanBeGivenBack(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	must(t, client.RPush(t.Context(), scan(t, client, "*:j:"+id)[0], "2:4:5:{}").Err())
	claim, err := j.Claim(t.Context(), id, "old")
	if !errors.Is(err, saga.ErrUnknownEvent) {
		t.Fatalf("claim: %v", err)
	}
	must(t, j.Release(t.Context(), claim.Lease, claim.Now.Add(time.Minute), false))
	var busy *saga.BusyError
	if _, err := j.Claim(t.Context(), id, "new"); errors.As(err, &busy) {
		t.Errorf("its lease was not given back: %v", err)
	}
}
