package storetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

// Memory is a journal with a clock of the test's own.
func ExampleMemory() {
	now := time.UnixMicro(1_000_000)
	j := storetest.NewMemory(func() time.Time { return now })

	ctx := context.Background()
	_, _ = j.Start(ctx, saga.Start{Created: saga.Created{ID: "42", Type: "order"}})
	_, _ = j.Claim(ctx, "42", "random")
	now = now.Add(6 * time.Second) // the runner died, and its lease is over
	overdue, _, _ := j.Overdue(ctx, 10)
	fmt.Println(overdue[0].ID)
	// Output: 42
}
