package handlers

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// counted counts what is asked of the journal, and may take its time.
type counted struct {
	*fake
	watches, reads atomic.Int64
	takes          time.Duration
	panics         bool
}

func (c *counted) Watch(ctx context.Context, id string) (<-chan struct{}, error) {
	c.watches.Add(1)
	return c.fake.Watch(ctx, id)
}

func (c *counted) Events(ctx context.Context, id string, after int64) ([]saga.Event, saga.Task, error) {
	c.reads.Add(1)
	time.Sleep(c.takes)
	if c.panics {
		panic("secret of a panic")
	}
	return c.fake.Events(ctx, id, min(after, 1000))
}

// counting is a world with a task that has begun, and what it asks of the journal.
func counting(t *testing.T) (*world, *counted) {
	t.Helper()
	var of *counted
	w := begun(t, func(c *Config) {
		of = &counted{fake: c.Tasks.(*fake)}
		c.Tasks = of
	})
	return w, of
}

func TestAThousandWatchersCostAsMuchAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, journal := counting(t)
		watchers := make([]*pending, 1000)
		for i := range watchers {
			line := "GET /v1/tasks/a/events"
			if i%2 == 1 {
				line = "GET /v1/tasks/a/events?after=1"
			}
			watchers[i] = w.begin(request(t, line, ""))
		}
		if got := fmt.Sprint(journal.watches.Load(), journal.reads.Load()); got != "1 2" {
			t.Errorf("watches and reads for a thousand who come, to two places: %s", got)
		}
		w.fake.happen("a", saga.Event{Kind: saga.KindStepDone, Path: "charge"})
		synctest.Wait()
		w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
		for i, p := range watchers {
			if !p.answered() || !strings.HasSuffix(told(p.Body.String()), "2 step_started, 3 step_done, 4 completed, 4-end task") {
				t.Fatalf("watcher %d: %s", i, told(p.Body.String()))
			}
		}
		if got := fmt.Sprint(journal.watches.Load(), journal.reads.Load()); got != "1 4" {
			t.Errorf("watches and reads after two appends: %s", got)
		}
	})
}

func TestOneThatLeavesTakesNothingFromTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, journal := counting(t)
		journal.takes = time.Second
		ctx, gone := context.WithCancel(t.Context())
		first := w.begin(request(t, "GET /v1/tasks/a/events", "").WithContext(ctx))
		second := w.begin(request(t, "GET /v1/tasks/a/events", ""))
		gone() // while its read is under way, which is the other's too
		time.Sleep(2 * time.Second)
		w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
		time.Sleep(time.Minute)
		if !first.answered() || !second.answered() || !strings.HasSuffix(told(second.Body.String()), "3 completed, 3-end task") {
			t.Errorf("the first got %q, the second %q", told(first.Body.String()), told(second.Body.String()))
		}
		if got := journal.watches.Load(); got != 1 {
			t.Errorf("%d watches", got)
		}
	})
}

func TestAJournalThatGrowsFastIsNotReadAllTheTime(t *testing.T) {
	for _, takes := range []time.Duration{50 * time.Millisecond, 2 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w, journal := counting(t)
			journal.takes = takes
			p := w.begin(request(t, "GET /v1/tasks/a/events", ""))
			for range 100 {
				time.Sleep(takes * 2 / 5)
				w.fake.happen("a", saga.Event{Kind: saga.KindStepStarted, Path: "x"})
			}
			w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
			time.Sleep(20 * takes)
			if got := journal.reads.Load(); got < 8 || got > 14 { // in the time of 40 reads, at most each fourth
				t.Errorf("%d reads of %v", got, takes)
			}
			if !p.answered() || strings.Count(p.Body.String(), "event: ") != 104 {
				t.Errorf("%d events told", strings.Count(p.Body.String(), "event: "))
			}
		})
	}
}

func TestAFailedReadIsTriedAgainByWhoComesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, journal := counting(t)
		first := w.begin(request(t, "GET /v1/tasks/a/events", ""))
		w.fake.mu.Lock()
		w.fake.fail = saga.ErrUnavailable
		w.fake.mu.Unlock()
		refused := w.begin(request(t, "GET /v1/tasks/a/events?after=1", ""))
		if !refused.answered() || refused.Code != 503 {
			t.Errorf("got %d", refused.Code)
		}
		w.fake.mu.Lock()
		w.fake.fail = nil
		w.fake.mu.Unlock()
		again := w.begin(request(t, "GET /v1/tasks/a/events?after=1", ""))
		if got := told(again.fresh()); got != "retry: 2000, 2 step_started" || first.answered() {
			t.Errorf("then: %s", got)
		}
		if got := journal.watches.Load(); got != 1 {
			t.Errorf("%d watches", got)
		}
		w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
		if !again.answered() || !first.answered() {
			t.Error("the streams go on after the end")
		}
	})
}

// What reads take, and how late the end of a task is heard of that comes right after a step.
func TestAfterAReadTheNextIsNotFarOff(t *testing.T) {
	for first, tc := range map[time.Duration]struct{ pause, then, late time.Duration }{
		time.Millisecond:       {0, time.Millisecond, time.Millisecond},
		3 * time.Millisecond:   {0, 3 * time.Millisecond, 12 * time.Millisecond},
		10 * time.Second:       {0, 0, time.Second},                               // Redis stood still
		250 * time.Millisecond: {15 * time.Second, 0, 0},                          // that was long ago
		5 * time.Millisecond:   {time.Second, time.Millisecond, time.Millisecond}, // so was that
	} {
		synctest.Test(t, func(t *testing.T) {
			w, journal := counting(t)
			journal.takes = first
			p := w.begin(request(t, "GET /v1/tasks/a", "", "Prefer: wait=25"))
			time.Sleep(first + tc.pause)
			synctest.Wait()
			journal.takes = tc.then
			w.fake.happen("a", saga.Event{Kind: saga.KindStepDone, Path: "charge"})
			time.Sleep(tc.then)
			synctest.Wait()
			w.fake.happen("a", saga.Event{Kind: saga.KindCompleted})
			begin := time.Now()
			<-p.done
			if late := time.Since(begin); late != tc.late || !strings.Contains(p.Body.String(), `"status":"completed"`) {
				t.Errorf("reads of %v, then of %v: %v after the end %s", first, tc.then, late, p.Body)
			}
		})
	}
}

func TestAWaitThatIsOverTellsTheTaskAsItIsThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, journal := counting(t)
		journal.takes = 100 * time.Millisecond
		p := w.begin(request(t, "GET /v1/tasks/a", "", "Prefer: wait=3"))
		time.Sleep(2700 * time.Millisecond)
		w.fake.happen("a", saga.Event{Kind: saga.KindStepDone, Path: "charge"})
		time.Sleep(120 * time.Millisecond)
		w.fake.happen("a", saga.Event{Kind: saga.KindCompleted}) // nobody hears of it before three seconds are over
		<-p.done
		if !strings.Contains(p.Body.String(), `"status":"completed"`) {
			t.Errorf("answered %s", p.Body)
		}
	})
}

func TestAReadThatPanicsIsAnErrorOfThatTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, journal := counting(t)
		journal.panics = true
		a := w.call("GET /v1/tasks/a/events", "")
		if a.Code != 500 || strings.Contains(a.Body.String(), "secret") {
			t.Errorf("got %d %s", a.Code, a.Body)
		}
	})
}
