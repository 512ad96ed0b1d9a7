package server

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
)

// Accept says what has to have a task, or what steers it, before a client is told that it is accepted.
type Accept string

// What may be waited for.
const (
	AcceptRedis   Accept = "redis"   // Redis has acknowledged it
	AcceptReplica Accept = "replica" // and a replica of it, too
	AcceptStored  Accept = "stored"  // a task's row is in the result store
)

// rowWithin is how long a start waits for its row.
const rowWithin = 10 * time.Second

func (l *loader) accept(role Role) Accept {
	switch v := Accept(l.text("OSP_ACCEPT")); {
	case v == "":
		return AcceptRedis
	case v == AcceptReplica && role == RoleDev:
		l.wrong("OSP_ACCEPT", "is replica, and osp dev's own Redis has none: set it to redis or stored")
		return v
	case v == AcceptRedis || v == AcceptReplica || v == AcceptStored:
		return v
	default:
		l.wrong("OSP_ACCEPT", "is %q: set it to redis, replica or stored", v)
		return v
	}
}

// waitForRow is how long a start waits for its row; 0: it does not.
func (c Config) waitForRow() time.Duration {
	if c.Accept == AcceptStored {
		return rowWithin
	}
	return 0
}

// checkReplicas warns when replicas are required and there are none, and when there are and cannot be waited for. It refuses
// nothing: a replica that is away comes back, and until then the process says to each client what it cannot promise.
func checkReplicas(ctx context.Context, client redis.UniversalClient, accept Accept) []Finding {
	f := Finding{Check: "redis replicas", Level: LevelOK, Says: "every master has one that keeps up", Variable: "OSP_ACCEPT"}
	var mu sync.Mutex
	look := func(ctx context.Context, node *redis.Client) error {
		level, says := checkReplicasOf(ctx, node, accept == AcceptReplica)
		mu.Lock()
		defer mu.Unlock()
		if level != LevelOK {
			f.Level, f.Says = level, says
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	if cluster, ok := client.(*redis.ClusterClient); ok {
		_ = cluster.ForEachMaster(ctx, look) // what cannot be asked was told of before
	} else if node, ok := client.(*redis.Client); ok {
		_ = look(ctx, node)
	}
	if f.Level == LevelOK && accept != AcceptReplica {
		return nil // there is nothing to say about replicas that nobody asked for
	}
	return []Finding{f}
}

// checkReplicasOf looks at one master.
func checkReplicasOf(ctx context.Context, node *redis.Client, required bool) (Level, string) {
	said, err := node.Info(ctx, "replication").Result()
	switch {
	case err != nil && required:
		return LevelUnknown, "whether there are replicas " + unseen
	case err != nil:
		return LevelOK, ""
	case journal.Replicas(said) == 0 && required:
		return LevelWarning, "OSP_ACCEPT is replica, and no replica keeps up with " + node.Options().Addr + ": starts, signals and cancels " +
			"get 503 and steps wait until one does. Connect one, or set OSP_ACCEPT to redis or stored"
	case journal.Replicas(said) == 0:
		return LevelOK, ""
	}
	if err := node.Do(ctx, "wait", 0, 1).Err(); err == nil {
		return LevelOK, ""
	}
	if required {
		return LevelWarning, "OSP_ACCEPT is replica, and Redis refuses WAIT: starts, signals and cancels get 503 and steps wait. Allow " +
			"the command, or set OSP_ACCEPT to redis or stored"
	}
	return LevelWarning, "there are some, and Redis refuses WAIT: a failover may lose that a step was called. Allow the command"
}

// seeReplicasEvery is how long a replica that has just come may be left out.
const seeReplicasEvery = 5 * time.Second

// seeReplicas keeps the journal knowing whether there are replicas, until ctx ends.
func (s *Server) seeReplicas(ctx context.Context) {
	if s.worker == nil || s.embedded != nil {
		return
	}
	again := time.NewTicker(seeReplicasEvery)
	defer again.Stop()
	for {
		if err := s.journal.SeeReplicas(ctx); err != nil && ctx.Err() == nil {
			s.log.DebugContext(ctx, "replicas not looked for, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}
