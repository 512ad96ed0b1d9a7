package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// told is an event in words, on one line, as it was when it came.
func (e *event) told() string {
	now := e.At
	step := e.Step
	if e.Undo {
		step = "undo of " + step
	}
	by := ""
	if e.By != "" {
		by = " by " + e.By
	}
	var says string
	switch e.Kind {
	case saga.KindCreated:
		says = "accepted" + by
		if e.Task != nil {
			says = "accepted: " + e.Task.Type + ", queue " + e.Task.Queue + by
		}
	case saga.KindStepStarted:
		says = step + ": started"
		if e.Child != "" {
			says += " the task " + e.Child
		}
	case saga.KindDecided:
		says = step + ": decided"
	case saga.KindWaiting:
		says = "waiting"
		if e.Due != nil {
			says += ", goes on" + until(e.Due, now)
		}
	case saga.KindCompensationStarted:
		says = "undoing what began" + because(e.Reason)
	case saga.KindCompleted, saga.KindFailed, saga.KindCancelled:
		says = string(e.Kind) + because(e.Error)
	case saga.KindStuck:
		says = "stuck: an undo has failed for good" + because(e.Error)
	case saga.KindStepDone:
		says = step + ": done"
	case saga.KindAttemptFailed:
		says = step + ": failed" + because(e.Error)
		switch {
		case e.Final:
			says += ", for good"
		case e.Due != nil:
			says += ", again" + until(e.Due, now)
		}
	case saga.KindChildStarted:
		says = step + ": the task " + e.Child + " has begun"
	case saga.KindSignal:
		says = "signal " + e.Signal + by
	case saga.KindCancel:
		says = "cancel asked for" + by + because(e.Reason)
	case saga.KindChildFinished:
		says = step + ": the task below has ended: " + e.ChildState
	case saga.KindResolved:
		says = step + ": resolved (" + e.Action + ")" + by + because(e.Reason)
	case saga.KindUndoRequested:
		says = "to be undone, for the task above is" + because(e.Reason)
	case saga.KindRecovered:
		says = "recovered from the result store"
	default:
		says = strings.TrimSpace(strings.ReplaceAll(string(e.Kind), "_", " ") + " " + e.Step)
	}
	return plain(says)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// until tells how long it is until then; nothing when it is not known.
func until(then *time.Time, now time.Time) string {
	if then == nil {
		return ""
	}
	if left := then.Sub(now); left > 0 {
		return " in " + lasting(left)
	}
	return fmt.Sprintf(" at %s", then.UTC().Format(time.RFC3339))
}
