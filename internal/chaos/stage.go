package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// stage is what a run outside of a test gives to the harness of the tests, as far as that asks for it.
type stage struct {
	testing.TB

	ctx context.Context
	dir string

	mu       sync.Mutex
	cleanups []func()
	err      error
}

// on runs do as a test would be run: what do has put up is taken down after it, last first.
func on(ctx context.Context, dir string, do func(testing.TB)) error {
	s := &stage{ctx: ctx, dir: dir}
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(s)
	}()
	<-done
	for _, cleanup := range slices.Backward(s.cleanups) {
		cleanup()
	}
	return s.err
}

// Helper does nothing.
func (s *stage) Helper() {}

// Context ends when the run is interrupted.
func (s *stage) Context() context.Context { return s.ctx }

// Cleanup has something done when the run is over.
func (s *stage) Cleanup(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cleanups = append(s.cleanups, do)
}

// TempDir makes a directory that goes with the run.
func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp(s.dir, "")
	if err != nil {
		s.Fatal(err)
	}
	return dir
}

// Fatal ends the goroutine, and the run fails.
func (s *stage) Fatal(args ...any) {
	s.mu.Lock()
	if s.err == nil {
		s.err = fmt.Errorf("%s", fmt.Sprint(args...))
	}
	s.mu.Unlock()
	runtime.Goexit()
}

// Fatalf is [stage.Fatal] with a format.
func (s *stage) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }
