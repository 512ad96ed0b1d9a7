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

func TestAQueueThatNoWorkerServesSaysSo(t *testing.T) {
	answers := hostile()
	queue := dict{"weight": 1, "pending": 3, "active": 0, "scheduled": 0, "retry": 0, "oldest_waiting_seconds": 400.5}
	answers["/v1/queues"] = dict{"items": []dict{
		merged(queue, dict{"name": "bulk", "unserved": true}), merged(queue, dict{"name": "mail", "unserved": false}),
	}}
	_, p, url := tells(t, dict{"open": true, "role": "operator"}, answers)
	p.open(url + "/ui/")
	p.wait(section("queues") + `.includes('bulk no worker serves it')`)
	if read[bool](p, section("queues")+`.includes('mail no worker')`) {
		t.Error("it is said of a queue that a worker serves")
	}
	p.looks("overview-unserved")
}
