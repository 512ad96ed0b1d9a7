package server

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/internal/scale"
)

// mostWorkers bounds OSP_SCALE_MIN and OSP_SCALE_MAX: no platform of ours runs more of one service.
const mostWorkers = 1000

// scale reads how many workers a backlog needs. A worker is meant to have as many deliveries as it carries out at once.
func (l *loader) scale(concurrency int) scale.Rule {
	r := scale.Rule{
		Min:       l.number("OSP_SCALE_MIN", 1, 1, mostWorkers),
		Max:       l.number("OSP_SCALE_MAX", 10, 1, mostWorkers),
		PerWorker: l.number("OSP_SCALE_PER_WORKER", concurrency, 1, 1_000_000),
	}
	if r.Min > r.Max && !l.told("OSP_SCALE_MIN") && !l.told("OSP_SCALE_MAX") {
		l.wrong("OSP_SCALE_MAX", "is less than OSP_SCALE_MIN: set OSP_SCALE_MAX to %d or more (it is %d)", r.Min, r.Max)
	}
	return r
}

// Autoscale is what the role autoscale does.
type Autoscale struct {
	Platform string
	Target   string
	Token    string
	Every    time.Duration
	CoolDown time.Duration
	DryRun   bool
}

// leastEvery keeps the scaler from being cut off by the platform for asking too often.
const leastEvery = time.Second

// autoscale reads what is scaled where. There is no platform by default: guessing it would scale somebody else's workers.
func (l *loader) autoscale() Autoscale {
	a := Autoscale{
		Platform: l.text("OSP_SCALE_DRIVER"),
		Target:   l.text("OSP_SCALE_TARGET"),
		Token:    l.text("OSP_SCALE_TOKEN"),
		Every:    l.duration("OSP_SCALE_EVERY", 15*time.Second),
		CoolDown: l.duration("OSP_SCALE_COOLDOWN", 5*time.Minute),
		DryRun:   l.flag("OSP_SCALE_DRY_RUN"),
	}
	if a.Every < leastEvery {
		l.wrong("OSP_SCALE_EVERY", "is %v: set it to 1s or more, such as 15s", a.Every)
	}
	if strings.ContainsAny(a.Token, " \r\n\t") {
		l.wrong("OSP_SCALE_TOKEN", "has white space in it: copy the token alone")
	}
	if a.Token == "" {
		l.wrong("OSP_SCALE_TOKEN", "is not set: make a token of the platform, and set this or OSP_SCALE_TOKEN_FILE")
	}
	if _, ok := scale.Platforms[a.Platform]; !ok {
		l.wrong("OSP_SCALE_DRIVER", "is %q: set it to %s", a.Platform, strings.Join(slices.Sorted(maps.Keys(scale.Platforms)), " or "))
		return a
	}
	if _, err := scale.Open(scale.Settings{Platform: a.Platform, Target: a.Target}); err != nil {
		l.wrong("OSP_SCALE_TARGET", "is wrong: %v", err)
	}
	return a
}
