package tasks

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Those who come while a slow store is asked do not ask it, too.
func TestAFlightIsSharedByAllWhoWaitForIt(t *testing.T) {
	away := errors.New("away")
	for _, fails := range []error{nil, away} {
		synctest.Test(t, func(t *testing.T) {
			var f flight
			var asks, failed atomic.Int32
			var known atomic.Bool
			ask := func() error {
				asks.Add(1)
				time.Sleep(9 * time.Second)
				known.Store(fails == nil)
				return fails
			}
			for range 20 {
				go func() {
					if err := f.do(known.Load, ask); errors.Is(err, away) {
						failed.Add(1)
					}
				}()
			}
			began := time.Now()
			synctest.Wait()
			time.Sleep(9 * time.Second)
			synctest.Wait()
			want := int32(0)
			if fails != nil {
				want = 20
			}
			if asks.Load() != 1 || failed.Load() != want || time.Since(began) != 9*time.Second {
				t.Errorf("%v: asked %d times, %d failed", fails, asks.Load(), failed.Load())
			}
			fails = nil
			if err := f.do(known.Load, ask); err != nil || !known.Load() {
				t.Errorf("who comes later: %v", err)
			}
		})
	}
}
