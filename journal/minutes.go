package journal

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// anHour is how many minutes are told.
const anHour = 60

// Minutes tells how many tasks began and ended in each of the last sixty minutes, the present one included, oldest first. A child
// that is undone after its end has ended twice.
func (r *Redis) Minutes(ctx context.Context) ([]saga.Minute, error) {
	counts := make([]*redis.MapStringStringCmd, len(r.partitions))
	now, err := r.client.Time(ctx).Result()
	if err == nil {
		_, err = r.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for i, p := range r.partitions {
				counts[i] = pipe.HGetAll(ctx, p.minutes)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fail(ctx, "count what happened in", "minutes", err)
	}
	minutes := make([]saga.Minute, anHour)
	first := now.Unix()/60 - anHour + 1
	for i := range minutes {
		minutes[i].At = time.Unix(60*(first+int64(i)), 0).UTC()
	}
	for _, c := range counts {
		for field, n := range c.Val() {
			digits := strings.TrimRight(field, "abcdefghijklmnopqrstuvwxyz")
			i := number(digits) - first
			if i < 0 || i >= anHour {
				continue
			}
			m := &minutes[i]
			switch field[len(digits):] {
			case "s":
				m.Started += int(number(n))
			case "co":
				m.Completed += int(number(n))
			case "fa":
				m.Failed += int(number(n))
			case "ca":
				m.Cancelled += int(number(n))
			}
		}
	}
	return minutes, nil
}
