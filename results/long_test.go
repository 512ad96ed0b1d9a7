//go:build long

package results_test

import (
	"testing"
	"time"
)

// What takes minutes: `make test-long`.

func TestTheStoreIsAwayForAMinute(t *testing.T) { newPlant(t).away(200, time.Minute, 95) }

func TestTheStoreIsAwayForFiveMinutes(t *testing.T) { newPlant(t).away(200, 5*time.Minute, 95) }
