package server

import (
	"crypto/rand"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// embeddedRedis is the Redis inside `osp dev`: miniredis on a free port of loopback, behind a password that nobody else
// knows. (Its connections without a port do not buffer, and a long pipeline blocks on them for ever.) What it holds
// ends with the process.
type embeddedRedis struct {
	server   *miniredis.Miniredis
	password string
}

func startEmbeddedRedis() (*embeddedRedis, error) {
	e := &embeddedRedis{server: miniredis.NewMiniRedis(), password: rand.Text()}
	e.server.ClockTTL(true)
	e.server.RequireAuth(e.password)
	if err := e.server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	return e, nil
}

func (e *embeddedRedis) client() redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Addr: e.server.Addr(), Password: e.password, PoolSize: 10, PoolTimeout: poolTimeout, DisableIdentity: true,
	})
}

func (e *embeddedRedis) close() { e.server.Close() }
