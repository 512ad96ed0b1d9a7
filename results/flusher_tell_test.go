package results_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// teller notes what is to be told, and what the rows are like at that time.
type teller struct {
	r    *rig
	mu   sync.Mutex
	told []string
	dies func(id string) bool // tells nobody about a task
}

func (t *teller) Tell(_ context.Context, news []saga.News) (left []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range news {
		if t.dies != nil && t.dies(n.Created.ID) {
			left = append(left, n.Created.ID)
			continue
		}
		for _, e := range n.Events {
			t.told = append(t.told, fmt.Sprintf("%s %s %d", n.Created.ID, e.Tells(), e.Seq))
		}
	}
	return left
}

func (t *teller) said() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.told, ", ")
}

// telling is flushing with a teller.
func telling(t *testing.T, setup func(*rig, *teller), test func(*rig, *teller)) {
	t.Helper()
	var told *teller
	flushing(t, func(r *rig) {
		told = &teller{r: r}
		r.flusher.Teller = told
		if setup != nil {
			setup(r, told)
		}
	}, func(r *rig) { test(r, told) })
}

func TestTheEndOfATaskIsToldOnce(t *testing.T) {
	telling(t, nil, func(r *rig, told *teller) {
		r.start("a", "b")
		r.after(time.Second)
		r.same("of tasks that go on", told.said(), "")
		r.end("a")
		r.after(time.Second)
		r.same("of one that has ended", told.said(), "a task.completed 2")
		r.same("rows", r.store.rows["a"].State, saga.Completed)
		r.after(time.Hour)
		r.same("later", told.said(), "a task.completed 2")
	})
}

// A task that is stuck is told of, and so is its end, when it grows on: the teller knows what it has told.
func TestAllThatCanBeToldIsTold(t *testing.T) {
	telling(t, nil, func(r *rig, told *teller) {
		r.begin("a")
		c, err := r.journal.Claim(r.Context(), "a", "worker")
		if err != nil {
			r.Fatal(err)
		}
		_, err = r.journal.Append(r.Context(), c.Lease, saga.Batch{Read: 1, Then: saga.Park, Decisions: []saga.Event{{Kind: saga.KindCompensationStarted}, {Kind: saga.KindStuck}}})
		if err != nil {
			r.Fatal(err)
		}
		r.flusher.Notify()
		r.after(time.Second)
		r.same("stuck", told.said(), "a task.stuck 3")
		if _, err := r.journal.Post(r.Context(), "a", saga.Message{Event: saga.Event{Kind: saga.KindResolved, Name: "skip"}}); err != nil {
			r.Fatal(err)
		}
		if c, err = r.journal.Claim(r.Context(), "a", "worker"); err != nil {
			r.Fatal(err)
		}
		_, err = r.journal.Append(r.Context(), c.Lease, saga.Batch{Read: 4, Then: saga.Finish, Decisions: []saga.Event{{Kind: saga.KindFailed}}})
		if err != nil {
			r.Fatal(err)
		}
		r.flusher.Notify()
		r.after(time.Second)
		r.same("ended", told.said(), "a task.stuck 3, a task.stuck 3, a task.failed 5")
	})
}

// Whoever dies between the end of a task and its telling leaves the mark: another flusher tells.
func TestWhatWasNotToldIsToldByAnother(t *testing.T) {
	telling(t, func(_ *rig, told *teller) { told.dies = func(id string) bool { return id == "a" } }, func(r *rig, told *teller) {
		r.start("a", "b")
		r.end("a")
		r.end("b")
		r.after(time.Second)
		r.same("told", told.said(), "b task.completed 2")
		r.same("the row is written all the same", r.store.rows["a"].State, saga.Completed)
		r.stop()

		other := &teller{r: r}
		next := results.NewFlusher(r.journal, r.store, r.flusher.Log, time.Now)
		next.Teller = other
		ctx, cancel := context.WithCancel(r.Context())
		done := make(chan struct{})
		go func() { defer close(done); next.Run(ctx) }()
		r.after(20 * time.Second) // it is handed out again 10 s after it was
		r.same("told by another", other.said(), "a task.completed 2")
		cancel()
		<-done
	})
}

// unclean is a journal whose marks cannot be cleared for a while.
type unclean struct {
	results.Source
	until time.Time
}

func (u *unclean) Clean(ctx context.Context, f []saga.Flushed) ([]string, error) {
	if time.Now().Before(u.until) && slices.ContainsFunc(f, func(f saga.Flushed) bool { return f.Version > 0 }) {
		return nil, fmt.Errorf("%w: it died", saga.ErrUnavailable)
	}
	return u.Source.Clean(ctx, f)
}

// Whoever dies between the telling and the clearing of the mark has it told again: the ids of deliveries see to it that this is
// nothing new.
func TestWhatWasToldMayBeToldAgain(t *testing.T) {
	telling(t, func(r *rig, _ *teller) { r.flusher.Journal = &unclean{r.journal, time.Now().Add(time.Second)} }, func(r *rig, told *teller) {
		r.start("a")
		r.end("a")
		r.after(30 * time.Second)
		r.same("told", told.said(), "a task.completed 2, a task.completed 2")
	})
}

func TestATaskWhoseRowIsRefusedIsToldOf(t *testing.T) {
	telling(t, func(r *rig, told *teller) {
		r.store.failing(func([]saga.Task) error { return saga.Permanent(errors.New("no such column")) })
		told.dies = func(string) bool { return true }
	}, func(r *rig, told *teller) {
		r.start("a")
		r.end("a")
		r.after(time.Second)
		r.same("not buried before it is told", r.buried(), "")
		told.mu.Lock()
		told.dies = nil
		told.mu.Unlock()
		r.after(20 * time.Second)
		r.same("told", told.said(), "a task.completed 2")
		r.same("buried", r.buried(), "a")
	})
}

func TestWhileTheStoreIsAwayNobodyIsTold(t *testing.T) {
	telling(t, func(r *rig, _ *teller) {
		r.store.failing(func([]saga.Task) error { return fmt.Errorf("%w: away", saga.ErrUnavailable) })
	}, func(r *rig, told *teller) {
		r.start("a")
		r.end("a")
		r.after(time.Hour)
		r.same("told", told.said(), "")
		r.store.failing(nil)
		r.after(time.Minute)
		r.same("told when it is back", told.said(), "a task.completed 2")
	})
}
