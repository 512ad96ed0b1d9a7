package journal

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// scanned is how many keys Redis looks at for one answer of a scan.
const scanned = 1000

// MarkAllDirty has the row of every task written again whose journal is there, and returns how many those are. It is for
// a result store that went back in time: rows that it still has stay as they are.
func (r *Redis) MarkAllDirty(ctx context.Context) (int, error) {
	marked := 0
	for _, p := range r.partitions {
		now, err := r.client.Time(ctx).Result()
		if err != nil {
			return marked, fail(ctx, "mark tasks dirty", "", err)
		}
		mark := func(ids []redis.Z) error { return r.client.ZAddNX(ctx, p.dirty, ids...).Err() }
		n, err := r.eachTask(ctx, p, float64(now.UnixMicro()), mark)
		if marked += n; err != nil {
			return marked, fail(ctx, "mark tasks dirty", "", err)
		}
	}
	return marked, nil
}

// eachTask hands out the ids of a partition's tasks, some at a time. Some may come twice.
func (r *Redis) eachTask(ctx context.Context, p *partition, score float64, f func([]redis.Z) error) (int, error) {
	node, err := r.node(ctx, p)
	if err != nil {
		return 0, err
	}
	prefix := p.meta("")
	seen := map[string]bool{}
	for cursor := uint64(0); ; {
		keys, next, err := node.Scan(ctx, cursor, escapeGlob(prefix)+"*", scanned).Result()
		if err != nil {
			return len(seen), err
		}
		var ids []redis.Z
		for _, key := range keys {
			id := strings.TrimPrefix(key, prefix)
			seen[id] = true
			ids = append(ids, redis.Z{Score: score, Member: id})
		}
		if len(ids) > 0 {
			if err := f(ids); err != nil {
				return len(seen), err
			}
		}
		if cursor = next; cursor == 0 {
			return len(seen), nil
		}
	}
}

// node is where a partition's keys are: a scan of a cluster would ask any node.
func (r *Redis) node(ctx context.Context, p *partition) (redis.Cmdable, error) {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return r.client, nil
	}
	return cluster.MasterForKey(ctx, p.open)
}

// escapeGlob keeps what a prefix has of * and its like from meaning more.
func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
