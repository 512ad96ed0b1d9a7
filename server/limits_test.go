package server

import (
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// The tasks of a line are woken although the limit they wait under is no longer set.
func TestALineOutlivesItsLimit(t *testing.T) {
	redisURL := testenv.Redis(t)
	client, err := openRedis(redisURL, 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	before := journal.New(client, journal.Options{LeaseTTL: 100 * time.Millisecond})
	one := saga.Limit{Name: "http.saga", Concurrency: 1}
	for _, id := range []string{"holder", "waits"} { // both have ended since
		if _, err := before.Enter(t.Context(), one, id, true); err != nil {
			t.Fatal(err)
		}
	}
	r := run(t, config(t, RoleWorker, vars{"REDIS_URL": redisURL}))
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		crowded, err := before.Crowded(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(crowded) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nobody woke those that wait: %v", crowded)
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
