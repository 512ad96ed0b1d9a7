package main

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

// tiny are settings with which everything is measured, and nothing is told by the figures.
var tiny = settings{
	tasks: 400, rounds: 1, inFlight: 16, lone: 2, waiting: 40, pending: 200, idle: 3 * time.Second,
	settle: 10 * time.Millisecond, flush: true, pool: 4,
}

// TestMain is a worker process too: the benchmark starts itself.
func TestMain(m *testing.M) {
	if addr := os.Getenv(workerOf); addr != "" {
		if err := child(context.Background(), tiny, addr, os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	testenv.Main(m)
}
