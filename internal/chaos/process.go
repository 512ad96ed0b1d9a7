package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is an osp that is started again whenever it ends, as a platform would.
type process struct {
	name   string
	binary string
	role   string
	env    []string
	log    io.Writer
	ready  func(address string) // it listens
	fell   func(code int)       // it ended though nobody had told it to

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil while it does not run
	ended chan struct{} // of cmd
	holds int           // faults that keep it down
	loops sync.WaitGroup
}

// restartAfter is how long a platform waits before it starts again what ended by itself.
const restartAfter = 250 * time.Millisecond

// hold keeps the process from being started until release.
func (p *process) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds++
}

// release ends a hold, and starts the process if nothing else keeps it down.
func (p *process) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	return p.startLocked()
}

// startLocked starts the process unless it runs or shall not.
func (p *process) startLocked() error {
	if p.holds > 0 || p.cmd != nil {
		return nil
	}
	cmd := exec.Command(p.binary, p.role) //nolint:noctx // it is ended by signals
	cmd.Env = p.env
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	cmd.Stderr = cmd.Stdout
	ended, started := make(chan struct{}), make(chan error)
	p.loops.Go(func() {
		// The kernel ends the child with the thread that started it, so this goroutine keeps its thread until then.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.read(out)
		_ = cmd.Wait()
		close(ended)
		p.gone(cmd)
	})
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.ended = cmd, ended
	return nil
}

// read keeps the log, and finds out where the process listens.
func (p *process) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		_, _ = p.log.Write(line)
		var said struct{ Msg, URL string }
		if json.Unmarshal(line, &said) == nil && said.Msg == "ready" {
			p.ready(said.URL)
		}
		if err != nil {
			return
		}
	}
}

// gone starts the process again if it ended by itself.
func (p *process) gone(cmd *exec.Cmd) {
	p.mu.Lock()
	p.cmd = nil
	byItself := p.holds == 0
	p.mu.Unlock()
	if !byItself {
		return
	}
	p.fell(cmd.ProcessState.ExitCode())
	timer := time.NewTimer(restartAfter)
	defer timer.Stop()
	<-timer.C
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.startLocked()
}

// handle returns the running process and the channel that is closed when it has ended, or nil.
func (p *process) handle() (*exec.Cmd, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.ended
}

// signal sends a signal to the running process, and tells whether there was one.
func (p *process) signal(sig syscall.Signal) (*os.Process, bool) {
	cmd, _ := p.handle()
	if cmd == nil || cmd.Process.Signal(sig) != nil {
		return nil, false
	}
	return cmd.Process, true
}

// kill is kill -9, if there is something to kill, which is told just before. The process must be held.
func (p *process) kill(tell func()) {
	cmd, ended := p.handle()
	if cmd == nil {
		return
	}
	tell()
	_ = cmd.Process.Kill()
	<-ended
}

// terminate is a graceful stop, which may take so long. It returns the exit code, -1 if another signal ended it, and whether
// it ended by itself. The process must be held.
func (p *process) terminate(within time.Duration) (code int, stopped bool) {
	cmd, ended := p.handle()
	if cmd == nil || cmd.Process.Signal(syscall.SIGTERM) != nil {
		return -1, true
	}
	select {
	case <-ended:
		return cmd.ProcessState.ExitCode(), true
	case <-time.After(within):
		_ = cmd.Process.Kill()
		<-ended
		return -1, false
	}
}
