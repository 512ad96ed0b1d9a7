package main

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// holding is an endpoint whose step b answers when the returned function is called, or its caller has gone.
func holding(t *testing.T) (e *endpoint, release func()) {
	t.Helper()
	hold := make(chan struct{})
	release = sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	return newEndpoint(t, func(path string, _ int, r *http.Request) int {
		if path == "/b" {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
		return http.StatusOK
	}), release
}

// Whatever a platform's signal, and however long it waits before it kills: a step that does not end has the time that
// was asked for, and not more than 7 s pass after that.
func TestAProcessStopsInTheTimeThatItHas(t *testing.T) {
	for _, c := range []struct {
		platform string // whose default or usual setting it is
		timeout  string // nothing: the default
		has      time.Duration
		signals  []syscall.Signal
	}{
		{"Fly.io, by default", "500ms", 500 * time.Millisecond, []syscall.Signal{syscall.SIGINT}},
		{"Compose and Cloud Run", "3s", 3 * time.Second, []syscall.Signal{syscall.SIGTERM}},
		{"Kubernetes, ECS, Render, Azure", "", 8 * time.Second, []syscall.Signal{syscall.SIGTERM}},
		{"Heroku", "", 8 * time.Second, []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGTERM}},
		{"somebody presses Ctrl+C twice", "2s", 2 * time.Second, []syscall.Signal{syscall.SIGINT, syscall.SIGINT}},
		{"systemd", "12s", 12 * time.Second, []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}},
	} {
		t.Run(c.platform, func(t *testing.T) {
			t.Parallel()
			env := here(t)
			if c.timeout != "" {
				env = append(env, "OSP_SHUTDOWN_TIMEOUT="+c.timeout)
			}
			e, release := holding(t)
			all := start(t, "all", env...)
			task := all.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b", "c")})
			eventually(t, 10*time.Second, func() bool { return e.called("/b") == 1 }, func() any { return e.saw() })
			begun := time.Now()
			for _, signal := range c.signals[1:] {
				if err := all.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				eventually(t, 5*time.Second, func() bool { return strings.Contains(all.log(), `"stopping"`) }, func() any { return all.log() })
			}
			code := all.stop(c.signals[0])
			if took := time.Since(begun); code != exitOK || took < c.has || took > c.has+7*time.Second {
				t.Errorf("exit code %d after %v, want 0 after %v to %v", code, took, c.has, c.has+7*time.Second)
			}
			release()
			next := start(t, "all", env...) // and nothing is lost
			next.wait(task.ID, 20*time.Second, saga.Completed)
			if e.saw() != "/a /b /c" {
				t.Errorf("effects %s", e.saw())
			}
		})
	}
}

// A long grace is not waited out: the process ends with its last step.
func TestAProcessEndsWithItsLastStep(t *testing.T) {
	e, release := holding(t)
	env := append(here(t), "OSP_SHUTDOWN_TIMEOUT=300s")
	worker, api := start(t, "worker", env...), start(t, "api", env...)
	task := api.task(202, "POST", "/v1/tasks", dict{"type": "http.saga", "input": e.saga("a", "b")})
	eventually(t, 10*time.Second, func() bool { return e.called("/b") == 1 }, func() any { return e.saw() })
	if err := worker.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() bool { return strings.Contains(worker.log(), "no new steps") }, func() any { return worker.log() })
	release()
	<-worker.ended
	if code := worker.cmd.ProcessState.ExitCode(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	start(t, "worker", env...)
	if done := api.wait(task.ID, 10*time.Second, saga.Completed); done.Steps[1].Attempts != 1 {
		t.Errorf("step b took %d attempts", done.Steps[1].Attempts)
	}
}
