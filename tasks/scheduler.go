package tasks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/definition"
)

// TriggerSource knows which workflows triggers start. The result stores are.
type TriggerSource interface {
	// Triggered returns active versions by what starts them.
	Triggered(ctx context.Context, q saga.TriggerQuery) ([]saga.Triggered, error)
}

// Ticks has marks of how far the ticks of schedules have been seen to, and a copy of the list of schedules. The journal is one.
type Ticks interface {
	// Ticked notes that ticks have been seen to up to a moment (zero: nothing is known), and returns up to when they really
	// have, by whomever. Now is the journal's clock.
	Ticked(ctx context.Context, of saga.WorkflowKey, known, activated time.Time) (mark, now time.Time, err error)
	ShelveSchedules(ctx context.Context, list []saga.Triggered) error
	// ShelvedSchedules returns what was noted last. Errors: [saga.ErrNotFound].
	ShelvedSchedules(ctx context.Context) ([]saga.Triggered, error)
}

// Starter starts tasks. The [Dispatcher] is one.
type Starter interface {
	Start(ctx context.Context, r saga.Request) (task saga.Task, created bool, err error)
}

const (
	listEvery  = 10 * time.Second
	listPage   = 200
	againAfter = time.Second // doubled each time, up to listEvery
)

// never is when a schedule without another tick is looked at again.
var never = time.Unix(1<<40, 0)

// errMarks means that marks cannot be read or set: of whatever schedule.
var errMarks = errors.New("the marks of schedules cannot be reached")

// Scheduler starts the tasks of workflows that have a schedule, one for each tick, however many schedulers there are: a tick
// is a task whose id follows from the workflow and the tick's time, so that it is the same task whoever starts it. First it
// is started, then the mark is set: what dies in between is done again, to no effect.
type Scheduler struct {
	Source      TriggerSource
	Definitions *Definitions
	Ticks       Ticks
	Tasks       Starter
	Log         *slog.Logger
	Now         func() time.Time

	ahead     time.Duration // of the journal's clock
	listed    time.Time     // when the list was made; zero: never
	schedules map[saga.WorkflowKey]*scheduled
}

// scheduled is a schedule that is active.
type scheduled struct {
	saga.Triggered

	schedule *definition.Schedule // nil: it could not be read yet
	mark     time.Time            // ticks have been seen to up to there; zero: that is not known
	next     time.Time            // when to look at it again
	failed   int                  // times in a row
}

// Run starts what is due until ctx ends, and sleeps in between.
func (s *Scheduler) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(s.Pass(ctx))
	}
}

// Pass starts what is due, and returns when to look again.
func (s *Scheduler) Pass(ctx context.Context) time.Duration {
	if s.listed.IsZero() || s.Now().Sub(s.listed) >= listEvery {
		if err := s.list(ctx); err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "schedules not listed: the last ones stand", "error", err)
		}
		s.listed = s.Now() // also when it failed: the store is not asked all the time
	}
	next := listEvery - s.Now().Sub(s.listed)
	began := s.Now()                // what is due by now is no later for having to wait for others
	for _, w := range s.schedules { // in no order: schedulers that wake together help each other
		if w.next.After(s.now()) {
			next = min(next, w.next.Sub(s.now()))
			continue
		}
		err := s.see(ctx, w, began)
		switch {
		case ctx.Err() != nil:
			return againAfter
		case errors.Is(err, errMarks):
			s.Log.WarnContext(ctx, "schedules not seen to, trying again", "error", err)
			return againAfter
		case err != nil:
			s.Log.WarnContext(ctx, "schedule not seen to, trying again", "workflow", w.Key().String(), "error", err)
			w.next = s.now().Add(min(againAfter<<min(w.failed, 4), listEvery))
			w.failed++
		default:
			w.failed = 0
		}
		next = min(next, w.next.Sub(s.now()))
	}
	return max(next, time.Millisecond)
}

// now is the journal's clock, as far as it is known: that of a process may be wrong.
func (s *Scheduler) now() time.Time { return s.Now().Add(s.ahead) }

// list finds out which schedules are active. While the source is away those stand that were heard of last.
func (s *Scheduler) list(ctx context.Context) error {
	all, err := triggered(ctx, s.Source, saga.TriggerQuery{Trigger: saga.TriggerSchedule})
	switch {
	case err == nil:
		err = s.Ticks.ShelveSchedules(ctx, all)
	case s.schedules == nil:
		var noted error
		if all, noted = s.Ticks.ShelvedSchedules(ctx); noted != nil {
			return errors.Join(err, noted)
		}
	default:
		return err
	}
	was := s.schedules
	s.schedules = make(map[saga.WorkflowKey]*scheduled, len(all))
	for _, t := range all {
		w := &scheduled{Triggered: t}
		if old := was[t.Key()]; old != nil && old.Hash == t.Hash && old.ActivatedAt.Equal(t.ActivatedAt) {
			w.schedule, w.mark, w.next = old.schedule, old.mark, old.next
		}
		s.schedules[t.Key()] = w
	}
	return err
}

// see starts the ticks of a schedule that are due.
func (s *Scheduler) see(ctx context.Context, w *scheduled, began time.Time) (err error) {
	if w.schedule == nil {
		if w.schedule, err = s.Definitions.schedule(ctx, w.Hash); err != nil {
			return err
		}
		if w.schedule == nil { // the source takes it for one, and by its rules it is none
			w.next = never
			return nil
		}
	}
	if err := s.note(ctx, w, w.mark); err != nil {
		return err
	}
	now := began.Add(s.ahead)
	due, left := w.schedule.Due(w.mark, now)
	if left {
		s.Log.WarnContext(ctx, "ticks of a schedule were missed, and are not made up for", "workflow", w.Key().String(), "after", w.mark,
			"missed", w.schedule.Missed)
	}
	for _, tick := range due {
		if err := s.start(ctx, w, tick); err != nil {
			return fmt.Errorf("tick of %s: %w", tick.Format(time.RFC3339), err)
		}
		if err := s.note(ctx, w, tick); err != nil {
			return err
		}
	}
	if left && len(due) == 0 {
		if err := s.note(ctx, w, now.Add(-definition.TickLate)); err != nil {
			return err
		}
	}
	if w.next = w.schedule.Next(w.mark); w.next.IsZero() {
		w.next = never
	}
	return nil
}

// note moves the mark, and learns how far others have got.
func (s *Scheduler) note(ctx context.Context, w *scheduled, known time.Time) error {
	mark, now, err := s.Ticks.Ticked(ctx, w.Key(), known, w.ActivatedAt)
	if err != nil {
		return fmt.Errorf("%w: %w", errMarks, err)
	}
	w.mark, s.ahead = mark, now.Sub(s.Now())
	return nil
}

// start starts the task of a tick. That it is there already, though another version's, is as good; and one that cannot be
// started at all keeps no later one back.
func (s *Scheduler) start(ctx context.Context, w *scheduled, tick time.Time) error {
	occasion := saga.Tick(tick)
	task, created, err := s.Tasks.Start(ctx, saga.Request{
		ID: occasionID(w.Key(), occasion), Type: w.Workflow, Service: w.Service, Owner: w.Owner, By: saga.TriggerSchedule, Occasion: &occasion,
	})
	_, invalid := errors.AsType[*saga.InvalidError](err)
	switch {
	case err == nil:
		if created {
			s.Log.DebugContext(ctx, "tick", "workflow", w.Key().String(), "at", tick, "task", task.ID)
		}
	case errors.Is(err, saga.ErrConflict):
	case invalid, errors.Is(err, saga.ErrNotTriggered), errors.Is(err, saga.ErrUnknownType), errors.Is(err, saga.ErrTooLarge):
		if !s.Definitions.begins(ctx, w.Key(), w.Hash) {
			return fmt.Errorf("%w: version %d, which is active, is not what tasks begin with yet: %w", saga.ErrUnavailable, w.Version, err)
		}
		s.Log.WarnContext(ctx, "tick starts no task", "workflow", w.Key().String(), "at", tick, "error", err)
	default:
		return err
	}
	return nil
}

// occasionID is the id of the task that a workflow's trigger starts: the same one, however often and by whomever.
func occasionID(w saga.WorkflowKey, o saga.Occasion) string {
	parts, err := json.Marshal([]string{w.Service, w.ID, o.Trigger, o.Subject, o.Key})
	if err != nil {
		panic("tasks: strings that are no JSON: " + err.Error())
	}
	sum := sha256.Sum256(parts)
	return "tr" + hex.EncodeToString(sum[:])[:32]
}
