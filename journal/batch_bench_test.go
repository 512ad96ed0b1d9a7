package journal_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// instant answers every script at once, so that only this side of an append is measured.
type instant struct{ answer any }

// DialHook implements redis.Hook.
func (instant) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessPipelineHook implements redis.Hook.
func (instant) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (i instant) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		cmd.(*redis.Cmd).SetVal(i.answer)
		return nil
	}
}

// BenchmarkBatch makes the arguments of an append with a result and the next start, and reads the answer.
func BenchmarkBatch(b *testing.B) {
	client := redis.NewClient(&redis.Options{})
	defer func() { _ = client.Close() }()
	now := time.UnixMicro(1_700_000_000_000_000).UTC()
	client.AddHook(instant{[]any{int64(1), int64(1), int64(3), now.UnixMicro(), []any{}}})
	j := journal.New(client, journal.Options{})
	for _, size := range []int{20, 2_000} {
		b.Run(fmt.Sprintf("output=%d", size), func(b *testing.B) {
			output := json.RawMessage(fmt.Sprintf("%q", fmt.Sprintf("%0*d", size, 1)))
			b.ReportAllocs()
			for b.Loop() {
				a, err := j.Append(b.Context(), saga.Lease{ID: "0193523e8a7c7d3f9b1e100000000000", Epoch: 1, Nonce: "nonce"}, saga.Batch{
					Read: 2, ReadAt: saga.MicrosOf(now),
					Facts:     []saga.Event{{Kind: saga.KindStepDone, Path: "charge", Data: output}},
					Decisions: []saga.Event{begin("ship", now)},
				})
				must(b, err)
				if !a.Decided {
					b.Fatalf("appended: %+v", a)
				}
			}
		})
	}
}
