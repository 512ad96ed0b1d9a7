package main

import (
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestWhatCannotBeDoneIsRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "earthquake"}, {"-duration", "long"}, {"-seed", "x"}, {"-osp", "no/such/program"}} {
		if err := start(t.Context(), args, io.Discard); err == nil || errors.Is(err, errBroken) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestAShortRun is the real thing for some seconds. What asynq remembers of dead workers takes it two minutes to forget, so
// that is left to longer runs.
func TestAShortRun(t *testing.T) {
	dir := t.TempDir()
	osp := filepath.Join(dir, "osp")
	build := exec.Command("go", "build", "-tags", "nomsgpack", "-ldflags=-s -w", raceFlag, "-o", osp, "../../cmd/osp")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o := options{
		seed: 3, lasts: 10 * time.Second, pace: 3, workers: 2, apis: 2, every: 200 * ms, osp: osp, dir: dir, patience: 2 * time.Minute,
	}
	r, err := run(t.Context(), t, o, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	r.print(t.Output())
	if len(r.Found) > 0 {
		t.Error("a promise was not kept")
	}
	if r.Kills < 3 || r.Accepted < 30 || r.Seen[seenEffect] == 0 || r.Receipts == 0 {
		t.Error("nothing much happened")
	}
}
