package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// loadEvery is how often a process that serves the API looks at what there is to do.
const loadEvery = time.Second

// load knows whether new tasks should be refused. It implements handlers.Load, from what the last look has found.
type load struct {
	redis      redis.UniversalClient
	queued     func(context.Context) (int, error) // tasks that wait for a worker
	unwritten  func(context.Context) (int, error) // rows that wait for the result store
	maxBacklog int                                // of either; 0: any number
	mark       memoryMark
	log        *slog.Logger

	why atomic.Pointer[string]
}

// Overloaded implements handlers.Load.
func (l *load) Overloaded() string {
	if why := l.why.Load(); why != nil {
		return *why
	}
	return ""
}

// run looks every second until ctx ends.
func (l *load) run(ctx context.Context) {
	if l.maxBacklog == 0 && l.mark == (memoryMark{}) {
		return
	}
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		l.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look finds out whether a mark is passed. With a Redis that does not answer, what was found before stays: every start
// fails by itself then.
func (l *load) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, loadEvery)
	defer cancel()
	why, err := l.judge(ctx)
	if err != nil {
		l.log.DebugContext(ctx, "the load is not known", "error", err)
		return
	}
	switch before := l.Overloaded(); {
	case before == "" && why != "":
		l.log.WarnContext(ctx, "overloaded: new tasks are refused", "why", why)
	case before != "" && why == "":
		l.log.InfoContext(ctx, "no longer overloaded: new tasks are accepted")
	}
	l.why.Store(&why)
}

func (l *load) judge(ctx context.Context) (string, error) {
	why, err := l.memory(ctx)
	if err != nil || why != "" || l.maxBacklog == 0 {
		return why, err
	}
	for _, backlog := range []struct {
		count func(context.Context) (int, error)
		says  string
	}{
		{l.queued, "%d tasks wait for a worker, and at most %d should (OSP_MAX_BACKLOG)."},
		{l.unwritten, "%d rows wait for the result store, and at most %d should (OSP_MAX_BACKLOG)."},
	} {
		n, err := backlog.count(ctx)
		if err != nil {
			return "", err
		}
		if n > l.maxBacklog {
			return fmt.Sprintf(backlog.says, n, l.maxBacklog), nil
		}
	}
	return "", nil
}

// memory says which node of Redis has less room left than it should.
func (l *load) memory(ctx context.Context) (string, error) {
	if l.mark == (memoryMark{}) {
		return "", nil
	}
	cluster, ok := l.redis.(*redis.ClusterClient)
	if !ok {
		i, err := readMemory(ctx, l.redis)
		return l.mark.passed(i), err
	}
	var why atomic.Pointer[string]
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		i, err := readMemory(ctx, node)
		if w := l.mark.passed(i); w != "" {
			why.Store(&w)
		}
		return err
	})
	if w := why.Load(); w != nil {
		return *w, err
	}
	return "", err
}

// readMemory reads what a node tells of its memory. A host that hides it, and miniredis, give nothing.
func readMemory(ctx context.Context, node redis.Cmdable) (info, error) {
	text, err := node.Info(ctx, "memory").Result()
	if _, refused := errors.AsType[redis.Error](err); refused {
		return nil, nil
	}
	return parseInfo(text), err
}

// passed says that a node uses more memory than it should; empty: it does not, or does not tell.
func (m memoryMark) passed(i info) string {
	used, _ := strconv.ParseInt(i["used_memory"], 10, 64)
	most, _ := strconv.ParseInt(i["maxmemory"], 10, 64)
	limit := m.Bytes
	if m.Percent > 0 {
		limit = most / 100 * int64(m.Percent)
	}
	if limit == 0 || used <= limit {
		return ""
	}
	return fmt.Sprintf("Redis uses %d MB of memory, and should use at most %d (OSP_MAX_MEMORY).", used>>20, limit>>20)
}

// pending counts the tasks that wait for a worker, in all queues and held back from them.
func (s *Server) pending(ctx context.Context) (int, error) {
	queues := slices.Collect(maps.Keys(s.config.Queues))
	waiting, err := s.queue.Pending(ctx, queues...)
	if err != nil {
		return 0, err
	}
	held, err := s.journal.Held(ctx, queues...)
	n := 0
	for _, w := range slices.Concat(waiting, held) {
		n += w
	}
	return n, err
}
