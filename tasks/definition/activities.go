package definition

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// effect says what has to be said of an activity's undo.
type effect uint8

const (
	effectNone   effect = iota // it changes nothing
	effectUndone               // the engine undoes it by itself
	effectOpen                 // the definition must say
)

// kindOfActivity is what is known of a type of activity, whoever carries it out.
type kindOfActivity struct {
	effect  effect
	timeout time.Duration
	retry   saga.Retry
	steady  bool // it does not fail for good
}

// activityTypes are the activities that a definition may name, with what holds where it says nothing.
var activityTypes = map[string]kindOfActivity{
	"create_entity":   {effectUndone, 120 * time.Second, saga.Retry{Attempts: 2, Factor: 1.5}, false},
	"update_entity":   {effectUndone, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"delete_entity":   {effectUndone, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"query_entity":    {effectNone, 30 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"send_email":      {effectOpen, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"send_sms":        {effectOpen, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"post_webhook":    {effectOpen, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"call_api":        {effectOpen, 120 * time.Second, saga.Retry{Attempts: 2, Factor: 2}, false},
	"call_stripe":     {effectOpen, 120 * time.Second, saga.Retry{Attempts: 2, Factor: 2}, false},
	"call_openai":     {effectOpen, 120 * time.Second, saga.Retry{Attempts: 2, Factor: 2}, false},
	"update_manifest": {effectOpen, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"trigger_agent":   {effectOpen, 60 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"log_event":       {effectNone, 30 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, true},
	"delay":           {effectNone, 30 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, true},
	"transform_data":  {effectNone, 30 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
	"validate_data":   {effectNone, 30 * time.Second, saga.Retry{Attempts: 3, Factor: 2}, false},
}

// timeout is how long one attempt may take.
func (a *Activity) timeout() time.Duration {
	if a.TimeoutSeconds > 0 {
		return a.TimeoutSeconds.Duration()
	}
	return activityTypes[a.Type].timeout
}

// retry is the policy, with what holds for the type where the definition says nothing.
func (a *Activity) retry() saga.Retry {
	p, usual := a.given(), activityTypes[a.Type].retry
	p.Attempts, p.Factor = cmp.Or(p.Attempts, usual.Attempts), cmp.Or(p.Factor, usual.Factor)
	return p
}

// given is the policy as far as the definition says.
func (a *Activity) given() saga.Retry {
	p := a.RetryPolicy
	first, longest := p.InitialIntervalSeconds.Duration(), p.MaxIntervalSeconds.Duration()
	if longest > 0 && first == 0 {
		first = min(saga.DefaultRetry.First, longest)
	}
	return saga.Retry{Attempts: p.MaxAttempts, Factor: p.BackoffCoefficient, First: first, Max: longest}
}

// pauses is how many seconds the pauses between all attempts take at most.
func (a *Activity) pauses() (sum float64) {
	p := a.retry()
	pause := cmp.Or(p.First, saga.DefaultRetry.First).Seconds()
	longest := max(cmp.Or(p.Max, saga.DefaultRetry.Max).Seconds(), pause)
	for range p.Attempts - 1 {
		sum += min(pause, longest)
		pause *= p.Factor
	}
	return sum
}

// checkActivities holds the types of activities to those that there are.
func (d *Definition) checkActivities(r *report) {
	for i := range d.Steps {
		n := d.steps[d.Steps[i].ID]
		if n.Activity != nil {
			r.knownActivity(n.Activity.Type, n.at+"/activity/type")
		}
		if n.Compensate != nil {
			r.knownActivity(n.Compensate.Type, n.at+"/compensate/type")
		}
	}
}

func (r *report) knownActivity(name, at string) {
	if _, ok := activityTypes[name]; !ok {
		r.errorf(at, "There is no activity %q: write one of %s.", name, strings.Join(slices.Sorted(maps.Keys(activityTypes)), ", "))
	}
}
