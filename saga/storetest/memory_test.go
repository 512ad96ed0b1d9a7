package storetest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/saga/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T, o storetest.Options, test func(*testing.T, storetest.Subject)) {
		synctest.Test(t, func(t *testing.T) {
			m := storetest.NewMemory(time.Now, o)
			test(t, storetest.Subject{Journal: m, Advance: time.Sleep, Truncate: m.Truncate, Lose: m.Lose})
		})
	})
}

func TestMemoryTellsWhatIsLeft(t *testing.T) {
	m := storetest.NewMemory(time.Now)
	if _, err := m.Start(t.Context(), saga.Start{Created: saga.Created{ID: "t"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(m.Left(), ", "), "dirty t, journal t, open t"; got != want {
		t.Errorf("left: %s, want %s", got, want)
	}
}
