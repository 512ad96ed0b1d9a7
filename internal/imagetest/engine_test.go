//go:build image

package imagetest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// docker runs the engine's client, and returns what it says.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	var out, complaint bytes.Buffer
	cmd := exec.Command(os.Getenv("DOCKER"), args...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, complaint.String())
	}
	return strings.TrimSpace(out.String())
}

// image is what engine.sh has built.
func image() string { return os.Getenv("OSP_IMAGE") }

// user is nobody's: platforms choose such numbers.
const user = "54321:0"

// memory is what a container may take.
const memory = 64 << 20

// hardened are the restrictions of the strictest platforms, all at once.
func hardened() []string {
	return []string{
		"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", user, "--pids-limit", "64",
		"--memory", strconv.Itoa(memory), "--memory-swap", strconv.Itoa(memory), "--health-interval", "1s",
	}
}

// container is a running osp.
type container struct {
	t       *testing.T
	id, url string
	ready   time.Duration // from the start of the process to the first 200 of /readyz
}

// start runs the image, hardened, in the network of this machine, and waits until it is ready.
func start(t *testing.T, env ...string) *container {
	t.Helper()
	port := freePort(t)
	args := append([]string{"run", "--detach", "--network", "host", "--env", "PORT=" + port}, hardened()...)
	for _, v := range env {
		args = append(args, "--env", v)
	}
	c := &container{t: t, url: "http://127.0.0.1:" + port}
	first := make(chan time.Time, 1)
	go func() { first <- answered(c.url + "/readyz") }()
	c.id = docker(t, append(args, image())...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.log())
		}
		docker(t, "rm", "--force", c.id)
	})
	at := <-first
	if at.IsZero() {
		t.Fatalf("%v is not ready:\n%s", env, c.log())
	}
	begun, err := time.Parse(time.RFC3339Nano, docker(t, "inspect", "--format", "{{.State.StartedAt}}", c.id))
	if err != nil {
		t.Fatal(err)
	}
	c.ready = at.Sub(begun)
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// answered is when a URL first answered 200; zero, when it did not within 30 s.
func answered(url string) time.Time {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
		res, err := client.Get(url)
		if err != nil {
			continue
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return time.Now()
		}
	}
	return time.Time{}
}

// log is what the program has written.
func (c *container) log() string {
	c.t.Helper()
	out, err := exec.Command(os.Getenv("DOCKER"), "logs", c.id).CombinedOutput()
	if err != nil {
		c.t.Fatal(err)
	}
	return string(out)
}

// stop ends a container as a platform does, and returns its exit code.
func (c *container) stop() int {
	c.t.Helper()
	docker(c.t, "stop", "--time", "15", c.id)
	code, err := strconv.Atoi(docker(c.t, "inspect", "--format", "{{.State.ExitCode}}", c.id))
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

// process is the container's process, as this machine sees it: a field of /proc/PID/status.
func (c *container) process(field string) string {
	c.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", docker(c.t, "inspect", "--format", "{{.State.Pid}}", c.id)))
	if err != nil {
		c.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	c.t.Fatalf("/proc has no %s", field)
	return ""
}

// megabytes is a field of /proc/PID/status that is in kB.
func (c *container) megabytes(field string) float64 {
	c.t.Helper()
	kb, err := strconv.ParseFloat(strings.TrimSuffix(c.process(field), " kB"), 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return kb * 1024 / 1e6
}

// cpu is how long the process has been on a processor.
func (c *container) cpu() time.Duration {
	c.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", docker(c.t, "inspect", "--format", "{{.State.Pid}}", c.id)))
	if err != nil {
		c.t.Fatal(err)
	}
	_, fields, _ := strings.Cut(string(raw), ") ") // from the third field on
	var ticks int
	for _, field := range strings.Fields(fields)[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			c.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100 // the kernel counts in hundredths
}
