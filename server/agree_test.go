package server

import (
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestProcessesOfARedisAgreeOnItsPartitions(t *testing.T) {
	url := testenv.Redis(t)
	start := func(n string) error {
		s, err := New(t.Context(), config(t, RoleWorker, vars{"REDIS_URL": url, "OSP_PARTITIONS": n}), slog.New(slog.DiscardHandler))
		if err == nil {
			s.close()
		}
		return err
	}
	for _, n := range []string{"3", "3"} {
		if err := start(n); err != nil {
			t.Errorf("with %s: %v", n, err)
		}
	}
	if err := start(""); err == nil || !strings.HasPrefix(err.Error(), "OSP_PARTITIONS is 1 here") || !strings.HasSuffix(err.Error(), "set it to 3") {
		t.Errorf("with another number: %v", err)
	}
}

func TestProcessesOfARedisAgreeOnItsResultStore(t *testing.T) {
	url, dir := testenv.Redis(t), t.TempDir()
	with := func(role Role, file string) Config {
		return config(t, role, vars{"REDIS_URL": url, "OSP_RESULTS": "sqlite:" + filepath.Join(dir, file)})
	}
	recovers := func(file string) error {
		return Recover(t.Context(), with(RoleWorker, file), RecoverOptions{}, io.Discard, io.Discard)
	}
	first, err := openStore(t.Context(), with(RoleWorker, "first.db")) // a command would not make it
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := recovers("first.db"); err != nil {
			t.Errorf("the store that the first process has: %v", err)
		}
	}
	s, err := New(t.Context(), with(RoleAll, "other.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"a server": s.Run(t.Context()), "a recovery": recovers("other.db")} {
		if blamed(err)["OSP_RESULTS"] != 1 || !strings.Contains(err.Error(), storeKey) {
			t.Errorf("%s with another store: %v", what, err)
		}
	}
}
