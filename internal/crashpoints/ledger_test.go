package crashpoints

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga/storetest"
)

// opener makes the journal of one run.
type opener func(t *testing.T) ledger

// inMemory is the quick one: most runs are on it.
func inMemory(*testing.T) ledger {
	return storetest.NewMemory(time.Now, storetest.Options{KeepFinished: keep, IdempotencyWindow: window})
}

// inRedis is the real journal, with its scripts, in a Redis that works in virtual time.
func inRedis(t *testing.T) ledger { return onRedis(t) }

// onRedis is inRedis with hooks on its client.
func onRedis(t *testing.T, hooks ...redis.Hook) ledger {
	client, _ := testenv.Bubble(t)
	for _, h := range hooks {
		client.AddHook(h)
	}
	j := journal.New(client, journal.Options{KeepFinished: keep, IdempotencyWindow: window})
	return redisLedger{j, client}
}

type redisLedger struct {
	*journal.Redis
	client *redis.Client
}

// Left implements ledger.
func (l redisLedger) Left() []string {
	ctx := context.Background()
	const base = "osp:{00}:"
	var list []string
	for _, key := range l.client.Keys(ctx, "osp:*").Val() {
		name := strings.TrimPrefix(key, base)
		kind, id, _ := strings.Cut(name, ":")
		switch kind {
		case "j":
			list = append(list, "journal "+id)
		case "t":
			list = append(list, "tombstone "+id)
		case "open", "wake", "dirty":
			for _, id := range l.client.ZRange(ctx, key, 0, -1).Val() {
				list = append(list, kind+" "+id)
			}
		case "outbox":
			for _, id := range l.client.HKeys(ctx, key).Val() {
				list = append(list, "outbox "+id)
			}
		case "m":
			if l.client.Exists(ctx, base+"j:"+id).Val() == 0 {
				list = append(list, "meta "+id)
			}
		default:
			list = append(list, fmt.Sprintf("key %s", key))
		}
	}
	slices.Sort(list)
	return list
}
