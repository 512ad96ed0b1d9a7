package journal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

func TestABatchIsConfirmedByAReplicaThatIsThere(t *testing.T) {
	s, _, j := pair(t, journal.Options{})
	must(t, startTask(t, j, "t"))
	lease := claimTask(t, j, "t")

	s.Replica.Pause()
	a, err := j.Append(t.Context(), lease, started("a", 1))
	must(t, err)
	if !a.Unconfirmed || !a.Decided {
		t.Errorf("a replica hangs: %+v", a)
	}
	again, err := j.Append(t.Context(), lease, started("a", 1))
	must(t, err)
	if !again.Unconfirmed {
		t.Error("sent again, it is confirmed, although it wrote nothing")
	}
	s.Replica.Resume()
	for again.Unconfirmed && t.Context().Err() == nil { // until it has caught up
		again, err = j.Append(t.Context(), lease, started("a", 1))
		must(t, err)
	}
	if again.Facts != a.Facts {
		t.Errorf("the replica has caught up: %+v", again)
	}
	opened, err := j.Open(t.Context(), "t", "m", saga.Opening{Confirm: true})
	if busy := (*saga.BusyError)(nil); !errors.As(err, &busy) {
		t.Errorf("open: %+v, %v", opened, err)
	}
}

// Without a replica that keeps up, nothing waits for one, unless that is required.
func TestAReplicaThatIsGoneIsNotWaitedFor(t *testing.T) {
	s, _, j := pair(t, journal.Options{})
	must(t, startTask(t, j, "t"))
	lease := claimTask(t, j, "t")
	must(t, j.SeeReplicas(t.Context()))
	s.Replica.Kill()
	a, err := j.Append(t.Context(), lease, started("a", 1))
	must(t, err)
	if a.Unconfirmed {
		t.Error("a replica is missed that is not there")
	}
}

// Where the host does not let us wait, the word of a replica cannot be had. Steps go on, unless it is required.
func TestARefusedWait(t *testing.T) {
	_, client, j := pair(t, journal.Options{})
	must(t, client.Do(t.Context(), "acl", "setuser", "default", "-wait").Err())
	for _, c := range []struct {
		id   string
		j    *journal.Redis
		want bool
	}{{"any", j, false}, {"required", journal.New(client, journal.Options{Replicated: true}), true}} {
		_, _ = c.j.Start(t.Context(), saga.Start{Created: saga.Created{ID: c.id, Type: "x", Queue: "default", Hash: c.id}})
		a, err := c.j.Append(t.Context(), claimTask(t, c.j, c.id), started("a", 1))
		must(t, err)
		if a.Unconfirmed != c.want {
			t.Errorf("%s: %+v", c.id, a)
		}
	}
}

func TestWhoHasGivenUpIsNotAccepted(t *testing.T) {
	s, client, j := pair(t, journal.Options{Replicated: true})
	s.Replica.Pause()
	impatient := ""
	for n := 0; ; n++ {
		over := stuckStart(t, client, j)
		impatient = fmt.Sprint("impatient", n)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := j.Start(ctx, saga.Start{Created: saga.Created{ID: impatient, Type: "x", Queue: "default"}})
		cancel()
		if !errors.Is(err, saga.ErrUnavailable) {
			t.Errorf("it gave up: %v", err)
		}
		if !isClosed(over) { // else it may have had nobody to wait for
			<-over
			break
		}
	}
	if err := startTask(t, j, "next"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("the next one: %v", err)
	}
	if n := client.Exists(t.Context(), "osp:{00}:j:"+impatient, "osp:{00}:j:next").Val(); n != 1 {
		t.Errorf("%d of those are there: the one that waited is to be", n)
	}
}

// Clients wait in a line of some length, and behind runners, who have leases to lose.
func TestRunnersGoBeforeClients(t *testing.T) {
	s, client, j := pair(t, journal.Options{Replicated: true})
	accepted(t, j, "t")
	lease := claimTask(t, j, "t")
	s.Replica.Pause()
	over := stuckStart(t, client, j)
	ctx, cancel := context.WithCancel(t.Context())
	const n = 600
	errs := make(chan error, n)
	for i := range n {
		id := fmt.Sprint("c", i)
		go func() {
			_, err := j.Start(ctx, saga.Start{Created: saga.Created{ID: id, Type: "x", Queue: "default", Hash: id}})
			errs <- err
		}()
	}
	answered := 1
	for err := <-errs; !strings.Contains(err.Error(), "too many"); err = <-errs { // the line is full
		if answered++; !errors.Is(err, saga.ErrUnavailable) {
			t.Error(err)
		}
	}
	a, err := j.Append(t.Context(), lease, started("a", 1))
	must(t, err)
	written := 0
	for i := range n {
		written += int(client.Exists(t.Context(), fmt.Sprint("osp:{00}:j:c", i)).Val())
	}
	if !a.Unconfirmed || written > 300 {
		t.Errorf("%d clients went before a runner: %+v", written, a)
	}
	cancel()
	s.Replica.Resume()
	<-over
	for range n - answered {
		if err := <-errs; err != nil && !errors.Is(err, saga.ErrUnavailable) && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestARequiredReplica(t *testing.T) {
	s, client, j := pair(t, journal.Options{Replicated: true})
	accepted(t, j, "t")
	lease := claimTask(t, j, "t")
	a := saga.Appended{Unconfirmed: true}
	for a.Unconfirmed && t.Context().Err() == nil { // until the replica that is there has it
		var err error
		a, err = j.Append(t.Context(), lease, started("a", 1))
		must(t, err)
	}
	s.Replica.Kill()
	if err := startTask(t, j, "u"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("a start without a replica: %v", err)
	}
	if n := client.Exists(t.Context(), "osp:{00}:j:u").Val(); n != 1 {
		t.Error("what could not be confirmed is taken all the same")
	}
	signal := saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}, Dedupe: "go"}
	if _, err := j.Post(t.Context(), "t", signal); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("a signal without a replica: %v", err)
	}
	if a, err := j.Append(t.Context(), lease, started("b", 3)); err != nil || !a.Unconfirmed && a.Decided {
		t.Errorf("a step without a replica: %+v, %v", a, err)
	}
	child := saga.Created{ID: "kid", Type: "x", Queue: "default", Hash: "kid", Parent: "t", ParentPath: "a"}
	if _, err := j.Start(t.Context(), saga.Start{Created: child}); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("a child's start without a replica: %v", err)
	}

	s.Replica.Start()
	var posted saga.Posted
	for err := errors.New("not yet"); err != nil; posted, err = j.Post(t.Context(), "t", signal) {
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	if !posted.Duplicate {
		t.Errorf("the signal that was not confirmed came twice: %+v", posted)
	}
	accepted(t, j, "u")
}

// Many at once share pipelines, each with one WAIT; and a server that does not know the scripts is taught them.
func TestConfirmationsTravelTogether(t *testing.T) {
	_, client, j := pair(t, journal.Options{Replicated: true})
	const n = 300
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { accepted(t, j, fmt.Sprint("t", i)) })
	}
	all.Wait()
	waits := client.InfoMap(t.Context(), "commandstats").Val()["Commandstats"]["cmdstat_wait"]
	var calls int
	if _, err := fmt.Sscanf(waits, "calls=%d", &calls); err != nil || calls < 3 || calls > n/2 {
		t.Errorf("%d starts took %d WAITs (%s)", n, calls, waits)
	}
	if kept := client.PTTL(t.Context(), "osp:{00}:sync").Val(); kept <= 0 && client.Exists(t.Context(), "osp:{00}:sync").Val() > 0 {
		t.Errorf("osp:{00}:sync stays for %v", kept)
	}
}

func TestReplicasThatKeepUp(t *testing.T) {
	for _, c := range []struct {
		info string
		want int
	}{
		{"", 0},
		{"role:master\r\nconnected_slaves:0\r\n", 0},
		{"connected_slaves:1\r\nslave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=1\r\n", 1},
		{"connected_slaves:1\r\nslave0:ip=10.0.0.1,port=6379,state=wait_bgsave,offset=0,lag=0\r\n", 0},
		{"slave0:ip=a,port=1,state=online,offset=1,lag=0\nslave1:ip=b,port=1,state=online,offset=1,lag=11\n", 1},
		{"slave_repl_offset:5\n", 0},
	} {
		if got := journal.Replicas(c.info); got != c.want {
			t.Errorf("%q: %d replicas, want %d", c.info, got, c.want)
		}
	}
}

func TestTheSuiteWithARequiredReplica(t *testing.T) {
	_, client, _ := pair(t, journal.Options{})
	storetest.Run(t, func(t *testing.T, o storetest.Options, test func(*testing.T, storetest.Subject)) {
		must(t, client.FlushDB(t.Context()).Err())
		test(t, subject(t, client, journal.Options{Replicated: true}, o, func(d time.Duration) { age(t, client, d) }))
	})
}
