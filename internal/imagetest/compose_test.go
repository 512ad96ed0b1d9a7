//go:build image

package imagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// composed is the whole system of deploy/compose.
type composed struct {
	t     *testing.T
	files []string
	dir   string
	url   string
	key   string
}

// compose brings the compose file up as its README has it, with stand-ins for the images that are not built here.
func compose(t *testing.T) *composed {
	t.Helper()
	c := &composed{t: t, dir: t.TempDir(), url: "http://127.0.0.1:" + freePort(t)}
	if err := os.CopyFS(c.dir, os.DirFS("../../deploy/compose")); err != nil {
		t.Fatal(err)
	}
	init := exec.Command(filepath.Join(c.dir, "init.sh"))
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("init.sh: %v: %s", err, out)
	}
	env, err := os.ReadFile(filepath.Join(c.dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(env)) {
		if key, ok := strings.CutPrefix(line, "KEY="); ok {
			c.key = strings.TrimSpace(key)
		}
	}
	standIn, err := filepath.Abs("standin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.files = []string{"--file", "compose.yaml", "--file", standIn}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.run("logs", "--no-color", "--tail", "40"))
		}
		c.run("down", "--volumes")
	})
	c.run("up", "--detach", "--no-build")
	return c
}

// run runs docker-compose, and returns what it says.
func (c *composed) run(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("/usr/bin/docker-compose", append(c.files, args...)...)
	cmd.Dir = c.dir
	name, tag, _ := strings.Cut(image(), ":")
	cmd.Env = append(os.Environ(), "OSP_IMAGE="+name, "OSP_VERSION="+tag, "OSP_PORT="+c.url[strings.LastIndex(c.url, ":")+1:])
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Errorf("docker-compose %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// running is the ids of a service's containers.
func (c *composed) running(service string) []string {
	return strings.Fields(c.run("ps", "--quiet", service))
}

// ask sends a request with the key of .env.
func (c *composed) ask(method, path, body string) (status int, answer string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "wait=20")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// completes sends a task that makes a service, and wants it done.
func (c *composed) completes(service string) {
	c.t.Helper()
	status, answer := c.ask("POST", "/v1/tasks", fmt.Sprintf(`{"type":"service.create","input":{"name":%q,`+
		`"entities":[{"name":"reservations","attributes":{"customer_name":"string"}}]}}`, service))
	var task struct{ State string }
	if err := json.Unmarshal([]byte(answer), &task); err != nil || task.State != "completed" {
		c.t.Errorf("making %s: %d %s", service, status, answer)
	}
}

// The compose file is brought up, does its README's task, is scaled and taken down.
func TestTheComposeFileIsTheWholeSystem(t *testing.T) {
	c := compose(t)
	if answered(c.url + "/readyz").IsZero() {
		t.Fatal("it is not ready")
	}
	c.completes("restaurant")
	eventually(t, "the list, which Supabase keeps, has such a task", func() bool {
		_, answer := c.ask("GET", "/v1/tasks", "")
		return strings.Contains(answer, `"service.create"`)
	})
	for _, n := range []int{4, 1} {
		c.run("up", "--detach", "--no-build", "--scale", fmt.Sprintf("worker=%d", n))
		if got := len(c.running("worker")); got != n {
			t.Errorf("%d workers, want %d", got, n)
		}
		c.completes(fmt.Sprint("scaled ", n))
	}
	ids := append(c.running("worker"), c.running("api")...)
	c.run("stop")
	for _, id := range ids {
		if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", id); code != "0" {
			t.Errorf("exit code %s", code)
		}
	}
	t.Log("compose: up, 3 services made, workers 2 → 4 → 1, stopped")
}
