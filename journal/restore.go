package journal

import (
	"context"

	"github.com/osp-platform/osp/saga"
)

// Restore implements [saga.Journal].
func (r *Redis) Restore(ctx context.Context, m saga.Restoration) (saga.Restored, error) {
	c := m.Created
	args, err := restoreArgs(m)
	if err != nil {
		return saga.Restored{}, sentence("restore task", c.ID, err)
	}
	p := r.of(c.ID)
	answer, err := r.run(ctx, restoreScript,
		[]string{p.journal(c.ID), p.meta(c.ID), p.tombstone(c.ID), p.open, p.dirty, p.outbox}, args...)
	if err != nil {
		return saga.Restored{}, fail(ctx, "restore task", c.ID, err)
	}
	if answer.int(0) == 1 {
		ref := saga.Ref{ID: c.ID, Type: c.Type, Queue: c.Queue, Epoch: number(answer.text(1)), Due: m.Due}
		return saga.Restored{Ref: ref, New: true, Finished: m.Finished != ""}, nil
	}
	ref := saga.Ref{ID: c.ID, Type: answer.text(2), Queue: answer.text(3), Epoch: number(answer.text(4))}
	ref.Due = saga.Micros(number(answer.text(5))).Time()
	return saga.Restored{Ref: ref, Finished: answer.int(1) == 1}, nil
}

// restoreArgs makes the arguments of restore.lua.
func restoreArgs(m saga.Restoration) ([]any, error) {
	c := m.Created
	args := []any{
		c.ID, digest(c.Hash), c.Type, c.Queue, m.Version, int64(saga.MicrosOf(m.Due)), dueSlack, string(m.Finished),
		c.Parent, c.ParentPath, m.Reopened, m.Children, len(m.Stored), len(m.Events),
	}
	for _, stored := range m.Stored {
		args = append(args, stored)
	}
	for _, e := range m.Events {
		body, err := saga.Encode(e)
		if err != nil {
			return nil, err
		}
		args = append(args, body)
	}
	for key, seq := range m.Posted {
		args = append(args, dedupeField(key), seq)
	}
	return args, nil
}
