package main

import (
	"slices"
	"testing"
	"time"
)

var parties = targets{processes: []string{"worker-1", "api-1"}, links: []string{"a", "b", "c"}}

func TestTheScheduleFollowsFromTheSeed(t *testing.T) {
	one := schedule(7, 10*time.Minute, parties, 1, "")
	if again := schedule(7, 10*time.Minute, parties, 1, ""); !slices.Equal(one, again) {
		t.Error("the same seed gave another schedule")
	}
	if other := schedule(8, 10*time.Minute, parties, 1, ""); slices.Equal(one, other) {
		t.Error("another seed gave the same schedule")
	}
}

func TestOneKindAloneComesWhenItWouldComeAmongAll(t *testing.T) {
	var kills []fault
	for _, f := range schedule(7, 10*time.Minute, parties, 1, "") {
		if f.Kind == faultKill {
			kills = append(kills, f)
		}
	}
	if alone := schedule(7, 10*time.Minute, parties, 1, faultKill); !slices.Equal(alone, kills) {
		t.Errorf("%d kills alone, %d among all", len(alone), len(kills))
	}
}

func TestALongerScheduleBeginsLikeAShorterOne(t *testing.T) {
	const lasts = 2 * time.Minute
	short, long := schedule(7, lasts, parties, 1, ""), schedule(7, time.Hour, parties, 1, "")
	for i, f := range short {
		long[i].Lasts = min(long[i].Lasts, lasts-f.At) // what is still there at the end is mended then
		if f != long[i] {
			t.Fatalf("fault %d is %v in one and %v in the other", i, f, long[i])
		}
	}
}

func TestAnHourHasFiveHundredKillsAndEveryFault(t *testing.T) {
	for seed := range uint64(20) {
		did := map[faultKind]int{}
		for _, f := range schedule(seed, time.Hour, parties, 1, "") {
			did[f.Kind]++
			if f.At < 0 || f.At+f.Lasts > time.Hour || !slices.Contains(parties.of(f.Kind), f.Target) {
				t.Errorf("seed %d: %v at %v", seed, f, f.At)
			}
		}
		if did[faultKill] < 550 {
			t.Errorf("seed %d: %d kills", seed, did[faultKill])
		}
		for _, l := range lanes {
			if did[l.kind] < 40 {
				t.Errorf("seed %d: %d times %s", seed, did[l.kind], l.kind)
			}
		}
	}
}
