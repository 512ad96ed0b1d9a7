//go:build image

package imagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

const (
	mostReady = 300 * time.Millisecond
	mostIdle  = 48.0 // MB
)

// supabase is what a container needs to reach Redis and Supabase, and to be reached.
func supabase(t *testing.T) []string {
	s := testenv.Supabase(t)
	return []string{
		"REDIS_URL=" + testenv.Redis(t, "--appendonly", "yes"), "SUPABASE_URL=" + s.URL, "SUPABASE_SERVICE_ROLE_KEY=" + s.ServiceKey, "OSP_USERS=off", "OSP_AUTH=off",
		"OSP_HTTP_ALLOW_PRIVATE=true",
	}
}

// endpoint is somebody's service, in which b takes as long as it is told to.
type endpoint struct {
	*httptest.Server
	hold chan struct{}

	mu    sync.Mutex
	calls map[string]int                 // by path
	keys  map[string]map[string]struct{} // by path: the effects
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{hold: make(chan struct{}), calls: map[string]int{}, keys: map[string]map[string]struct{}{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	path := r.URL.Path
	e.mu.Lock()
	if e.keys[path] == nil {
		e.keys[path] = map[string]struct{}{}
	}
	e.calls[path]++
	e.keys[path][r.Header.Get("Idempotency-Key")] = struct{}{}
	e.mu.Unlock()
	if path == "/b" {
		select {
		case <-e.hold:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

func (e *endpoint) called(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[path]
}

// happened is how many effects a path had.
func (e *endpoint) happened(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.keys[path])
}

// begin starts an http.saga of the steps a, b and c.
func (c *container) begin(e *endpoint, id string) {
	c.t.Helper()
	var steps []map[string]any
	for _, name := range []string{"a", "b", "c"} {
		steps = append(steps, map[string]any{"name": name, "do": map[string]any{"method": "POST", "url": e.URL + "/" + name}})
	}
	body, err := json.Marshal(map[string]any{"id": id, "type": "http.saga", "input": map[string]any{"steps": steps}})
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := http.Post(c.url+"/v1/tasks", "application/json", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusAccepted {
		c.t.Fatalf("start %s: %s: %s", id, res.Status, answer)
	}
}

// state asks for a task's state.
func (c *container) state(id string) string {
	c.t.Helper()
	res, err := http.Get(c.url + "/v1/tasks/" + id)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var task struct{ State string }
	if err := json.NewDecoder(res.Body).Decode(&task); err != nil {
		c.t.Fatal(err)
	}
	return task.State
}

func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); !ask(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// limited tells whether the engine could limit the container's memory, by the limit that the kernel has.
func (c *container) limited() bool {
	for _, pattern := range []string{
		"/sys/fs/cgroup/memory/docker/" + c.id + "/memory.limit_in_bytes", "/sys/fs/cgroup/*/docker-" + c.id + ".scope/memory.max",
		"/sys/fs/cgroup/docker/" + c.id + "/memory.max",
	} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			if raw, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(raw)) == fmt.Sprint(memory) {
				return true
			}
		}
	}
	return false
}

func TestTasksCompleteInAHardenedContainer(t *testing.T) {
	env, e := supabase(t), newEndpoint(t)
	close(e.hold)
	all := start(t, append(env, "ROLE=all")...)
	for field, want := range map[string]string{"CapEff": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2", "Uid": "54321 54321 54321 54321"} {
		if got := all.process(field); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	eventually(t, "it is idle", func() bool { return all.megabytes("VmRSS") < mostIdle })
	idle := all.megabytes("VmRSS")
	const tasks = 200
	for i := range tasks {
		all.begin(e, fmt.Sprintf("task-%d", i))
	}
	for i := range tasks {
		id := fmt.Sprintf("task-%d", i)
		eventually(t, id+" completes", func() bool { return all.state(id) == "completed" })
	}
	eventually(t, "the engine finds it healthy", func() bool {
		return docker(t, "inspect", "--format", "{{.State.Health.Status}}", all.id) == "healthy"
	})
	peak := all.megabytes("VmHWM")
	t.Logf("RSS: %.1f MB idle (48 at most), %.1f MB at most while %d tasks ran (64 MiB at most)", idle, peak, tasks)
	if !all.limited() {
		t.Log("this machine does not let the engine limit memory: RSS alone was judged")
	}
	if peak > memory/1e6 {
		t.Error("it takes more memory than the container has")
	}
	if code := all.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if killed := docker(t, "inspect", "--format", "{{.State.OOMKilled}}", all.id); killed != "false" {
		t.Errorf("out of memory: %s", killed)
	}
}

// Other programs of the machine make a start longer, never shorter: it is tried until one is quick enough, ten times at
// most. Where all processors are taken by others, the time that the start took of a processor is judged, and that is said.
func TestItIsReadyAtOnce(t *testing.T) {
	env := supabase(t)
	var wall, cpu []time.Duration
	for len(wall) == 0 || slices.Min(wall) > mostReady && len(wall) < 10 {
		c := start(t, append(env, "ROLE=all")...)
		wall, cpu = append(wall, c.ready.Round(time.Millisecond)), append(cpu, c.cpu())
		docker(t, "kill", c.id)
	}
	t.Logf("start to ready: %v (300ms at most), of which on a processor: %v", wall, cpu)
	least := slices.Min(wall)
	if least <= mostReady {
		return
	}
	if load := load(t); load > 2*float64(runtime.NumCPU()) {
		t.Logf("%.0f programs want the machine's %d processors: the time on a processor is judged alone", load, runtime.NumCPU())
		least = slices.Min(cpu)
	}
	if least > mostReady {
		t.Errorf("at best it is ready after %v", least)
	}
}

// load is how many programs wanted a processor during the last minute.
func load(t *testing.T) (n float64) {
	t.Helper()
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(raw), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Workers come and go while every task is in the middle of a call.
func TestWorkersAreScaledUnderLoad(t *testing.T) {
	env, e := supabase(t), newEndpoint(t)
	api := start(t, append(env, "ROLE=api")...)
	worker := func() *container { return start(t, append(env, "ROLE=worker")...) }
	first := worker()
	const tasks = 60
	for i := range tasks {
		api.begin(e, fmt.Sprintf("scaled-%d", i))
	}
	eventually(t, "60 calls are under way", func() bool { return e.called("/b") == tasks })
	rest := []*container{worker(), worker(), worker()}
	if code := first.stop(); code != 0 {
		t.Errorf("the first worker's exit code is %d", code)
	}
	eventually(t, "the others have taken them over", func() bool { return e.called("/b") >= 2*tasks })
	close(e.hold)
	for _, w := range rest[:2] {
		if code := w.stop(); code != 0 {
			t.Errorf("a worker's exit code is %d", code)
		}
	}
	for i := range tasks {
		id := fmt.Sprintf("scaled-%d", i)
		eventually(t, id+" completes", func() bool { return api.state(id) == "completed" })
	}
	for _, path := range []string{"/a", "/b", "/c"} {
		if n := e.happened(path); n != tasks {
			t.Errorf("%s happened %d times, want %d", path, n, tasks)
		}
	}
	for _, c := range []*container{rest[2], api} {
		if code := c.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	t.Logf("workers 1 → 4 → 1 under %d tasks: %d effects of %d, none twice", tasks, e.happened("/a")+e.happened("/b")+e.happened("/c"), 3*tasks)
}
