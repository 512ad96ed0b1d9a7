package main

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// Whoever is killed with room under a limit loses it, and there are never more calls at once than the limit says.
func TestAWorkerIsKilledWithRoomUnderALimit(t *testing.T) {
	env := append(here(t), "OSP_LIMITS=http.saga:concurrency=2")
	var now, most atomic.Int64
	var killed atomic.Bool
	e := newEndpoint(t, func(_ string, _ int, r *http.Request) int {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if !killed.Load() { // the first worker dies while it waits for these answers
			<-r.Context().Done()
		}
		return http.StatusOK
	})
	api, first := start(t, "api", env...), start(t, "worker", env...)
	var ids []string
	for range 6 {
		ids = append(ids, api.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a")}).ID)
	}
	eventually(t, enough, func() bool { return now.Load() == 2 }, func() any { return now.Load() })
	start(t, "worker", env...) // it renews what it gets, and must not give away the room of the dead by that
	first.kill()
	killed.Store(true)
	at := time.Now()
	for _, id := range ids {
		api.wait(id, enough, saga.Completed)
	}
	t.Logf("all completed %v after the kill", time.Since(at).Round(time.Millisecond))
	if most.Load() != 2 {
		t.Errorf("%d calls at once, want 2", most.Load())
	}
}
