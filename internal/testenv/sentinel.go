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

// SentinelServer is a master with one replica, and a Sentinel that makes the replica the master when the master dies.
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
		"port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor %[3]s %[4]s %[5]s 1\nsentinel down-after-milliseconds %[3]s 1000\n"+
			"sentinel failover-timeout %[3]s 5000\n", own, dir, sentinelMaster, host, port)
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

// FailOver kills the master, waits until the replica is the master, and starts the old one again as its replica. The
// Sentinel's word is waited for, too: should the old one come back before it, the Sentinel may call the failover off.
// From then on the Sentinel is patient, or on a busy machine it takes the new master for dead and fails over once more,
// to the old one, which is empty.
func (s *SentinelServer) FailOver(t testing.TB) {
	t.Helper()
	s.Master.Kill()
	s.Replica.Resume()
	client := redis.NewClient(&redis.Options{Addr: s.Replica.Addr})
	defer func() { _ = client.Close() }()
	must(t, s, poll(func() error { return replication(t.Context(), client, "role:master") }))
	must(t, s, poll(func() error { return s.leads(t.Context(), s.Replica.Addr) }))
	must(t, s, s.wait(t.Context()))
	s.Master.Start()
	must(t, s, poll(func() error { return replication(t.Context(), client, "state=online") }))
}

// leads tells when the Sentinel takes another server than this for the master, or is not done with the failover.
func (s *SentinelServer) leads(ctx context.Context, addr string) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: s.sentinel})
	defer func() { _ = client.Close() }()
	master, err := client.Master(ctx, sentinelMaster).Result()
	if err != nil {
		return fmt.Errorf("ask the Sentinel for the master: %w", err)
	}
	got := net.JoinHostPort(master["ip"], master["port"])
	if got != addr || strings.Contains(master["flags"], "failover_in_progress") {
		return fmt.Errorf("the Sentinel takes %s for the master, and its state is %s", got, master["flags"])
	}
	return nil
}

// wait makes the Sentinel wait long before it takes the master for dead.
func (s *SentinelServer) wait(ctx context.Context) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: s.sentinel})
	defer func() { _ = client.Close() }()
	err := client.Set(ctx, sentinelMaster, "down-after-milliseconds", strconv.FormatInt(startTimeout.Milliseconds(), 10)).Err()
	if err != nil {
		return fmt.Errorf("make the Sentinel wait: %w", err)
	}
	return nil
}

// replication tells when INFO does not say something about the replication.
func replication(ctx context.Context, client *redis.Client, what string) error {
	info, err := client.Info(ctx, "replication").Result()
	if err == nil && !strings.Contains(info, what) {
		err = fmt.Errorf("no %s in %s", what, info)
	}
	return err
}
