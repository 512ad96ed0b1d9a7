package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheTypeScriptClient builds the client as its package is built, and runs its tests against the program.
func TestTheTypeScriptClient(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "client")
	copyClient(t, dir)
	key, entry := newAPIKey(t, "client", "operator")
	all := start(t, "all", append(here(t), "OSP_AUTH=on", "OSP_API_KEYS="+entry)...)
	npm(t, dir, nil, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	out := npm(t, dir, []string{"OSP_URL=" + all.url, "OSP_KEY=" + key}, "test")
	if !regexp.MustCompile(`(?m)^. pass [1-9]`).MatchString(out) {
		t.Errorf("no test was run:\n%s", out)
	}
}

// copyClient copies the client without what was built of it. It reads every file here, so that go test knows of each.
func copyClient(t *testing.T, dir string) {
	t.Helper()
	client := filepath.Join(root, "clients", "typescript")
	err := filepath.WalkDir(client, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(path, client))
		if d.IsDir() {
			if slices.Contains([]string{"node_modules", "dist", "build"}, d.Name()) {
				return filepath.SkipDir
			}
			return os.MkdirAll(to, 0o755)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// npm runs npm in dir and returns what it printed.
func npm(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", args...)
	cmd.Dir = dir
	// Where install.sh puts Node, if that of the machine is too old.
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(cache, "osp/node")+":"+os.Getenv("PATH"))
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("npm %s (internal/testenv/install.sh installs it): %v\n%s", args[0], err, out)
	}
	return string(out)
}
