package server

import (
	"net/http"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// monitorPath is where Asynqmon is mounted: the full external path, which it never strips.
const monitorPath = "/monitor"

// shared hands Asynqmon the process's own client. Asynqmon's Close would close it, so that is not called.
type shared struct{ client redis.UniversalClient }

// MakeRedisClient implements asynq.RedisConnOpt.
func (s shared) MakeRedisClient() any { return s.client }

// monitor is Asynqmon. It has no login and no protection against cross-site requests of its own.
func monitor(client redis.UniversalClient, readOnly bool) http.Handler {
	h := asynqmon.New(asynqmon.Options{RootPath: monitorPath, RedisConnOpt: shared{client}, ReadOnly: readOnly})
	return h
}
