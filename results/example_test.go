package results_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// Of two versions of a task the newer one stays, whichever comes last.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "osp")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	var store results.Store
	if store, err = results.OpenSQLite(ctx, filepath.Join(dir, "osp.db")); err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	task := saga.Task{ID: "order-1", Type: "order", UserID: saga.NilOwner, CreatedAt: time.Unix(1_790_000_000, 0)}
	for _, version := range []int64{1, 3, 2} {
		task.Version = version
		saved, err := store.Save(ctx, results.Rows(task))
		fmt.Println(saved, err)
	}
	// Output:
	// [{order-1 1}] <nil>
	// [{order-1 3}] <nil>
	// [{order-1 3}] <nil>
}

// An undo of what never happened succeeds, and refuses the do that comes late.
func ExampleSQLite_Apply() {
	dir, err := os.MkdirTemp("", "osp")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	store, err := results.OpenSQLite(ctx, filepath.Join(dir, "osp.db"))
	if err != nil {
		panic(err)
	}
	defer func() { _ = store.Close() }()

	fence := saga.Fence{Task: "order-1", Path: "reserve", Key: "order-1/reserve/undo/0", Undo: true}
	args := json.RawMessage(`{"schema": "shop_1", "name": "Shop", "user_id": "` + saga.NilOwner + `"}`)
	answer, err := store.Apply(ctx, fence, "service.reserve", args)
	fmt.Println(string(answer), err)
	fence.Key, fence.Undo = "order-1/reserve/do/0", false
	_, err = store.Apply(ctx, fence, "service.reserve", args)
	fmt.Println(err)
	// Output:
	// {} <nil>
	// refused: this step has been undone already
}
