package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// terminal is a real one: tmux draws what the program writes, and tells what is on the screen.
type terminal struct {
	t      *testing.T
	socket string
	env    []string
}

// newTerminal opens a terminal of a size in which bash waits for commands. osp is the program under test.
func newTerminal(t *testing.T, width, height int, env ...string) *terminal {
	t.Helper()
	dir := named(t)
	x := &terminal{t: t, socket: filepath.Join(dir, "s")}
	x.env = append([]string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "TERM=screen-256color", "PS1=> "}, env...)
	x.serve()
	x.tmux("new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "bash", "--norc", "--noprofile")
	x.shows(">")
	return x
}

// named returns a folder in which the program under test is called osp.
func named(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "osp"), []byte("#!/bin/sh\nOSP_TEST_IS_OSP=1 exec '"+os.Args[0]+"' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve runs tmux's server in the foreground, so that it ends with the test however that ends.
func (x *terminal) serve() {
	x.t.Helper()
	cmd := exec.Command("tmux", "-D", "-u", "-f", "/dev/null", "-S", x.socket)
	cmd.Env = x.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // for as long as tmux lives: it is killed when the thread that started it ends
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		x.t.Fatalf("tmux (internal/testenv/install.sh installs it): %v", err)
	}
	x.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	eventually(x.t, enough, func() bool {
		_, err := os.Stat(x.socket)
		return err == nil
	}, func() any { return "tmux has no socket" })
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	cmd := exec.CommandContext(x.t.Context(), "tmux", append([]string{"-u", "-S", x.socket}, args...)...)
	cmd.Env = x.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

// types types a line and ends it.
func (x *terminal) types(line string) {
	x.t.Helper()
	x.tmux("send-keys", "-l", line)
	x.tmux("send-keys", "Enter")
}

// screen is what is to be seen, with more in it where colours are wanted.
func (x *terminal) screen(more ...string) string {
	x.t.Helper()
	return x.tmux(append([]string{"capture-pane", "-p"}, more...)...)
}

// shows waits until all of it is to be seen at once.
func (x *terminal) shows(wanted ...string) (screen string) {
	x.t.Helper()
	x.t.Cleanup(func() {
		if x.t.Failed() && screen != "" {
			x.t.Logf("waited for %q; at last\n%s", wanted, screen)
		}
	})
	eventually(x.t, enough, func() bool {
		screen = x.screen()
		for _, w := range wanted {
			if !regexp.MustCompile(w).MatchString(screen) {
				return false
			}
		}
		return true
	}, func() any { return screen })
	return screen
}

// steady takes out what differs from run to run: durations, and how wide they make the columns.
func steady(screen string) string {
	screen = regexp.MustCompile(`\d+(\.\d)? (ms|s|min)\b`).ReplaceAllString(screen, "N s")
	var list []string
	for line := range strings.Lines(screen) {
		head := line[:len(line)-len(strings.TrimLeft(line, " "))]
		line = head + regexp.MustCompile(`  +`).ReplaceAllString(strings.TrimSpace(line), "  ")
		list = append(list, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(list, "\n"), "\n")
}
