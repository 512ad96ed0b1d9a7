package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// waiting follows a task until it has ended, is stuck, or the time is over.
type waiting struct {
	*session

	id      string
	limit   time.Duration              // 0: as long as it takes
	told    func(e *event, raw []byte) // where events are told one by one; nil: they are not
	screen  *screen                    // where it is drawn; nil: nowhere
	task    saga.Task
	raw     []byte // the task as the API has told it
	notice  string
	changed bool // the task may be another by now
	read    time.Time
	reading chan reading // what is being read; nil: nothing is
}

type reading struct {
	changed bool // it was read because it may have changed
	raw     []byte
	task    saga.Task
	err     error
}

const (
	frame    = 100 * time.Millisecond // how often the drawing moves
	readEach = 150 * time.Millisecond // a task is read no more often than that
	lookEach = 5 * time.Second        // nor less often: of pauses its journal tells nothing
)

// run returns when there is no more to wait for; the task is then in raw.
func (w *waiting) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer w.drain()
	if err := w.get(ctx); err != nil || w.told == nil && w.over() { // an API that was never there is not waited for
		return err
	}
	if w.read = w.world.Now(); w.screen == nil {
		w.tellHeld(saga.Task{})
	}
	var late <-chan time.Time
	if w.limit > 0 {
		t := time.NewTimer(w.limit)
		defer t.Stop()
		late = t.C
	}
	return w.loop(ctx, w.client.follow(ctx, w.id), late)
}

func (w *waiting) loop(ctx context.Context, updates <-chan update, late <-chan time.Time) error {
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for n := 0; ; n++ {
		w.refresh(ctx)
		select {
		case u, ok := <-updates:
			if !ok && ctx.Err() == nil {
				return w.get(ctx)
			}
			if ok {
				if done, err := w.take(u); done || err != nil {
					return err
				}
			}
		case r := <-w.reading:
			w.reading = nil
			if r.err != nil {
				w.changed = w.changed || r.changed // read it again: whether the API is there, the stream tells
			} else if w.saw(r); w.over() && !w.toBeTold() {
				return nil
			}
		case <-tick.C:
			w.draw(n)
		case <-late:
			_ = w.get(ctx) // so that what is shown is not from the beginning; else it is what was last read
			return w.stillGoing()
		case <-ctx.Done():
			return w.left()
		}
	}
}

// take notes what the stream tells.
func (w *waiting) take(u update) (done bool, err error) {
	switch {
	case u.err != nil:
		return true, u.err
	case u.away != nil:
		if w.notice == "" && w.screen == nil {
			w.talk("The API is away. Asking again … (%s)", brief(u.away))
		}
		w.notice = fmt.Sprintf("The API is away. Asking again … (%s)", brief(u.away))
	case u.back:
		if w.screen == nil {
			w.talk("The API is there again.")
		}
		w.notice, w.changed = "", true
	case u.event != nil:
		if w.told != nil {
			w.told(u.event, u.raw)
		}
		w.changed = w.changed || w.screen != nil || u.event.Kind == saga.KindStuck
	case u.last != nil:
		return true, w.took(u.last)
	}
	return false, nil
}

// saw takes in what was read.
func (w *waiting) saw(r reading) {
	before := w.task
	w.task, w.raw = r.task, r.raw
	if w.screen == nil {
		w.tellHeld(before)
	}
}

// tellHeld says what holds the task, as far as it has not been said, and when no pause does any more.
func (w *waiting) tellHeld(before saga.Task) {
	if w.task.Unserved && !before.Unserved {
		w.talk(unserved)
	}
	for _, p := range w.task.PausedBy {
		same := func(b saga.Pause) bool { return b.PauseKey == p.PauseKey && b.By == p.By && b.Reason == p.Reason }
		if !slices.ContainsFunc(before.PausedBy, same) {
			w.talk("%s", plain(pauseSays(p, w.now())))
		}
	}
	if len(before.PausedBy) > 0 && len(w.task.PausedBy) == 0 && !w.over() {
		w.talk("not paused any longer")
	}
}

// over tells whether the task moves no more without somebody.
func (w *waiting) over() bool { return w.task.State.Finished() || w.task.State == saga.Stuck }

// toBeTold tells whether the stream still has events to tell: it ends with the task. Of a stuck one all has been told that there is.
func (w *waiting) toBeTold() bool { return w.told != nil && w.task.State.Finished() }

func (w *waiting) get(ctx context.Context) error {
	raw, err := w.client.do(ctx, call{method: http.MethodGet, path: path("v1", "tasks", w.id)})
	if err != nil {
		return err
	}
	return w.took(raw)
}

// took takes what the API says of the task in place of all that it said before.
func (w *waiting) took(raw []byte) error {
	w.raw, w.task = raw, saga.Task{}
	return w.decode(raw, &w.task)
}

// refresh reads the task when it has changed, and now and then, beside the loop and not too often.
func (w *waiting) refresh(ctx context.Context) {
	now, least := w.world.Now(), lookEach
	if w.changed {
		least = readEach
	}
	if w.reading != nil || w.notice != "" || now.Sub(w.read) < least {
		return
	}
	r := reading{changed: w.changed}
	w.changed, w.read, w.reading = false, now, make(chan reading, 1)
	go func(to chan<- reading) {
		if r.raw, _, r.err = w.client.once(ctx, call{method: http.MethodGet, path: path("v1", "tasks", w.id)}); r.err == nil {
			r.err = w.decode(r.raw, &r.task)
		}
		to <- r
	}(w.reading)
}

// drain waits for what is being read: its request has ended with the context.
func (w *waiting) drain() {
	if w.reading != nil {
		<-w.reading
	}
}

func (w *waiting) draw(n int) {
	if w.screen == nil || w.task.ID == "" {
		return
	}
	columns, rows := w.screen.size()
	d := w.drawing(n, columns)
	d.height = max(8, rows-1)
	w.screen.draw(d.lines())
}

func (s *session) decode(raw []byte, to any) error {
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("the answer of %s is not as osp gives it: %w", s.client.target.url, err)
	}
	return nil
}

// now is the time by the API's clock.
func (s *session) now() time.Time { return s.world.Now().Add(time.Duration(s.client.ahead.Load())) }

func (w *waiting) drawing(tick, columns int) *drawing {
	return &drawing{task: w.task, now: w.now(), tick: tick, width: columns, notice: w.notice, paint: w.screen.paint}
}

// left tells how to come back: the task goes on without anybody who looks.
func (w *waiting) left() error {
	return ended(exitInterrupted, "the task goes on. To come back: osp task watch %[1]s\n     To have it undone: osp task cancel %[1]s", plain(w.id))
}

func (w *waiting) stillGoing() error {
	if w.notice != "" {
		return ended(exitUnreachable, "the task had not ended when the API was last there, and the %s are over. To come back: osp task watch %s",
			lasting(w.limit), plain(w.id))
	}
	return ended(exitTooLate, "the task has not ended within %s, and goes on. To come back: osp task watch %s", lasting(w.limit), plain(w.id))
}

// keep takes the drawing down.
func (w *waiting) keep() {
	if w.screen != nil {
		w.screen.erase()
	}
}

// screenOn is a screen on a stream that is a terminal on which one can draw, nil on any other.
func (s *session) screenOn(out io.Writer) *screen {
	kind, _ := s.world.Lookup("TERM")
	if columns, _ := size(out); columns == 0 || kind == "dumb" {
		return nil
	}
	return &screen{out: out, size: func() (int, int) { return size(out) }, paint: paintFor(s.world, out)}
}
