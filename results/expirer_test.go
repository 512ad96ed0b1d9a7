package results_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/results"
)

// attic has so many old rows, and notes what is asked of it.
type attic struct {
	old   int
	fails int // how many calls fail
	asked []string
	since time.Time
}

func (a *attic) Expire(_ context.Context, before time.Time, limit int) (int, error) {
	a.asked = append(a.asked, fmt.Sprintf("%v: %v old, %d at once", time.Since(a.since), time.Since(before), limit))
	if a.fails > 0 {
		a.fails--
		return 0, errors.New("the store is away")
	}
	n := min(a.old, limit)
	a.old -= n
	return n, nil
}

func TestTheExpirerDeletesInBatchesNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		a := &attic{old: 5, fails: 1, since: time.Now()}
		e := &results.Expirer{
			Store: a, Keep: 90 * 24 * time.Hour, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now,
			Random: func() float64 { return 0.5 }, Every: time.Hour, Rows: 2,
		}
		ctx, stop := context.WithTimeout(t.Context(), 150*time.Minute+time.Second)
		defer stop()
		e.Run(ctx) // after the first round failed, the second comes at its time
		const old = ": 2160h0m0s old, 2 at once"
		want := "1h0m0s" + old + ", 2h0m0s" + old + ", 2h0m0s" + old + ", 2h0m0s" + old
		if got := strings.Join(a.asked, ", "); got != want {
			t.Errorf("asked\n%s\nwant\n%s", got, want)
		}
		for _, line := range []string{"trying again later", "tasks=5 kept_for=2160h0m0s"} {
			if !strings.Contains(log.String(), line) {
				t.Errorf("the log does not say %q: %s", line, &log)
			}
		}
	})
}

func TestExpirersDoNotKeepInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		for _, random := range []float64{0, 0.999} {
			a := &attic{since: time.Now()}
			e := &results.Expirer{Store: a, Log: slog.New(slog.DiscardHandler), Now: time.Now, Random: func() float64 { return random }}
			ctx, stop := context.WithTimeout(t.Context(), 16*time.Minute)
			e.Run(ctx)
			stop()
			asked = append(asked, fmt.Sprint(len(a.asked)))
		}
		if got := strings.Join(asked, " "); got != "3 1" {
			t.Errorf("rounds within 16 minutes: %s, want 3 1", got)
		}
	})
}
