package testenv

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Bubble returns a Redis in memory that works in a bubble of [testing/synctest], where time is virtual: a whole asynq
// server runs on it. Both end with the test.
func Bubble(t testing.TB) (*redis.Client, *miniredis.Miniredis) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:6379",
		// Nobody waits for a connection: go-redis would take the timers of such waits from bubble to bubble.
		PoolSize: 128,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			conn, err := m.Dial()
			if err != nil {
				return nil, fmt.Errorf("dial miniredis: %w", err)
			}
			return newBuffered(conn), nil
		},
	})
	t.Cleanup(m.Close)
	t.Cleanup(func() { _ = client.Close() })
	return client, m
}

// buffered makes room for what is written to a pipe, as a socket does: a pipeline is written before anything is read.
type buffered struct {
	net.Conn
	mu     sync.Mutex
	more   *sync.Cond
	queue  []byte
	closed bool
}

func newBuffered(conn net.Conn) net.Conn {
	b := &buffered{Conn: conn}
	b.more = sync.NewCond(&b.mu)
	go b.drain()
	return b
}

func (b *buffered) drain() {
	for {
		b.mu.Lock()
		for len(b.queue) == 0 && !b.closed {
			b.more.Wait()
		}
		queue := b.queue
		b.queue = nil
		b.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		if _, err := b.Conn.Write(queue); err != nil {
			return
		}
	}
}

// Write implements net.Conn; it never waits.
func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.queue = append(b.queue, p...)
	b.more.Signal()
	return len(p), nil
}

// Close implements net.Conn.
func (b *buffered) Close() error {
	b.mu.Lock()
	b.closed = true
	b.more.Signal()
	b.mu.Unlock()
	return b.Conn.Close()
}

// SetDeadline implements net.Conn; what is never waited for has no deadline.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }
