package handlers

import (
	"math"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How many sign-ins may fail at this process: for an address, and in all. What succeeds is given back.
const (
	burstOfOne, everyOfOne = 10, 6 * time.Second
	burstOfAll, everyOfAll = 100, time.Second
	maxAddresses           = 10_000
)

// attempts counts sign-ins that failed, in a token bucket for each address and in one for all.
type attempts struct {
	now func() time.Time

	mu  sync.Mutex
	all bucket
	of  map[string]*bucket
}

// bucket is how much was taken, as of a moment.
type bucket struct {
	taken float64
	at    time.Time
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, of: map[string]*bucket{}}
}

// take counts an attempt, or says when the next one may be made. It counts before the outcome is known, so that many at
// once are not let through; giveBack is for those that succeed.
func (a *attempts) take(address string) (giveBack func(), wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	one := a.bucket(address, now)
	wait = max(one.wait(now, burstOfOne, everyOfOne), a.all.wait(now, burstOfAll, everyOfAll))
	if wait > 0 {
		return nil, wait
	}
	one.taken++
	a.all.taken++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		one.taken = max(0, one.taken-1)
		a.all.taken = max(0, a.all.taken-1)
	}, 0
}

func (a *attempts) bucket(address string, now time.Time) *bucket {
	if b := a.of[address]; b != nil {
		return b
	}
	if len(a.of) >= maxAddresses {
		for address, b := range a.of {
			if b.wait(now, 1, everyOfOne) == 0 && b.taken == 0 { // a new one would be just as full
				delete(a.of, address)
			}
		}
	}
	b := &bucket{at: now}
	a.of[address] = b
	return b
}

// wait lets what has leaked away since the last time, and tells when there is room for one more.
func (b *bucket) wait(now time.Time, burst int, every time.Duration) time.Duration {
	b.taken = max(0, b.taken-float64(now.Sub(b.at))/float64(every))
	b.at = now
	over := b.taken + 1 - float64(burst)
	return time.Duration(math.Ceil(max(0, over) * float64(every)))
}

// addressOf is where a request comes from: the connection's other end or, behind proxies that say so, what the farthest of
// ours was connected to. What is left of that in X-Forwarded-For anybody may have written. Of IPv6 a network counts as one.
func addressOf(r *http.Request, proxies int) string {
	address := r.RemoteAddr
	if port, err := netip.ParseAddrPort(address); err == nil {
		address = port.Addr().String()
	}
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); proxies > 0 && hops[0] != "" {
		if n := len(hops) - proxies; n >= 0 {
			address = strings.TrimSpace(hops[n])
		}
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap()
	if ip.Is6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
