package testenv

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 90 * time.Second
	stopTimeout  = 30 * time.Second
	probeTimeout = 5 * time.Second // of one of the probes that startTimeout is for
	pollEvery    = 5 * time.Millisecond
)

// process is a child that ends with us, however we end.
type process struct {
	cmd  *exec.Cmd
	log  *tail
	done chan struct{} // closed when it has ended
}

// how says how a program is started; the zero value will do.
type how struct {
	user    *account // nil: as ourselves
	env     []string // added to ours
	onDeath syscall.Signal
}

// start runs a program.
func start(h how, program string, args ...string) (*process, error) {
	cmd := exec.Command(program, args...) //nolint:noctx // it is stopped by its handle, in its own way
	cmd.Env = append(os.Environ(), h.env...)
	cmd.Dir = os.TempDir() // one that every account may enter
	p := &process{cmd: cmd, log: &tail{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = attributes(h)
	started := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it, so this goroutine keeps its thread until then.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(program), err)
	}
	return p, nil
}

// ready polls until probe says yes, the process ends or the time is over.
func (p *process) ready(probe func() error) error {
	err := poll(func() error {
		select {
		case <-p.done:
			return errEnded
		default:
			return probe()
		}
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w\n%s", filepath.Base(p.cmd.Path), err, p.log)
	}
	return nil
}

var errEnded = errors.New("it ended")

// poll calls probe until it succeeds, the process behind it has ended or the time is over.
func poll(probe func() error) error {
	deadline := time.Now().Add(startTimeout)
	for {
		err := probe()
		if err == nil || errors.Is(err, errEnded) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(pollEvery)
	}
}

// stop asks the process to end by sig, and kills it if it does not.
func (p *process) stop(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// tail keeps the end of what a process wrote.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// Write keeps the last 8 KiB.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	t.buf = bytes.Clone(t.buf[max(0, len(t.buf)-8<<10):])
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

// find returns the path of a program: from the PATH, or from one of the patterns (the last match wins: the newest).
func find(name string, patterns ...string) (string, error) {
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(filepath.Join(pattern, name)); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is missing: run make test, or internal/testenv/install.sh", name)
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return v
}
