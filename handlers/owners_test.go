package handlers

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestThatAServiceIsMineIsBelievedForAMinute(t *testing.T) {
	now := noon
	services := &owners{of: map[string]string{"shop_1": alice}}
	cache := newOwnerCache(services, func() time.Time { return now })
	for _, c := range []struct {
		what          string
		after         time.Duration
		user, service string
		owns          bool
		asked         int
	}{
		{"the first time it is asked", 0, alice, "shop_1", true, 1},
		{"then it is known", 59 * time.Second, alice, "shop_1", true, 0},
		{"and asked again after a minute", time.Second, alice, "shop_1", true, 1},
		{"another user is asked about", 0, bob, "shop_1", false, 1},
		{"each time", 0, bob, "shop_1", false, 1},
		{"and so is a service that is not there", 0, alice, "shop_2", false, 1},
		{"each time, too", 0, alice, "shop_2", false, 1},
		{"what cannot be a service is not asked about", 0, alice, "no/service", false, 0},
	} {
		now, services.asked = now.Add(c.after), 0
		owns, err := cache.owns(t.Context(), c.user, c.service)
		if err != nil || owns != c.owns || services.asked != c.asked {
			t.Errorf("%s: %t, %v, asked %d times", c.what, owns, err, services.asked)
		}
	}
}

func TestWhatCouldNotBeToldIsNotKept(t *testing.T) {
	services := &owners{of: map[string]string{"shop_1": alice}, err: errors.New("away")}
	cache := newOwnerCache(services, func() time.Time { return noon })
	if owns, err := cache.owns(t.Context(), alice, "shop_1"); owns || err == nil {
		t.Errorf("got %t, %v", owns, err)
	}
	services.err = nil
	if owns, err := cache.owns(t.Context(), alice, "shop_1"); !owns || err != nil {
		t.Errorf("got %t, %v", owns, err)
	}
}

func TestTheMemoryOfOwnersIsBounded(t *testing.T) {
	services := &owners{of: map[string]string{}}
	cache := newOwnerCache(services, func() time.Time { return noon })
	for i := range 2*maxOwners + 5 {
		name := fmt.Sprintf("shop_%d", i)
		services.of[name] = alice
		if owns, err := cache.owns(t.Context(), alice, name); !owns || err != nil {
			t.Fatal(owns, err)
		}
		if n := len(cache.until); n > maxOwners {
			t.Fatalf("%d are kept", n)
		}
	}
}
