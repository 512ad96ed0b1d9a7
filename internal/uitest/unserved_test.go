package uitest

import (
	"testing"
	"time"
)

// The workers of the queue are gone, or were never there.
func TestATaskThatNoWorkerServesSaysSo(t *testing.T) {
	_, p, url := tells(t, dict{"open": true, "role": "operator"}, map[string]any{"/v1/tasks/t1": dict{
		"id": "t1", "type": "order.place", "state": "pending", "phase": "forward", "input": dict{}, "steps": []dict{},
		"created_at": time.Now().UTC().Add(-time.Minute).Format(time.RFC3339), "unserved": true,
	}})
	p.requestsMayFail() // there is no stream
	p.open(url + "/ui/tasks/t1")
	p.says("No worker serves its queue")
	p.looks("task-unserved")
}
