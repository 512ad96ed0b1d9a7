package testenv

import (
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// shared holds what lives as long as the package's tests; it is empty without Main.
var shared struct {
	sync.Mutex
	used     bool // Main runs the tests
	supabase *SupabaseServer
	err      error
}

// Main runs a package's tests, stops the shared servers and fails if a goroutine is left.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(runner{m}, options...)
}

type runner struct{ m *testing.M }

// Run does what goleak calls instead of m.Run.
func (r runner) Run() int {
	shared.Lock()
	shared.used = true
	shared.Unlock()
	code := r.m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.supabase != nil {
		shared.supabase.close()
	}
	return code
}
