package journal

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

const (
	// justNow is how long after an activation a schedule without a mark begins with it.
	justNow = time.Minute
	// keepTick is how long a mark is kept: longer than the longest of common schedules takes to its next tick.
	keepTick = 400 * 24 * time.Hour
)

func (r *Redis) tick(of saga.WorkflowKey) string {
	return r.o.Prefix + ":tick:" + of.Service + ":" + of.ID // ids have no colon
}

func (r *Redis) schedules() string { return r.o.Prefix + ":schedules" }

// Ticked notes that the ticks of a schedule have been seen to up to a moment (zero: nothing is known), and returns up to when
// they really have, by this process or another: never before the version was activated. Now is the journal's clock.
func (r *Redis) Ticked(ctx context.Context, of saga.WorkflowKey, known, activated time.Time) (mark, now time.Time, err error) {
	since := int64(0)
	if !known.IsZero() {
		since = known.UnixMicro()
	}
	answer, err := r.run(ctx, tickScript, []string{r.tick(of)},
		since, activated.UnixMicro(), justNow.Microseconds(), keepTick.Milliseconds())
	if err != nil {
		return mark, now, fail(ctx, "note the ticks of workflow", of.String(), err)
	}
	return moment(answer.int(0)), moment(answer.int(1)), nil
}

// ShelveSchedules notes which schedules are active.
func (r *Redis) ShelveSchedules(ctx context.Context, list []saga.Triggered) error {
	raw, err := json.Marshal(list)
	if err != nil {
		return sentence("note the", "schedules", err)
	}
	if err := r.client.Set(ctx, r.schedules(), raw, 0).Err(); err != nil {
		return fail(ctx, "note the", "schedules", err)
	}
	return nil
}

// ShelvedSchedules returns what was noted last. Errors: [saga.ErrNotFound].
func (r *Redis) ShelvedSchedules(ctx context.Context) (list []saga.Triggered, err error) {
	raw, err := r.client.Get(ctx, r.schedules()).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, sentence("read the", "schedules", saga.ErrNotFound)
	case err != nil:
		return nil, fail(ctx, "read the", "schedules", err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, sentence("read the", "schedules", err)
	}
	return list, nil
}
