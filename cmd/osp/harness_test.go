package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// TestMain lets the test binary be osp itself, so that processes can be killed.
func TestMain(m *testing.M) {
	if os.Getenv("OSP_TEST_IS_OSP") != "" {
		main()
		return
	}
	// A pool that dials a Redis that is away notices up to a second late that it is closed.
	testenv.Main(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// enough is how long anything may take on a machine that does much else. It is less than [retryAfter].
const enough = 90 * time.Second

// osp is a process of the program.
type osp struct {
	t   *testing.T
	cmd *exec.Cmd
	url string

	mu    sync.Mutex
	lines []string
	ended chan struct{}
}

// start runs the program with nothing in its environment but env, and waits until it is ready.
func start(t *testing.T, role string, env ...string) *osp {
	t.Helper()
	o := &osp{t: t, ended: make(chan struct{})}
	o.cmd = exec.Command(os.Args[0], role)
	o.cmd.Env = append([]string{"OSP_TEST_IS_OSP=1", "PORT=0", "HOME=" + t.TempDir(), "OSP_AUTH=off"}, env...)
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	o.cmd.Stderr = o.cmd.Stdout
	ready, started := make(chan string, 1), make(chan error)
	go func() {
		runtime.LockOSThread() // for as long as the process lives: it is killed when the thread that started it ends
		err := o.cmd.Start()
		started <- err
		if err == nil {
			o.read(out, ready)
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		o.kill()
		if t.Failed() {
			o.mu.Lock()
			defer o.mu.Unlock()
			t.Logf("%s:\n%s", role, strings.Join(o.lines, "\n"))
		}
	})
	select {
	case o.url = <-ready:
	case <-o.ended:
		t.Fatalf("osp %s ended before it was ready", role)
	case <-time.After(enough):
		t.Fatalf("osp %s is not ready", role)
	}
	return o
}

// read keeps the log, and finds out where the process listens.
func (o *osp) read(out io.Reader, ready chan<- string) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		o.mu.Lock()
		o.lines = append(o.lines, lines.Text())
		o.mu.Unlock()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			ready <- line.URL
		}
		if _, url, ok := strings.Cut(lines.Text(), "msg=ready role=dev url="); ok {
			ready <- url
		}
	}
	_ = o.cmd.Wait()
	close(o.ended)
}

func (o *osp) log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, "\n")
}

// kill is kill -9.
func (o *osp) kill() {
	_ = o.cmd.Process.Kill()
	<-o.ended
}

// stop sends a signal and returns the exit code.
func (o *osp) stop(sig syscall.Signal) int {
	o.t.Helper()
	if err := o.cmd.Process.Signal(sig); err != nil {
		o.t.Fatal(err)
	}
	select {
	case <-o.ended:
	case <-time.After(enough):
		o.t.Fatal("osp does not stop")
	}
	return o.cmd.ProcessState.ExitCode()
}

// call sends a request and returns the status and the answer.
func (o *osp) call(method, path string, body any, header ...string) (int, []byte, http.Header) {
	o.t.Helper()
	var r io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			o.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(o.t.Context(), enough)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, r)
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return res.StatusCode, raw, res.Header
}

// task sends a request whose answer is a task.
func (o *osp) task(want int, method, path string, body any, header ...string) saga.Task {
	o.t.Helper()
	status, raw, _ := o.call(method, path, body, header...)
	if status != want {
		o.t.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, raw)
	}
	var task saga.Task
	if err := json.Unmarshal(raw, &task); err != nil {
		o.t.Fatalf("%s: %v", raw, err)
	}
	return task
}

// ends starts a task and returns it when it has ended: on a slow machine that may be later than an answer can be waited for.
func (o *osp) ends(body any, header ...string) (task saga.Task) {
	o.t.Helper()
	status, raw, _ := o.call("POST", "/v1/tasks", body, append([]string{"Prefer", "wait=25"}, header...)...)
	if err := json.Unmarshal(raw, &task); err != nil || status != http.StatusOK && status != http.StatusAccepted {
		o.t.Fatalf("start: %d %s", status, raw)
	}
	eventually(o.t, enough, func() bool {
		if !task.State.Finished() {
			task = o.task(200, "GET", "/v1/tasks/"+task.ID, nil, header...)
		}
		return task.State.Finished()
	}, func() any { return task })
	return task
}

// wait follows a task until it is in a state.
func (o *osp) wait(id string, within time.Duration, states ...saga.State) saga.Task {
	o.t.Helper()
	var task saga.Task
	eventually(o.t, within, func() bool {
		task = o.task(200, "GET", "/v1/tasks/"+id, nil)
		return slices.Contains(states, task.State)
	}, func() any { return task })
	return task
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, within time.Duration, ask func() bool, last func() any) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(within); !ask(); <-tick.C {
		if time.Now().After(end) {
			got, _ := json.Marshal(last())
			t.Fatalf("not within %v; at last %s", within, got)
		}
	}
}

// dict is a JSON object.
type dict = map[string]any
