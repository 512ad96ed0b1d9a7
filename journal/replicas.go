package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// maxLag is how many seconds ago a replica may have been heard of before it counts as gone; Redis' own default.
const maxLag = 10

// What is known of a master's replicas.
const (
	unknown int32 = iota // it has not been asked, or did not answer: it is asked before anything relies on it
	none
	some // that keep up
)

// master is a server that has partitions, and the line of those who wait for the word of its replicas.
type master struct {
	node     *redis.Client
	replicas atomic.Int32

	mu      sync.Mutex
	runners []*witness
	clients []*witness
	sending bool
}

// master finds the server that has a partition.
func (r *Redis) master(ctx context.Context, p *partition) (*master, error) {
	var node *redis.Client
	switch client := r.client.(type) {
	case *redis.Client:
		node = client
	case *redis.ClusterClient:
		var err error
		if node, err = client.MasterForKey(ctx, p.base); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("a %T has no master", client)
	}
	m, ok := r.masters.Load(node)
	if !ok {
		m, _ = r.masters.LoadOrStore(node, &master{node: node})
	}
	return m.(*master), nil
}

// SeeReplicas finds out whether the masters have replicas that keep up. From then on what asks for it is confirmed by one
// of them, if there is one. To be called now and then: replicas come and go.
func (r *Redis) SeeReplicas(ctx context.Context) error {
	var errs []error
	seen := map[*master]bool{}
	for _, p := range r.partitions {
		m, err := r.master(ctx, p)
		if err == nil && !seen[m] {
			seen[m] = true
			err = m.look(ctx)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fail(ctx, "look for replicas", "", err)
	}
	return nil
}

// look notes whether a master has replicas. Where the host hides INFO, it counts as having none.
func (m *master) look(ctx context.Context) error {
	info, err := m.node.Info(ctx, "replication").Result()
	var answer redis.Error
	switch {
	case err != nil && !errors.As(err, &answer):
		m.replicas.Store(unknown)
		return err
	case Replicas(info) > 0:
		m.replicas.Store(some)
	default:
		m.replicas.Store(none)
	}
	return nil
}

// Replicas counts the replicas that keep up, in what INFO tells: slave0:ip=…,port=…,state=online,offset=…,lag=1
func Replicas(info string) (n int) {
	for line := range strings.Lines(info) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(name, "slave") || !strings.Contains(list, "state=online") {
			continue
		}
		if _, lag, ok := strings.Cut(list, ",lag="); ok && number(lag) <= maxLag {
			n++
		}
	}
	return n
}
