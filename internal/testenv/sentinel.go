package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// SentinelServer is a master with one replica, and a Sentinel that makes the replica the master when it is told to. It takes
// nobody for dead by itself: on a busy machine it would take those for dead that are slow, and its own pauses for theirs, after
// which no replica is fit for it.
type SentinelServer struct {
	URL             string // redis-sentinel://…
	Master, Replica *RedisServer

	sentinel string // host:port
}

// sentinelMaster is what the Sentinel calls the master.
const sentinelMaster = "osp"

// RedisSentinel starts all three. They end with the test.
func RedisSentinel(t testing.TB) *SentinelServer {
	t.Helper()
	s := &SentinelServer{Master: RedisProcess(t)}
	host, port, _ := net.SplitHostPort(s.Master.Addr)
	s.Replica = RedisProcess(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	dir := t.TempDir()
	addr, err := attempt(func() (string, error) { return startSentinel(t, dir, host, port) })
	must(t, s, err)
	s.sentinel, s.URL = addr, "redis-sentinel://"+addr+"/"+sentinelMaster
	client := redis.NewSentinelClient(&redis.Options{Addr: addr})
	defer func() { _ = client.Close() }()
	must(t, s, poll(func() error { return knowsReplica(t.Context(), client) }))
	return s
}

// startSentinel runs a Sentinel alone: its own word is enough for a failover.
func startSentinel(t testing.TB, dir, host, port string) (string, error) {
	own, err := freePort()
	if err != nil {
		return "", err
	}
	program, err := find("redis-server")
	if err != nil {
		return "", err
	}
	config := filepath.Join(dir, "sentinel.conf") // it writes into it
	text := fmt.Sprintf(
		"port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %[3]s %[4]s %[5]s 1\nsentinel down-after-milliseconds %[3]s %[6]d\n"+
			"sentinel failover-timeout %[3]s 5000\n", own, dir, sentinelMaster, host, port, startTimeout.Milliseconds())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the Sentinel's configuration: %w", err)
	}
	p, err := start(how{}, program, config, "--sentinel")
	if err != nil {
		return "", err
	}
	r := &RedisServer{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(own))}
	if err := p.ready(r.ping); err != nil {
		p.stop(syscall.SIGKILL)
		return "", err
	}
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	return r.Addr, nil
}

func knowsReplica(ctx context.Context, client *redis.SentinelClient) error {
	replicas, err := client.Replicas(ctx, sentinelMaster).Result()
	if err != nil {
		return fmt.Errorf("ask the Sentinel for replicas: %w", err)
	}
	if len(replicas) != 1 || replicas[0]["master-link-status"] != "ok" {
		return errors.New("the replica does not follow yet")
	}
	return nil
}

// CutOff makes the replica hang and the master let go of it, so that what is written from now on does not reach it.
func (s *SentinelServer) CutOff(t testing.TB) {
	t.Helper()
	s.Replica.Pause()
	client := redis.NewClient(&redis.Options{Addr: s.Master.Addr})
	defer func() { _ = client.Close() }()
	must(t, s, client.ClientKillByFilter(t.Context(), "TYPE", "replica").Err())
}

// FailOver kills the master, has the replica made the master, and starts the old one again as its replica.
func (s *SentinelServer) FailOver(t testing.TB) {
	t.Helper()
	s.Master.Kill()
	s.Replica.Resume()
	s.Promote(t)
	s.Master.Start()
	client := redis.NewClient(&redis.Options{Addr: s.Replica.Addr})
	defer func() { _ = client.Close() }()
	must(t, s, poll(func() error { return replication(t.Context(), client, "state=online") }))
}

// Promote has the Sentinel make the replica the master in the place of one that is dead, and waits until it is, by the word of
// both: should the old one come back before the Sentinel is done, it may call the failover off.
func (s *SentinelServer) Promote(t testing.TB) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.Replica.Addr})
	defer func() { _ = client.Close() }()
	must(t, s, poll(func() error { return s.leads(t.Context(), s.Replica.Addr) }))
	must(t, s, poll(func() error { return replication(t.Context(), client, "role:master") }))
}

// leads asks for a failover, and tells when the Sentinel takes another server than this for the master, or is not done with it.
func (s *SentinelServer) leads(ctx context.Context, addr string) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: s.sentinel})
	defer func() { _ = client.Close() }()
	master, err := client.Master(ctx, sentinelMaster).Result()
	if err != nil {
		return fmt.Errorf("ask the Sentinel for the master: %w", err)
	}
	got, busy := net.JoinHostPort(master["ip"], master["port"]), strings.Contains(master["flags"], "failover_in_progress")
	if got == addr && !busy {
		return nil
	}
	if !busy {
		err = client.Failover(ctx, sentinelMaster).Err() // it may have no replica that it thinks fit, yet
	}
	return fmt.Errorf("the Sentinel takes %s for the master, and its state is %s: %w", got, master["flags"], errors.Join(errNotYet, err))
}

var errNotYet = errors.New("the replica is not the master yet")

// replication tells when INFO does not say something about the replication.
func replication(ctx context.Context, client *redis.Client, what string) error {
	info, err := client.Info(ctx, "replication").Result()
	if err == nil && !strings.Contains(info, what) {
		err = fmt.Errorf("no %s in %s", what, info)
	}
	return err
}
