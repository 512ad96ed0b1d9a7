package testenv

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Redis starts a redis-server without persistence and returns its URL. It ends with the test. Args are added to its
// command line, such as "--maxmemory", "64mb".
func Redis(t testing.TB, args ...string) string {
	t.Helper()
	return RedisProcess(t, args...).URL
}

// RedisServer is a redis-server that a test can stop and start.
type RedisServer struct {
	// URL is redis://127.0.0.1:port; Addr is its host and port.
	URL, Addr string

	t    testing.TB
	dir  string
	args []string
	mu   sync.Mutex
	p    *process // nil while it does not run
}

// RedisProcess starts a redis-server like [Redis] does and returns a handle on it.
func RedisProcess(t testing.TB, args ...string) *RedisServer {
	t.Helper()
	dir := t.TempDir()
	r, err := attempt(func() (*RedisServer, error) {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		r := &RedisServer{t: t, Addr: addr, URL: "redis://" + addr, dir: dir, args: args}
		return r, r.start()
	})
	must(t, r, err)
	t.Cleanup(r.Kill)
	return r
}

func (r *RedisServer) start() error {
	program, err := find("redis-server")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(r.Addr)
	args := append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", r.dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
	}, r.args...)
	p, err := start(how{}, program, args...)
	if err != nil {
		return err
	}
	if err := p.ready(r.ping); err != nil {
		p.stop(syscall.SIGKILL)
		return err
	}
	r.p = p
	return nil
}

// ping asks for any answer but LOADING.
func (r *RedisServer) ping() error {
	conn, err := net.DialTimeout("tcp", r.Addr, probeTimeout) //nolint:noctx // bounded by its own timeout
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(probeTimeout))
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if strings.HasPrefix(string(answer[:n]), "-LOADING") {
		return errors.New("it is loading")
	}
	return nil
}

// Start starts the server again, on the same port. What it held is gone, unless its args say otherwise.
func (r *RedisServer) Start() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil {
		r.t.Fatal("testenv: the redis-server runs already")
	}
	must(r.t, r, r.start())
}

// Stop ends the server in good order (SIGTERM).
func (r *RedisServer) Stop() { r.end(syscall.SIGTERM) }

// Kill ends the server at once (SIGKILL).
func (r *RedisServer) Kill() { r.end(syscall.SIGKILL) }

func (r *RedisServer) end(sig syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil {
		r.p.stop(sig)
		r.p = nil
	}
}

// Pause makes the server hang (SIGSTOP): connections stay open and nothing answers.
func (r *RedisServer) Pause() { r.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (r *RedisServer) Resume() { r.signal(syscall.SIGCONT) }

func (r *RedisServer) signal(sig syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil {
		_ = r.p.cmd.Process.Signal(sig)
	}
}
