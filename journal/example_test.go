package journal_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// A task is recorded, claimed by one runner, and carried to its end.
func ExampleRedis() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()

	ctx := context.Background()
	j := journal.New(client, journal.Options{})
	started, _ := j.Start(ctx, saga.Start{Created: saga.Created{ID: "42", Type: "order", Hash: "of the request"}})
	fmt.Println("new:", started.New)

	claim, _ := j.Claim(ctx, "42", "random")
	_, err = j.Claim(ctx, "42", "another")
	_, busy := errors.AsType[*saga.BusyError](err)
	fmt.Println("busy for others:", busy)

	appended, _ := j.Append(ctx, claim.Lease, saga.Batch{
		Read:      int64(len(claim.Events)),
		Decisions: []saga.Event{{Kind: saga.KindCompleted}},
		Then:      saga.Finish,
	})
	fmt.Println("decided:", appended.Decided)

	snapshot, _ := j.Read(ctx, "42")
	for _, e := range snapshot.Events {
		fmt.Println(e.Seq, e.Kind)
	}
	// Output:
	// new: true
	// busy for others: true
	// decided: true
	// 1 created
	// 2 completed
}
