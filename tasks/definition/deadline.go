package definition

import (
	"encoding/json"
	"math"
	"time"
)

// defaultDeadline is how long a task may take besides its declared waits, where the definition says nothing.
const defaultDeadline = time.Hour

// span is what steps take at most, in seconds: as floating-point numbers, for nested loops are longer than any Duration.
type span struct {
	once    float64 // every activity tried once
	retries float64 // what further attempts and the pauses between them add
	waits   float64 // declared waits
	endless bool    // a wait of which nobody knows how long it is
}

func (a span) plus(b span) span {
	return span{a.once + b.once, a.retries + b.retries, a.waits + b.waits, a.endless || b.endless}
}

func (a span) times(n float64) span { return span{a.once * n, a.retries * n, a.waits * n, a.endless} }

func (a span) total() float64 { return a.once + a.retries + a.waits }

// longer is the longer of two spans; what is unknown in either stays unknown.
func longer(a, b span) span {
	endless := a.endless || b.endless
	if b.total() > a.total() {
		a = b
	}
	a.endless = endless
	return a
}

// lasts shows seconds as a duration; what is beyond a century is as good as one.
func lasts(seconds float64) time.Duration {
	return time.Duration(min(seconds, 100*365*24*3600) * float64(time.Second)).Round(time.Millisecond)
}

// addUp holds the sum of the timeouts along the longest way to the deadline.
func (d *Definition) addUp(r *report) {
	sum := d.along(d.main)
	limit, at := float64(d.TimeoutSeconds), "/timeout_seconds"
	if limit == 0 {
		limit, at = defaultDeadline.Seconds()+sum.waits, "/steps"
	}
	d.deadline = max(lasts(limit), shortest)
	switch least := sum.once + sum.waits; {
	case least > limit:
		r.refusef(at, "The timeouts add up to %v along the longest way (%v for one attempt at each activity, %v for waits), "+
			"and the whole task may take %v: raise timeout_seconds, or shorten the steps.",
			lasts(least), lasts(sum.once), lasts(sum.waits), d.deadline)
	case sum.total() > limit:
		r.warnf(at, "With all attempts the longest way takes up to %v (%v for one attempt at each activity, %v for retries, %v for waits), "+
			"and the whole task may take %v: it would be compensated then.",
			lasts(sum.total()), lasts(sum.once), lasts(sum.retries), lasts(sum.waits), d.deadline)
	case sum.endless:
		r.warnf(at, "A wait says nothing of how long it lasts: the task is compensated %v after its start, however far it is then.", d.deadline)
	}
}

// along is what steps take one after the other.
func (d *Definition) along(nodes []*node) (sum span) {
	for _, n := range nodes {
		sum = sum.plus(d.takes(n))
	}
	return sum
}

// takes is how long one step takes at most.
func (d *Definition) takes(n *node) span {
	if n.Type == typeHuman {
		return d.takesHuman(n)
	}
	var inner span
	for _, l := range n.lists {
		inner = longer(inner, d.along(l))
	}
	switch n.kind() {
	case typeActivity:
		once := n.Activity.timeout().Seconds()
		return span{once: once, retries: once*float64(n.Activity.retry().Attempts-1) + n.Activity.pauses()}
	case typeLoop: // where nobody has declared how many items there are, one is counted
		return inner.times(math.Ceil(float64(max(1, n.Loop.MaxItems)) / float64(max(1, n.Loop.Concurrency))))
	case typeSignal:
		return span{waits: float64(n.Wait.TimeoutSeconds), endless: n.Wait.TimeoutSeconds == 0}.plus(inner)
	case typeTimer:
		return pause(n.WaitTimer.Seconds)
	case typeDelay:
		return pause(n.Activity.Params[delaySeconds])
	}
	return inner
}

// pause is a wait of so many seconds, which only an expression may know.
func pause(given any) span {
	seconds, known := given.(json.Number)
	waits, err := seconds.Float64()
	return span{waits: waits, endless: !known || err != nil}
}
