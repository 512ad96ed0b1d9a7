package journal

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Sessions of browsers have a key each, which expires with the session. What stands there is sealed: see handlers. No error
// names the id.

//go:embed lua/reseal.lua
var resealLua string

var resealScript = newScript(resealLua)

func (r *Redis) session(id string) string { return r.o.Prefix + ":session:" + id }

// KeepSession keeps data under an id that is new, for a time.
func (r *Redis) KeepSession(ctx context.Context, id string, data []byte, keep time.Duration) error {
	if err := r.client.Set(ctx, r.session(id), data, keep).Err(); err != nil {
		return fail(ctx, "keep a session", "", err)
	}
	return nil
}

// Session returns what is kept, and for how long still. Errors: [saga.ErrNotFound].
func (r *Redis) Session(ctx context.Context, id string) ([]byte, time.Duration, error) {
	var data *redis.StringCmd
	var left *redis.DurationCmd
	_, err := r.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		data, left = p.Get(ctx, r.session(id)), p.PTTL(ctx, r.session(id))
		return nil
	})
	switch {
	case errors.Is(err, redis.Nil), err == nil && left.Val() < 0: // it expired between the two
		return nil, 0, sentence("read", "a session", saga.ErrNotFound)
	case err != nil:
		return nil, 0, fail(ctx, "read a session", "", err)
	}
	return []byte(data.Val()), left.Val(), nil
}

// ProlongSession keeps what is there for a time from now on.
func (r *Redis) ProlongSession(ctx context.Context, id string, keep time.Duration) error {
	if err := r.client.PExpire(ctx, r.session(id), keep).Err(); err != nil {
		return fail(ctx, "prolong a session", "", err)
	}
	return nil
}

// ReplaceSession puts other data in the place of those that were read, and tells whether these were still there.
func (r *Redis) ReplaceSession(ctx context.Context, id string, read, data []byte, keep time.Duration) (bool, error) {
	done, err := resealScript.Run(ctx, r.client, []string{r.session(id)}, read, data, keep.Milliseconds()).Bool()
	if err != nil {
		return false, fail(ctx, "replace a session", "", err)
	}
	return done, nil
}

// DropSession forgets a session; one that is not there is no error.
func (r *Redis) DropSession(ctx context.Context, id string) error {
	if err := r.client.Del(ctx, r.session(id)).Err(); err != nil {
		return fail(ctx, "end a session", "", err)
	}
	return nil
}
