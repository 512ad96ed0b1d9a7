package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

// root is the repository, as seen from this package.
const root = "../.."

// TestTour runs the blocks of docs/quickstart.md that are marked <!-- tour -->, in order and in one shell, and looks in what each
// prints for the text that is shown below it.
func TestTour(t *testing.T) {
	help, err := exec.CommandContext(t.Context(), "curl", "--help", "all").Output()
	if err != nil || !strings.Contains(string(help), "--json") {
		t.Fatal("the tour needs curl 7.82 or newer: run internal/testenv/install.sh")
	}
	blocks := tourBlocks(t)
	if len(blocks) < 6 {
		t.Fatalf("docs/quickstart.md has %d blocks of a tour", len(blocks))
	}
	dir := t.TempDir()
	addresses := []string{
		"http://localhost:8080", start(t, "dev", "OSP_HTTP_ALLOW_PRIVATE=true").url,
		"http://localhost:8090", payments(t),
		"redis://localhost:6399", testenv.Redis(t),
		"/tmp/osp-", dir + "/", "bin/osp ", os.Args[0] + " ",
	}
	for _, port := range []string{"8081", "8082", "8083"} {
		free := fmt.Sprint(testenv.FreePort(t))
		addresses = append(addresses, "PORT="+port, "PORT="+free, "localhost:"+port, "localhost:"+free)
	}
	here := strings.NewReplacer(addresses...)
	copyExamples(t, dir, here)
	var script strings.Builder
	for _, b := range blocks {
		script.WriteString(here.Replace(b.code) + "\necho '" + endOfBlock + "'\n")
	}
	printed := strings.Split(shell(t, dir, script.String()+"wait\n"), endOfBlock)
	if len(printed) != len(blocks)+1 {
		t.Fatalf("%d of %d blocks were run:\n%s", len(printed)-1, len(blocks), strings.Join(printed, ""))
	}
	for i, b := range blocks {
		b.check(t, printed[i])
	}
}

const endOfBlock = "--- end of block ---"

// block is a piece of the tour: what a newcomer pastes, and what it says comes out.
type block struct {
	code string
	want []string
}

// check looks for the pieces of what is wanted, each after the one before it.
func (b block) check(t *testing.T, printed string) {
	t.Helper()
	rest := printed
	for _, piece := range b.want {
		_, after, found := strings.Cut(rest, piece)
		if !found {
			t.Errorf("after\n%s\n%q is missing in, or in the wrong place of,\n%s", b.code, piece, printed)
			return
		}
		rest = after
	}
}

// tourBlocks reads the marked blocks, each with the text block that follows it.
func tourBlocks(t *testing.T) []block {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root, "docs/quickstart.md"))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	for _, part := range strings.Split(string(readme), "<!-- tour -->\n```sh\n")[1:] {
		code, rest, _ := strings.Cut(part, "```\n")
		b := block{code: code}
		if text, ok := strings.CutPrefix(rest, "```text\n"); ok {
			text, _, _ = strings.Cut(text, "```")
			for line := range strings.Lines(text) {
				b.want = append(b.want, strings.Split(strings.TrimSpace(line), " … ")...)
			}
		}
		if len(b.want) == 0 {
			t.Errorf("nothing is said about what this prints:\n%s", code)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// copyExamples copies the bodies of the tour's requests, with the addresses of this test in them.
func copyExamples(t *testing.T, dir string, here *strings.Replacer) {
	t.Helper()
	bodies, err := filepath.Glob(filepath.Join(root, "examples", "*.json"))
	if err != nil || len(bodies) == 0 {
		t.Fatalf("examples: %v, %v", bodies, err)
	}
	names, err := filepath.Glob(filepath.Join(root, "examples", "workflows", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("workflows: %v, %v", names, err)
	}
	names = append(names, bodies...)
	if err := os.MkdirAll(filepath.Join(dir, "examples", "workflows"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, root))
		if err := os.WriteFile(to, []byte(here.Replace(string(raw))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// payments starts examples/payments on a free port and returns its URL.
func payments(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "payments")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/payments")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(binary, "-addr", "127.0.0.1:0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first, ended := bufio.NewReader(out), make(chan struct{})
	line, err := first.ReadString('\n')
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, first) // so that the program can go on writing
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	url, found := strings.CutPrefix(line, "payments listens on ")
	if !found {
		t.Fatalf("payments says %q: %v", line, err)
	}
	return strings.TrimSpace(url)
}

// shell runs a script with bash in dir and returns all that it prints. What it leaves running is killed.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	// A file, not a pipe: what runs in the background would keep that open.
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "OSP_TEST_IS_OSP=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	group := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = group
	err = cmd.Run()
	if cmd.Process != nil {
		_ = group()
	}
	raw, readErr := os.ReadFile(out.Name())
	if err != nil || readErr != nil {
		t.Errorf("the shell: %v, %v", err, readErr)
	}
	return string(raw)
}
