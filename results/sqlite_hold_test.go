package results_test

import (
	"path/filepath"
	"testing"

	"github.com/osp-platform/osp/results"
)

func TestOneProcessHoldsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dev.db")
	open := func() *results.SQLite {
		t.Helper()
		s, err := results.OpenSQLite(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	hold := func(s *results.SQLite, want bool) {
		t.Helper()
		if got, err := s.Hold(t.Context()); err != nil || got != want {
			t.Errorf("it holds the file: %t, %v; want %t", got, err, want)
		}
	}
	first, second := open(), open()
	hold(first, true)
	for range 3 {
		hold(second, false)
	}
	if err := second.Ping(t.Context()); err != nil {
		t.Errorf("the other may use it all the same: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	hold(second, true)

	// Processes that share it keep it from being held.
	share := func(s *results.SQLite, want bool) {
		t.Helper()
		if got, err := s.Share(t.Context()); err != nil || got != want {
			t.Errorf("it shares the file: %t, %v; want %t", got, err, want)
		}
	}
	third, fourth := open(), open()
	share(third, false)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	share(third, true)
	share(fourth, true)
	late := open()
	hold(late, false)
	for _, s := range []*results.SQLite{third, fourth} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	hold(late, true)
}
