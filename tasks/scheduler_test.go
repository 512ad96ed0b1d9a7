package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// tower is some processes that look after the same schedules, in a bubble.
type tower struct {
	*rig
	library *library
	began   time.Time
}

// clockwork begins a test 15 s after midnight.
func clockwork(t *testing.T, test func(w *tower)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(15 * time.Second)
		test(&tower{rig: newBubbleRig(t), library: &library{}, began: time.Now().Truncate(time.Hour)})
	})
}

// every is a workflow with a schedule.
func every(trigger string) string {
	return `{"id": "talk", "trigger": {"type": "schedule", "input": {"to": "${scheduled_at}"}, ` + trigger + `}, "steps": [
		{"id": "a", "type": "activity", "activity": {"type": "log_event", "params": {"say": "${input.to}"}}}]}`
}

const everyMinute = `"cron": "* * * * *"`

// process is a scheduler of a process of its own, whose clock may be wrong.
func (w *tower) scheduler(wrong time.Duration) *tasks.Scheduler {
	d := *w.dispatcher
	catalogue := *d.Catalogue
	catalogue.Definitions = w.process(w.library)
	d.Catalogue = &catalogue
	return &tasks.Scheduler{
		Source: w.library, Definitions: catalogue.Definitions, Ticks: w.journal, Tasks: &d, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(wrong) },
	}
}

// run has schedulers run until they are stopped.
func (w *tower) run(list ...*tasks.Scheduler) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var done sync.WaitGroup
	for _, s := range list {
		done.Go(func() { s.Run(ctx) })
	}
	return func() {
		cancel()
		done.Wait()
	}
}

// ticked are the ticks that tasks were started for, in minutes since the test began, with the seconds they were late.
func (w *tower) ticked() string {
	w.t.Helper()
	keys := w.client.Keys(w.t.Context(), "osp:{00}:j:*").Val()
	words := make([]string, len(keys))
	for i, key := range keys {
		s, err := w.journal.Read(w.t.Context(), strings.TrimPrefix(key, "osp:{00}:j:"))
		if err != nil {
			w.t.Fatal(err)
		}
		var input struct{ To time.Time }
		if err := json.Unmarshal(s.Events[0].Created.Input, &input); err != nil {
			w.t.Fatal(err)
		}
		late := s.Events[0].At.Sub(input.To).Round(time.Second)
		words[i] = fmt.Sprintf("%02.0f", input.To.Sub(w.began).Minutes())
		if late != 0 {
			words[i] += fmt.Sprint("+", late)
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// is holds what was started to what should be.
func (w *tower) is(when, want string) {
	w.t.Helper()
	if got := w.ticked(); got != want {
		w.t.Errorf("%s: ticks\n got %s\nwant %s", when, got, want)
	}
}

// dying is a process that dies when it has started the nth task, and has told nobody.
type dying struct {
	tasks.Starter
	n    int
	dies func()
}

func (d *dying) Start(ctx context.Context, r saga.Request) (saga.Task, bool, error) {
	task, created, err := d.Starter.Start(ctx, r)
	if d.n--; d.n == 0 {
		d.dies()
	}
	return task, created, err
}

func TestEachTickIsOneTaskHoweverManySchedulersThereAre(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.addTo(w.t, "shop", every(everyMinute))
		stop := w.run(w.scheduler(0), w.scheduler(2*time.Second))
		defer stop()
		mortal := w.scheduler(-2 * time.Second)
		ctx, cancel := context.WithTimeout(w.t.Context(), 9*time.Minute)
		last := &dying{mortal.Tasks, 5, cancel}
		mortal.Tasks = last
		mortal.Run(ctx) // returns after its fifth tick: others may have been quicker at some before
		if last.n > 0 {
			w.t.Errorf("it did not die: %d to go", last.n)
		}
		time.Sleep(time.Until(w.began.Add(10*time.Minute + 30*time.Second)))
		w.is("after ten minutes", "01 02 03 04 05 06 07 08 09 10")
		s, err := w.journal.Read(w.t.Context(), strings.TrimPrefix(w.client.Keys(w.t.Context(), "osp:{00}:j:*").Val()[0], "osp:{00}:j:"))
		if err != nil {
			w.t.Fatal(err)
		}
		if c := s.Events[0].Created; c.Owner != owners["shop"] || c.Service != "shop" || c.Type != "talk" || c.By != "schedule" {
			w.t.Errorf("started as %+v", c)
		}
	})
}

func TestAMarkIsNotSetBeforeTheTaskIsStarted(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.add(w.t, every(everyMinute))
		mortal := w.scheduler(0)
		ctx, cancel := context.WithCancel(w.t.Context())
		mortal.Tasks = &dying{notStarting{}, 1, cancel}
		mortal.Run(ctx)
		defer w.run(w.scheduler(0))()
		time.Sleep(20 * time.Second)
		w.is("the one that died had started nothing", "01")
	})
}

// notStarting is a journal that is away.
type notStarting struct{}

func (notStarting) Start(context.Context, saga.Request) (saga.Task, bool, error) {
	return saga.Task{}, false, saga.ErrUnavailable
}

func TestMissedTicks(t *testing.T) {
	for missed, want := range map[string]string{
		"skip": "01 02 12+30s 13", "last": "01 02 12+30s 13",
		"all": "01 02 03+9m30s 04+8m30s 05+7m30s 06+6m30s 07+5m30s 08+4m30s 09+3m30s 10+2m30s 11+1m30s 12+30s 13",
	} {
		clockwork(t, func(w *tower) {
			w.library.add(w.t, every(everyMinute+`, "missed": "`+missed+`"`))
			stop := w.run(w.scheduler(0), w.scheduler(0))
			time.Sleep(2*time.Minute + 15*time.Second)
			stop()
			time.Sleep(10 * time.Minute)
			defer w.run(w.scheduler(0), w.scheduler(0))()
			time.Sleep(time.Minute)
			w.is(missed, want)
		})
	}
	for missed, want := range map[string]string{"skip": "60", "last": "60 120+30m15s", "all": "60 120+30m15s"} {
		clockwork(t, func(w *tower) {
			w.library.add(w.t, every(`"cron": "@hourly", "missed": "`+missed+`"`))
			stop := w.run(w.scheduler(0))
			time.Sleep(90 * time.Minute)
			stop()
			time.Sleep(time.Hour)
			defer w.run(w.scheduler(0))()
			time.Sleep(time.Minute)
			got := strings.Fields(w.ticked())
			slices.Reverse(got) // 120 sorts before 60
			if strings.Join(got, " ") != want {
				w.t.Errorf("%s, one of them: got %v, want %s", missed, got, want)
			}
		})
	}
}

func TestAScheduleLastsFromItsActivationToItsEnd(t *testing.T) {
	clockwork(t, func(w *tower) {
		defer w.run(w.scheduler(0), w.scheduler(0))()
		time.Sleep(2*time.Minute + 43*time.Second) // 2:58
		w.library.add(w.t, every(everyMinute+`, "missed": "all"`))
		time.Sleep(3 * time.Minute) // 5:58
		w.is("from its activation on", "03+5s 04 05")
		w.library.become(saga.VersionDeprecated)
		time.Sleep(10 * time.Minute) // 15:58
		w.is("deprecated", "03+5s 04 05")
		w.library.become(saga.VersionActive)
		time.Sleep(2 * time.Minute) // 17:58
		w.is("active again", "03+5s 04 05 16+5s 17")
		w.library.add(w.t, every(`"cron": "*/3 * * * *", "time_zone": "Europe/Vienna"`))
		time.Sleep(7 * time.Minute) // 24:58
		w.is("another version", "03+5s 04 05 16+5s 17 18 21 24")
		w.library.add(w.t, `{"id": "talk", "steps": [{"id": "a", "type": "activity", "activity": {"type": "log_event"}}]}`)
		time.Sleep(7 * time.Minute)
		w.is("one without a schedule", "03+5s 04 05 16+5s 17 18 21 24")
	})
}

func TestSchedulesGoOnWhileTheStoreIsAway(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.add(w.t, every(everyMinute))
		stop := w.run(w.scheduler(0))
		time.Sleep(time.Minute)
		w.library.leave(true)
		time.Sleep(2 * time.Minute) // 3:15
		stop()
		w.is("the store is away", "01 02 03")
		defer w.run(w.scheduler(0))()
		time.Sleep(2 * time.Minute)
		w.is("and a process starts", "01 02 03 04 05")
	})
}

// lateness is by how much a tick was late.
var lateness = regexp.MustCompile(`\+\S+`)

// A version that was activated just before the store went away is listed, and what this process has heard of is the one before.
func TestATickIsNotTakenFromAnotherVersion(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.add(w.t, every(`"cron": "*/7 * * * *"`))
		defer w.run(w.scheduler(0))()
		time.Sleep(7*time.Minute + 15*time.Second) // 7:30
		w.is("the first version", "07")
		w.library.add(w.t, every(everyMinute+`, "missed": "all"`))
		time.Sleep(15 * time.Second)
		w.library.leave(true)
		time.Sleep(2 * time.Minute) // 9:45
		w.is("nobody knows for sure what to begin with", "07")
		w.library.leave(false)
		time.Sleep(13 * time.Second)
		if got := lateness.ReplaceAllString(w.ticked(), ""); got != "07 08 09" { // how late depends on when it was asked last
			w.t.Errorf("the store is back: ticks %s", got)
		}
	})
}

func TestAScheduleBeginsAnewWithAnEmptyRedis(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.add(w.t, every(everyMinute+`, "missed": "all"`))
		stop := w.run(w.scheduler(0))
		time.Sleep(5 * time.Minute) // 5:15
		stop()
		w.client.FlushAll(w.t.Context())
		time.Sleep(3 * time.Minute)
		stop = w.run(w.scheduler(0))
		time.Sleep(2 * time.Minute) // 10:15
		w.is("a process that knew nothing", "09 10")
		w.client.FlushAll(w.t.Context())
		time.Sleep(2 * time.Minute)
		stop()
		w.is("a process that knew", "11 12")
	})
}

func TestATickThatCannotBeStartedKeepsNoOtherBack(t *testing.T) {
	clockwork(t, func(w *tower) {
		w.library.add(w.t, every(everyMinute))
		w.library.list[0].Hash = "not to be had"
		w.library.since["not to be had"] = time.Now()
		w.library.addTo(w.t, "shop", every(everyMinute))
		defer w.run(w.scheduler(0))()
		time.Sleep(2 * time.Minute)
		w.is("a schedule beside one that cannot be read", "01 02")
	})
}
