package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/tasks"
)

// database is a redis-server of the benchmark's own.
type database struct {
	addr    string
	cmd     *exec.Cmd
	raw     redis.UniversalClient // plain, for the floor and for looking
	client  redis.UniversalClient // the engine's: with group commit, as the server has it
	bell    *tasks.Bell           // of the engine's client
	ungroup func()
	dir     string
	keeps   bool // what is in it stays
}

// startRedis starts redis-server on a free port, without persistence if args do not say otherwise.
func startRedis(ctx context.Context, pool int, args ...string) (*database, error) {
	dir, err := os.MkdirTemp("", "osp-bench")
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	//nolint:gosec // our own arguments
	cmd := exec.CommandContext(ctx, "redis-server", append([]string{
		"--port", strconv.Itoa(addr.Port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir,
	}, args...)...)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	d := connect(addr.String(), pool)
	d.cmd, d.dir = cmd, dir
	deadline := time.Now().Add(time.Minute)
	for d.raw.Ping(ctx).Err() != nil {
		if time.Now().After(deadline) {
			d.stop()
			return nil, fmt.Errorf("redis-server does not answer on %s", addr)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return d, nil
}

// connect opens no connection yet.
func connect(addr string, pool int) *database {
	d := &database{addr: addr}
	options := redis.Options{Addr: addr, PoolSize: 8, PoolTimeout: time.Minute, DisableIdentity: true}
	d.raw = redis.NewClient(&options)
	options.PoolSize, options.PipelinePoolSize = pool, -1 // as the server does
	d.client = redis.NewClient(&options)
	d.bell = tasks.NewBell(d.client, quiet, time.Now)
	d.ungroup = journal.GroupCommit(d.client)
	return d
}

func (d *database) disconnect() {
	d.ungroup()
	_, _ = d.client.Close(), d.raw.Close()
}

func (d *database) stop() {
	d.disconnect()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	_ = os.RemoveAll(d.dir)
}

// info reads numbers of INFO.
func (d *database) info(ctx context.Context, name string) float64 {
	value, _ := strconv.ParseFloat(d.text(ctx, name), 64)
	return value
}

func (d *database) text(ctx context.Context, name string) string {
	all := d.raw.Info(ctx, "everything").Val()
	for lines := bufio.NewScanner(strings.NewReader(all)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			return value
		}
	}
	return ""
}

// cpu is what this process and the redis-server have used, user and system, in seconds.
func (d *database) cpu(ctx context.Context) (process, server float64) {
	var self syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &self)
	process = time.Duration(self.Utime.Nano() + self.Stime.Nano()).Seconds()
	return process, d.info(ctx, "used_cpu_sys") + d.info(ctx, "used_cpu_user")
}

// empty forgets everything, so that runs do not weigh on each other.
func (d *database) empty(ctx context.Context) error {
	if d.keeps {
		return nil
	}
	return d.raw.FlushAll(ctx).Err()
}
