package server

import (
	"context"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// embeddedRedis is the Redis inside `osp dev`: miniredis, reached without a port. What it holds ends with the process.
type embeddedRedis struct {
	server *miniredis.Miniredis
}

func startEmbeddedRedis() *embeddedRedis {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	return &embeddedRedis{server: m}
}

func (e *embeddedRedis) client() redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:0", PoolSize: 10, PoolTimeout: poolTimeout, DisableIdentity: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return e.server.Dial() },
	})
}

func (e *embeddedRedis) close() { e.server.Close() }
