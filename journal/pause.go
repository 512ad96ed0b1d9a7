package journal

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// manyMarks is how many wake marks of a partition are enough: workers are busy with those.
const manyMarks = 1000

func (r *Redis) pauses() string { return r.o.Prefix + ":pauses" }

// pauseName is how Redis calls what is paused: "type/order".
func pauseName(k saga.PauseKey) string { return string(k.Kind) + "/" + k.Name }

func pauseKey(name string) saga.PauseKey {
	kind, name, _ := strings.Cut(name, "/")
	return saga.PauseKey{Kind: saga.PauseKind(kind), Name: name}
}

// parkedUnder has those of a partition that wait for the end of a pause.
func (p *partition) parkedUnder(name string) string { return p.base + "p:" + name }

// Pause notes a pause, and since when it is: again, who asked for it last and why.
func (r *Redis) Pause(ctx context.Context, p saga.Pause) (saga.Pause, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return p, sentence("pause", pauseName(p.PauseKey), err)
	}
	answer, err := r.run(ctx, pauseScript, []string{r.pauses()}, pauseName(p.PauseKey), raw)
	if err != nil {
		return p, fail(ctx, "pause", pauseName(p.PauseKey), err)
	}
	p.Since = moment(answer.int(0))
	return p, nil
}

// Resume ends a pause, if there is one.
func (r *Redis) Resume(ctx context.Context, k saga.PauseKey) error {
	if err := r.client.HDel(ctx, r.pauses(), pauseName(k)).Err(); err != nil {
		return fail(ctx, "resume", pauseName(k), err)
	}
	return nil
}

// Pauses returns all pauses that there are, in the order of their names.
func (r *Redis) Pauses(ctx context.Context) ([]saga.Pause, error) {
	noted, err := r.client.HGetAll(ctx, r.pauses()).Result()
	if err != nil {
		return nil, fail(ctx, "read the", "pauses", err)
	}
	list := make([]saga.Pause, 0, len(noted))
	for name, value := range noted {
		since, raw, _ := strings.Cut(value, " ")
		var p saga.Pause
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			return nil, sentence("read the pause of", name, err)
		}
		p.PauseKey, p.Since = pauseKey(name), moment(number(since))
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b saga.Pause) int { return strings.Compare(pauseName(a.PauseKey), pauseName(b.PauseKey)) })
	return list, nil
}

// Park notes a task that waits for the end of a pause.
func (r *Redis) Park(ctx context.Context, id string, k saga.PauseKey) error {
	p, name := r.of(id), pauseName(k)
	if _, err := r.run(ctx, parkScript, []string{p.parkedUnder(name), p.parked}, id, name); err != nil {
		return fail(ctx, "note the pause of task", id, err)
	}
	return nil
}

// Parked returns the pauses, also those that are over, for whose end some tasks wait.
func (r *Redis) Parked(ctx context.Context) ([]saga.PauseKey, error) {
	answers := make([]*redis.StringSliceCmd, len(r.partitions))
	_, err := r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i, p := range r.partitions {
			answers[i] = pipe.SMembers(ctx, p.parked)
		}
		return nil
	})
	if err != nil {
		return nil, fail(ctx, "read who waits for", "pauses", err)
	}
	var keys []saga.PauseKey
	for _, a := range answers {
		for _, name := range a.Val() {
			if k := pauseKey(name); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys, nil
}

// Unpark leaves wake marks for tasks that waited for the end of a pause, up to limit of each partition, and tells whether there
// are more.
func (r *Redis) Unpark(ctx context.Context, k saga.PauseKey, limit int) (marked int, more bool, err error) {
	name := pauseName(k)
	for _, p := range r.partitions {
		ids, err := r.client.SRandMemberN(ctx, p.parkedUnder(name), int64(limit)).Result()
		if err != nil {
			return marked, more, fail(ctx, "wake what waited for", name, err)
		}
		keys, args := []string{p.parkedUnder(name), p.parked, p.wake}, []any{name, manyMarks}
		for _, id := range ids {
			keys, args = append(keys, p.meta(id)), append(args, id)
		}
		answer, err := r.run(ctx, unparkScript, keys, args...)
		if err != nil {
			return marked, more, fail(ctx, "wake what waited for", name, err)
		}
		marked, more = marked+int(answer.int(0)), more || answer.int(1) == 1
	}
	return marked, more, nil
}
