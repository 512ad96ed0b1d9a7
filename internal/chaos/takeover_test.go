package main

import (
	"slices"
	"testing"
	"time"
)

func TestATakeOverIsTheSameCallAgainAfterItsWorkerWasKilled(t *testing.T) {
	call := func(at time.Duration, what eventKind, worker, key string, n int64) event {
		return event{At: at, What: what, Target: worker, Key: key, Call: n}
	}
	kill := func(at time.Duration, worker string) event {
		return event{At: at, What: seenFault, Target: worker, Step: string(faultKill)}
	}
	got := takeOvers([]event{
		call(1, seenArrived, "worker-1", "a", 1), // is under way when its worker dies
		call(2, seenArrived, "worker-1", "b", 2), // is over by then
		call(3, seenLeft, "worker-1", "b", 2),
		call(4, seenArrived, "worker-2", "c", 3), // another's
		kill(10, "worker-1"),
		call(11, seenLeft, "worker-1", "a", 1),
		call(12, seenArrived, "worker-2", "b", 4),
		call(13, seenArrived, "worker-2", "c", 5),
		call(15, seenArrived, "worker-2", "a", 6),
		call(16, seenArrived, "worker-3", "a", 7), // once is enough
	})
	if want := []time.Duration{5}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for n := range 101 {
		all = append(all, time.Duration(100-n)*time.Second)
	}
	if got, want := quantiles(all), "101: p50 50s, p99 1m39s, max 1m40s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := quantiles(nil); got != "none" {
		t.Error(got)
	}
}
