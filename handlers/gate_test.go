package handlers

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowded is a world in which as many starts are under way as there may be.
func crowded(t *testing.T) *world {
	w := newWorld(t)
	for range maxStarting {
		w.api.gate <- struct{}{}
	}
	return w
}

func TestAStartThatDoesNotGetItsTurnIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, began := crowded(t), time.Now()
		a := w.must(503, "POST /v1/tasks", demo)
		if a.slug() != "overloaded" || a.Header().Get("Retry-After") == "" || w.fake.starts != 0 || time.Since(began) != maxQueuing {
			t.Errorf("%s after %v, and %d starts: %s", a.slug(), time.Since(began), w.fake.starts, a.Body)
		}
		a = w.must(207, "POST /v1/tasks/batch", batchOf(demo, demo))
		if a.json("refused") != "2" || a.json("items.1.status") != "503" {
			t.Errorf("a batch: %s", a.Body)
		}
		w.must(503, "POST /v1/executions", execute)
		w.must(503, "POST /v1/tasks/some/retry", "")
	})
}

func TestAStartWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowded(t)
		var other sync.WaitGroup
		other.Go(func() {
			time.Sleep(maxQueuing / 2)
			<-w.api.gate
		})
		w.must(202, "POST /v1/tasks", demo)
		other.Wait()
		if len(w.api.gate) != maxStarting-1 {
			t.Errorf("%d places are taken: the start has not given its own back", len(w.api.gate))
		}
	})
}

func TestAStartThatPanicsGivesItsPlaceBack(t *testing.T) {
	w := newWorld(t)
	w.call("POST /v1/tasks", `{"type":"broken","input":{}}`)
	if len(w.api.gate) != 0 {
		t.Errorf("%d places are taken", len(w.api.gate))
	}
}
