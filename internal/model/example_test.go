package model_test

import (
	"fmt"

	"github.com/osp-platform/osp/internal/model"
)

// Leave out the wake mark, and a sender that dies at the wrong moment loses its signal.
func Example() {
	r := model.Search(model.Bounds{Signal: true, Crashes: 1}, model.WakeMark)
	fmt.Println(r.Broken)
	for _, line := range r.Trace {
		fmt.Println("-", line)
	}
	// Output:
	// nothing but misfortune brings the task to its end
	// - a sweeper has the task delivered, for its due time
	// - runner 1 claims
	// - runner 1 appends
	// - runner 1 begins a call of the do
	// - runner 1: the do returns
	// - runner 1 appends
	// - sender 1 posts its message
	// - sender 1 dies before it wakes the task
}
