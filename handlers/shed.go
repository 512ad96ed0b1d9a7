package handlers

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
)

// Rate is how many tasks each caller may start at one process. The zero Rate is no limit.
type Rate struct {
	PerSecond float64
	Burst     int // how many at once, after a pause
}

// Load tells whether there is more to do already than can be done.
type Load interface {
	// Overloaded says why no task is accepted at the moment, as a sentence for clients; empty: they are accepted.
	Overloaded() string
}

// unlessOverloaded stands before the routes that start tasks. Whatever brings a task nearer to its end is never refused.
func (a *API) unlessOverloaded(c *gin.Context) {
	if a.load == nil {
		return
	}
	if why := a.load.Overloaded(); why != "" {
		a.problem(c, refuse(overloaded).because("%s", why))
	}
}

// maxBuckets is how many callers are remembered before those are forgotten who have paused.
const maxBuckets = 1024

// rates keeps a token bucket for each caller.
type rates struct {
	limit Rate
	now   func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newRates(limit Rate, now func() time.Time) *rates {
	return &rates{limit: limit, now: now, buckets: map[string]*rate.Limiter{}}
}

// one takes a token of whoever makes the request, for a task that it starts.
func (r *rates) one(ctx context.Context) error {
	_, err := r.upTo(ctx, 1)
	return err
}

// upTo takes as many tokens as there are, up to n, and returns how many it got. With none it returns the refusal.
func (r *rates) upTo(ctx context.Context, n int) (int, error) {
	if r.limit.PerSecond == 0 {
		return n, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	bucket := r.bucket(PrincipalOf(ctx).Name, now)
	tokens := bucket.TokensAt(now)
	if n = min(n, int(tokens)); n == 0 {
		return 0, r.refusal(tokens)
	}
	bucket.AllowN(now, n)
	return n, nil
}

// refusal tells when there is a token again.
func (r *rates) refusal(tokens float64) error {
	seconds := math.Ceil((1 - tokens) / r.limit.PerSecond)
	return refuse(tooMany.after(int(max(seconds, 1))))
}

func (r *rates) bucket(name string, now time.Time) *rate.Limiter {
	if b := r.buckets[name]; b != nil {
		return b
	}
	if len(r.buckets) >= maxBuckets {
		for name, b := range r.buckets {
			if b.TokensAt(now) >= float64(r.limit.Burst) { // a new one would be just as full
				delete(r.buckets, name)
			}
		}
	}
	b := rate.NewLimiter(rate.Limit(r.limit.PerSecond), r.limit.Burst)
	r.buckets[name] = b
	return b
}

// after is the same kind with another Retry-After.
func (k kind) after(seconds int) kind {
	k.retry = strconv.Itoa(seconds)
	return k
}
