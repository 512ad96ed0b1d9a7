package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
)

// keepTurn is how long a task that was late for its turn still has it.
const keepTurn = time.Hour

// limitKeys are the keys of one limit, in a partition that follows from its name. Turns are of one rate: with another one
// there are others, at once.
func (r *Redis) limitKeys(l saga.Limit) (room, turn []string) {
	p := r.of(l.Name)
	room = []string{p.base + "s:" + l.Name, p.base + "w:" + l.Name, p.base + "g:" + l.Name, p.limits}
	rate := fmt.Sprint(l.Every.Microseconds(), ":", l.Name)
	return room, []string{p.base + "n:" + rate, p.base + "b:" + rate}
}

// Enter asks for room under a limit. A task that begins waits for its turn first, then in line, behind those that go on.
func (r *Redis) Enter(ctx context.Context, l saga.Limit, id string, begins bool) (saga.Turn, error) {
	_, turnKeys := r.limitKeys(l)
	if begins && l.Every > 0 {
		answer, err := r.run(ctx, turnScript, turnKeys, id, l.Every.Microseconds(), keepTurn.Milliseconds())
		if err != nil {
			return saga.Turn{}, fail(ctx, "give a turn to task", id, err)
		}
		if at := answer.int(0); at > answer.int(1) {
			return saga.Turn{Due: moment(at)}, nil
		}
	}
	what := "enter"
	if !begins {
		what = "resume"
	}
	room, next, err := r.room(ctx, what, l, id)
	if err != nil {
		return saga.Turn{}, fail(ctx, "find room for task", id, err)
	}
	if room && begins && l.Every > 0 {
		// Best effort: a turn that stays is gone in an hour, and the task does not ask again once it has begun.
		_ = r.client.ZRem(ctx, turnKeys[1], id).Err()
	}
	return saga.Turn{Room: room, Next: next}, nil
}

// Stay keeps the room of a task for as long as another lease.
func (r *Redis) Stay(ctx context.Context, l saga.Limit, id string) error {
	if _, _, err := r.room(ctx, "stay", l, id); err != nil {
		return fail(ctx, "keep the room of task", id, err)
	}
	return nil
}

// Leave gives the room of a task back, its place in line and its turn. It returns those that got room.
func (r *Redis) Leave(ctx context.Context, l saga.Limit, id string) ([]string, error) {
	_, turnKeys := r.limitKeys(l)
	if l.Every > 0 {
		if err := r.client.ZRem(ctx, turnKeys[1], id).Err(); err != nil {
			return nil, fail(ctx, "take back the turn of task", id, err)
		}
	}
	_, next, err := r.room(ctx, "leave", l, id)
	if err != nil {
		return nil, fail(ctx, "give back the room of task", id, err)
	}
	return next, nil
}

// Give gives room that is free to those that wait for it, and returns them: somebody died with it, or did not come.
func (r *Redis) Give(ctx context.Context, l saga.Limit) ([]string, error) {
	_, next, err := r.room(ctx, "give", l, "")
	if err != nil {
		return nil, fail(ctx, "give room under limit", l.Name, err)
	}
	return next, nil
}

// room runs room.lua. Without a bound on how many run at once there is always room.
func (r *Redis) room(ctx context.Context, what string, l saga.Limit, id string) (room bool, next []string, err error) {
	if l.Concurrency == 0 {
		return true, nil, nil
	}
	keys, _ := r.limitKeys(l)
	ttl := r.o.LeaseTTL
	answer, err := r.run(ctx, roomScript, keys, what, id, l.Name, l.Concurrency, ttl.Microseconds(), 2*ttl.Milliseconds())
	given := answer.list(1)
	for i := range given {
		next = append(next, given.text(i))
	}
	return answer.int(0) == 1, next, err
}

// Crowded returns the limits under which somebody waits for room.
func (r *Redis) Crowded(ctx context.Context) ([]saga.Limit, error) {
	var list []saga.Limit
	for _, p := range r.partitions {
		names, err := r.client.HGetAll(ctx, p.limits).Result()
		if err != nil {
			return nil, fail(ctx, "read the limits", "", err)
		}
		for name, most := range names {
			list = append(list, saga.Limit{Name: name, Concurrency: int(number(most))})
		}
	}
	return list, nil
}

// Mark leaves a wake mark for a task that has not ended. Errors: [saga.ErrFinished].
func (r *Redis) Mark(ctx context.Context, id string) (saga.Ref, error) {
	p := r.of(id)
	answer, err := r.run(ctx, markScript, []string{p.meta(id), p.wake}, id)
	if err != nil {
		return saga.Ref{}, fail(ctx, "mark task", id, err)
	}
	if len(answer) == 0 {
		return saga.Ref{}, sentence("mark task", id, saga.ErrFinished)
	}
	return saga.Ref{ID: id, Type: answer.text(0), Queue: answer.text(1), Epoch: number(answer.text(2))}, nil
}
