package journal

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Copies of definitions have keys of their own, outside of the partitions: each is read and written alone. They have no
// expiry, for nobody knows how long a task may wait.

// currentFor is how long it stays noted what a service's tasks begin with: clients name services, so that there is no end of
// these notes, and each start of a task has its own written anew.
const currentFor = 30 * 24 * time.Hour

func (r *Redis) definition(hash string) string { return r.o.Prefix + ":definition:" + hash }
func (r *Redis) workflow(of saga.WorkflowKey) string {
	return r.o.Prefix + ":workflow:" + of.Service + ":" + of.ID // ids have no colon
}

// Shelve keeps a definition under its hash. One that is there already is left as it is.
func (r *Redis) Shelve(ctx context.Context, hash string, content []byte) error {
	there, err := r.client.Exists(ctx, r.definition(hash)).Result()
	if err == nil && there == 0 {
		err = r.client.Set(ctx, r.definition(hash), content, 0).Err()
	}
	if err != nil {
		return fail(ctx, "keep definition", hash, err)
	}
	return nil
}

// Shelved returns a definition by its hash. Errors: [saga.ErrNotFound].
func (r *Redis) Shelved(ctx context.Context, hash string) ([]byte, error) {
	content, err := r.client.Get(ctx, r.definition(hash)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return nil, sentence("read definition", hash, saga.ErrNotFound)
	case err != nil:
		return nil, fail(ctx, "read definition", hash, err)
	}
	return content, nil
}

// ShelveCurrent notes which version a service's tasks of a type begin with: it may be the platform's.
func (r *Redis) ShelveCurrent(ctx context.Context, of saga.WorkflowKey, v saga.WorkflowVersion) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return sentence("note the version of workflow", of.String(), err)
	}
	if err := r.client.Set(ctx, r.workflow(of), raw, currentFor).Err(); err != nil {
		return fail(ctx, "note the version of workflow", of.String(), err)
	}
	return nil
}

// ShelvedCurrent returns what was noted last. Errors: [saga.ErrNotFound].
func (r *Redis) ShelvedCurrent(ctx context.Context, of saga.WorkflowKey) (v saga.WorkflowVersion, err error) {
	raw, err := r.client.Get(ctx, r.workflow(of)).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return v, sentence("read the version of workflow", of.String(), saga.ErrNotFound)
	case err != nil:
		return v, fail(ctx, "read the version of workflow", of.String(), err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, sentence("read the version of workflow", of.String(), err)
	}
	return v, nil
}
