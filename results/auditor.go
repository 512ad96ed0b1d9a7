package results

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Noted is the part of the journal that an [Auditor] empties.
type Noted interface {
	NotedActions(ctx context.Context, after string, limit int) (actions []saga.Action, places []string, err error)
	ForgetActions(ctx context.Context, places []string) error
}

// ActionSaver is the part of a [Store] that an [Auditor] fills.
type ActionSaver interface {
	SaveActions(ctx context.Context, list []saga.Action) error
}

// Auditor carries actions from the journal to the store. It acts when it is notified and otherwise sweeps now and then. Any
// number may work on the same journal and store: an action that is carried twice is one.
type Auditor struct {
	Journal Noted
	Store   ActionSaver
	Log     *slog.Logger
	Now     func() time.Time
	Random  func() float64 // for jitter; nil: [saga.DefaultRandom]

	Sweep time.Duration // how often it looks without being notified; zero: 5 s
	Rows  int           // at once; zero: 200

	once    sync.Once
	woken   chan struct{}
	trouble *outage
	refused map[string]bool // places of those that the store takes by no means
}

// Notify says that an action has been noted. It never blocks.
func (a *Auditor) Notify() {
	select {
	case a.wake() <- struct{}{}:
	default:
	}
}

func (a *Auditor) wake() chan struct{} {
	a.once.Do(func() { a.woken = make(chan struct{}, 1) })
	return a.woken
}

// Run carries until ctx ends, and once more then.
func (a *Auditor) Run(ctx context.Context) {
	random := a.Random
	if random == nil {
		random = saga.DefaultRandom
	}
	a.refused = map[string]bool{}
	a.trouble = &outage{
		what: "the audit is not written: its entries wait in Redis", over: "the audit is written again", log: a.Log, now: a.Now, random: random,
	}
	for {
		pause := or(a.Sweep, 5*time.Second)
		if err := a.carry(ctx); err != nil && ctx.Err() == nil {
			pause = a.trouble.failed(ctx, err)
		} else if err == nil {
			a.trouble.ended(ctx)
		}
		timer := time.NewTimer(pause)
		select {
		case <-a.wake():
			timer.Stop()
			sleep(ctx, min(pause, 50*time.Millisecond)) // more may come
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := a.carry(last); err != nil {
				a.Log.WarnContext(last, "stopped with entries of the audit unwritten: another process will write them", "error", err)
			}
			return
		}
	}
}

// carry carries all that there is.
func (a *Auditor) carry(ctx context.Context) error {
	limit, after := or(a.Rows, 200), ""
	for {
		actions, places, err := a.Journal.NotedActions(ctx, after, limit)
		if err != nil || len(places) == 0 {
			return err
		}
		after = places[len(places)-1]
		if err := a.some(ctx, actions, places); err != nil || len(places) < limit {
			return err
		}
	}
}

// some carries a page. What the store refuses alone stays where it is, and keeps nothing back.
func (a *Auditor) some(ctx context.Context, actions []saga.Action, places []string) error {
	err := a.Store.SaveActions(ctx, latest(actions))
	if err == nil {
		return a.Journal.ForgetActions(ctx, a.readable(ctx, actions, places))
	}
	if !saga.IsPermanent(err) {
		return err
	}
	if len(actions) == 1 {
		a.tell(ctx, places[0], actions[0].ID, err)
		return nil
	}
	half := len(actions) / 2
	if err := a.some(ctx, actions[:half], places[:half]); err != nil {
		return err
	}
	return a.some(ctx, actions[half:], places[half:])
}

// readable are the places of what was saved: an action that cannot be read waits for a release that can.
func (a *Auditor) readable(ctx context.Context, actions []saga.Action, places []string) (done []string) {
	for i, action := range actions {
		if action.ID == "" {
			a.tell(ctx, places[i], "", nil)
			continue
		}
		done = append(done, places[i])
	}
	return done
}

// tell logs once what is not carried.
func (a *Auditor) tell(ctx context.Context, place, id string, err error) {
	if !a.refused[place] {
		a.refused[place] = true
		a.Log.ErrorContext(ctx, "an entry of the audit cannot be written: it stays in Redis", "place", place, "action", id, "error", err)
	}
}

// latest has each action once: of a beginning and an end, the end.
func latest(actions []saga.Action) []saga.Action {
	list, at := make([]saga.Action, 0, len(actions)), map[string]int{}
	for _, action := range actions {
		i, known := at[action.ID]
		switch {
		case action.ID == "":
		case !known:
			at[action.ID] = len(list)
			list = append(list, action)
		case list[i].Outcome == saga.OutcomeBegun:
			list[i] = action
		}
	}
	return list
}
