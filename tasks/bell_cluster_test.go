package tasks_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestOnAClusterAWorkerIsToldToo(t *testing.T) {
	r := newRig(t)
	addrs := testenv.RedisCluster(t)
	var nodes []*redis.Client
	for _, addr := range addrs {
		node := redis.NewClient(&redis.Options{Addr: addr})
		defer func() { _ = node.Close() }()
		nodes = append(nodes, node)
	}
	// process has a client, a bell and a journal of its own.
	process := func() (redis.UniversalClient, *tasks.Bell, *journal.Redis) {
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs})
		bell := tasks.NewBell(client, slog.New(slog.DiscardHandler), time.Now)
		j := journal.New(client, journal.Options{})
		bell.Connect(j)
		t.Cleanup(func() {
			bell.Close()
			_, _ = j.Close(), client.Close()
		})
		return client, bell, j
	}
	client, bell, j := process()
	runner := r.runner()
	runner.Journal = j
	w := tasks.NewWorker(client, runner, tasks.NewQueue(client), tasks.WorkerOptions{
		Queues: r.dispatcher.Queues, Concurrency: 8, CheckInterval: never, Bell: bell, ShutdownTimeout: time.Second, Log: runner.Log,
	})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer r.stops(w)
	client, _, j = process()
	r.dispatcher.Journal, r.dispatcher.Queue = j, tasks.NewQueue(client)
	for i, name := range []string{"low", "default", "high"} {
		r.rests(nodes...)
		id := fmt.Sprint("t", i)
		r.start(saga.Request{ID: id, Type: "one", Queue: name})
		r.ends(id, saga.Completed)
	}
}
