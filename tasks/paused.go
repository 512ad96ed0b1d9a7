package tasks

import (
	"context"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// PausedBy tells which pauses hold a task as it stands. What has ended is held by none; what is being undone only by a queue that
// somebody paused in Asynqmon, for then asynq delivers nothing of it.
func (f *Fleet) PausedBy(ctx context.Context, t saga.Task) ([]saga.Pause, error) {
	if t.State.Finished() {
		return nil, nil
	}
	var held []saga.Pause
	keys := t.PauseKeys()
	if t.Phase != saga.Undo {
		list, err := f.Journal.Pauses(ctx)
		if err != nil {
			return nil, err
		}
		held = slices.DeleteFunc(list, func(p saga.Pause) bool { return !slices.Contains(keys, p.PauseKey) })
	}
	halted, err := f.Queue.Halted(ctx, []string{t.Queue})
	if err != nil {
		return nil, err
	}
	since, stopped := halted[t.Queue]
	if stopped && !slices.ContainsFunc(held, func(p saga.Pause) bool { return p.Kind == saga.PauseQueue }) {
		held = append(held, halt(t.Queue, since))
	}
	return held, nil
}

// halt is the pause of a queue of which asynq itself delivers nothing.
func halt(queue string, since time.Time) saga.Pause {
	return saga.Pause{
		PauseKey: saga.PauseKey{Kind: saga.PauseQueue, Name: queue}, By: "asynqmon",
		Reason: "paused in Asynqmon: nothing of it is delivered, and nothing is undone", Since: since,
	}
}
