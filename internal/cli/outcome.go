package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// wait waits for a task and writes what it has come to.
func (s *session) wait(ctx context.Context, id string, limit time.Duration) error {
	w := &waiting{session: s, id: id, limit: limit, screen: s.screenOn(s.err)}
	err := w.run(ctx)
	w.keep()
	if w.raw == nil {
		return err
	}
	return both(err, s.result(w, err == nil))
}

// watch shows how a task goes on: drawn on a terminal, an event a line elsewhere.
func (s *session) watch(ctx context.Context, id string, limit time.Duration) error {
	w := &waiting{session: s, id: id, limit: limit}
	switch {
	case !s.output.people():
		w.told = s.tellJSON
	default:
		if w.screen = s.screenOn(s.out); w.screen == nil {
			w.told = s.tellLines()
		}
	}
	err := w.run(ctx)
	w.keep()
	switch {
	case w.raw == nil:
		return err
	case w.told == nil:
		return both(err, s.result(w, err == nil))
	case !s.output.people():
		if w.over() {
			err = both(err, writeJSON(s.out, w.raw))
		}
	case w.over():
		_, _ = fmt.Fprintln(s.out, s.summary(&w.task))
	}
	return both(err, s.outcome(&w.task, true))
}

// result writes the task in the end and, if it was waited for up to then, with which code that is.
func (s *session) result(w *waiting, waited bool) error {
	if err := s.show(w.raw, &w.task); err != nil || !waited {
		return err
	}
	if s.output.people() {
		_, _ = fmt.Fprintf(s.out, "\n%s\n", s.summary(&w.task))
	}
	return s.outcome(&w.task, s.output.people())
}

// show writes a task: drawn, or as the API has told it.
func (s *session) show(raw []byte, t *saga.Task) error {
	switch s.output {
	case asJSON, asNDJSON:
		return writeJSON(s.out, raw)
	case asID:
		_, err := fmt.Fprintln(s.out, plain(t.ID))
		return err
	case asTable:
	}
	columns, _ := size(s.out)
	d := &drawing{task: *t, now: s.now(), width: columns, whole: true, still: true, paint: s.paint}
	for _, l := range d.lines() {
		if _, err := fmt.Fprintln(s.out, l); err != nil {
			return err
		}
	}
	return nil
}

// summary is the last line on a task that was waited for.
func (s *session) summary(t *saga.Task) string {
	d := &drawing{task: *t, now: s.now(), paint: s.paint}
	says := d.sign(string(t.State)) + " " + string(t.State)
	took := " in " + lasting(d.elapsed())
	done, undone := 0, 0
	for _, step := range t.Steps {
		switch step.State {
		case saga.StepCompleted:
			done++
		case saga.StepCompensated:
			undone++
		case saga.StepRunning, saga.StepWaiting, saga.StepFailed, saga.StepCompensating, saga.StepStuck, saga.StepNotUndone:
		}
	}
	switch {
	case t.State == saga.Stuck:
		took = ": an undo has failed for good, and waits for an operator's word"
	case t.State == saga.Completed:
		took += fmt.Sprintf(", %s done", times(done, "step"))
	case len(t.NotUndone) > 0:
		took += fmt.Sprintf(", %s undone, %d could not be", times(undone, "step"), len(t.NotUndone))
	case undone > 0:
		took += fmt.Sprintf(", %s undone", times(undone, "step"))
	}
	return s.paint.in(colourOf(string(t.State)), says) + took
}

// outcome is the code for how a task stands. Where that has been told already, nothing more is said.
func (s *session) outcome(t *saga.Task, told bool) error {
	code := 0
	switch t.State {
	case saga.Failed:
		code = exitTaskFailed
	case saga.Cancelled:
		code = exitCancelled
	case saga.Stuck:
		code = exitStuck
	default:
	}
	switch {
	case code == 0:
		return nil
	case told:
		return &Error{Code: code}
	case t.State == saga.Stuck:
		return ended(code, "task %s is stuck: osp task get %s tells where, osp task resolve what to do", plain(t.ID), plain(t.ID))
	case t.Error != "":
		return ended(code, "task %s has ended: %s: %s", plain(t.ID), t.State, plain(t.Error))
	}
	return ended(code, "task %s has ended: %s", plain(t.ID), t.State)
}

// tellLines tells each event on a line. A step that starts though the last attempt has not ended has lost its worker.
func (s *session) tellLines() func(e *event, _ []byte) {
	open := map[string]bool{}
	return func(e *event, _ []byte) {
		says, step := e.told(), fmt.Sprint(e.Undo, e.Step)
		switch e.Kind { //nolint:exhaustive // the others are not about an attempt
		case saga.KindStepStarted:
			if open[step] {
				says += " again: the last attempt was cut short"
			}
			open[step] = true
		case saga.KindStepDone, saga.KindAttemptFailed:
			delete(open, step)
		}
		_, _ = fmt.Fprintf(s.out, "%s  %s\n", e.At.Local().Format(time.TimeOnly), says)
	}
}

func (s *session) tellJSON(_ *event, raw []byte) { _ = writeJSON(s.out, raw) }
