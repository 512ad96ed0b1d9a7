package journal

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// RunMerged runs commands as the group commit does with what waits, in this order.
func RunMerged(ctx context.Context, client redis.UniversalClient, cmds ...*redis.Cmd) (scripts int) {
	var list []*script
	for _, cmd := range cmds {
		list = append(list, &script{cmd: cmd})
	}
	calls, _ := merge(list)
	for _, m := range calls {
		_ = client.Process(ctx, m.cmd)
		m.deal()
	}
	return len(calls)
}

// RestartCounting makes the next claim look like the first one of another process.
func RestartCounting() { calls.Store(0) }

// Remembered is how many tasks are.
func (r *Redis) Remembered() int { return len(r.recent.young) + len(r.recent.old) }
