package testenv

import (
	"sync"
	"testing"
	"time"

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
	goleak.VerifyTestMain(runner{m, options}, options...)
}

type runner struct {
	m       *testing.M
	options []goleak.Option
}

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
	if code == 0 {
		_ = settle(r.options) // what is left after that is goleak's to tell
	}
	return code
}

// NothingLeft fails a test if a goroutine is left.
func NothingLeft(t testing.TB, options ...goleak.Option) {
	t.Helper()
	if err := settle(options); err != nil {
		t.Error(err)
	}
}

// settle waits until no goroutine is left. By itself goleak gives them half a second to end, which a busy machine may keep
// them from.
func settle(options []goleak.Option) error {
	for deadline := time.Now().Add(stopTimeout); ; {
		if err := goleak.Find(options...); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
