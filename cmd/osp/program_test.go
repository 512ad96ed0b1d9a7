package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program runs the real program until it ends, with nothing in its environment but env, and returns its exit code and
// the lines that it wrote to stderr.
func program(t *testing.T, env []string, args ...string) (code int, lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append([]string{"OSP_TEST_IS_OSP=1", "HOME=" + t.TempDir()}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || !exit.Exited()) {
		t.Fatalf("osp %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return cmd.ProcessState.ExitCode(), strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
}
