package server

import (
	"log/slog"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// A process with everything on, over twenty seconds. A worker costs nine commands per second, on average, and an API less than
// one; to ask every ten milliseconds would be hundreds.
func TestAnIdleWorkerLeavesRedisAlone(t *testing.T) {
	redisURL := testenv.Redis(t)
	client, err := openRedis(redisURL, 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	worker := runTypes(t, config(t, RoleAll, vars{"REDIS_URL": redisURL, "OSP_QUEUES": "default:1"}),
		slog.New(slog.DiscardHandler), fixed("t.good", act("a", fine, fine)))
	worker.begin(`{"type":"t.good","id":"t","input":{}}`)
	worker.sees("/v1/tasks/t", string(saga.Completed)) // all loops have begun

	const watched = 20 * time.Second
	before, began := commands(t, client), time.Now()
	tick := time.NewTicker(watched / 2)
	defer tick.Stop()
	for time.Since(began) < watched {
		<-tick.C
	}
	rate := float64(commands(t, client)-before) / time.Since(began).Seconds()
	t.Logf("%.1f commands per second", rate)
	if rate > 14 {
		t.Errorf("an idle worker costs Redis %.1f commands per second", rate)
	}

	// What is held back is no call: it must not be seen as a slow one, which would last for nearly all the time.
	held := time.Since(began).Seconds()
	for _, m := range worker.families()["osp_redis_call_duration_seconds"].GetMetric() {
		if sum := m.GetHistogram().GetSampleSum(); sum > held*3/4 {
			t.Errorf("calls of Redis took %.1f s in %.1f s of rest: %v", sum, held, m.GetLabel())
		}
	}
	begun := time.Now()
	if err := worker.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > patience {
		t.Errorf("it took %v to stop", took)
	}
}
