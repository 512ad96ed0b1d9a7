package journal_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestAWaitingTaskIsSmall(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	const tasks = 2000
	waitingOrder(t, j, 0) // the scripts, and the indexes
	before := used(t, client)
	for n := range tasks {
		id := waitingOrder(t, j, n+1)
		s, err := j.Read(t.Context(), id)
		must(t, err)
		clean(t, j, saga.Flushed{ID: id, Version: s.Version, Stored: s.Version})
	}
	each := (used(t, client) - before) / tasks
	t.Logf("%d bytes for a waiting task", each)
	if each > 2000 {
		t.Errorf("%d bytes for a waiting task, want at most 2000", each)
	}
}

var usedMemory = regexp.MustCompile(`used_memory:(\d+)`)

func used(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "memory").Result()
	must(t, err)
	n, err := strconv.Atoi(usedMemory.FindStringSubmatch(info)[1])
	must(t, err)
	return n
}
