package definition

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

// typeDelay is what an activity of type delay is to the engine: a timer, which holds no worker however long it is.
const typeDelay = "delay"

// delaySeconds is the param that says how long it is.
const delaySeconds = "seconds"

// kind is the type of a step; an activity that is a delay is a kind of its own, with no output. In a compensation it is an
// activity like any other, for an undo is one call.
func (n *node) kind() string {
	if n.Type == typeActivity && n.Activity.Type == typeDelay && !n.compensates {
		return typeDelay
	}
	return n.Type
}

func (b *builder) delay(n *node) func(saga.Scope) (time.Duration, error) {
	return func(s saga.Scope) (time.Duration, error) {
		v, err := n.params.give(b.d.bind(s, n))
		if err != nil {
			return 0, err
		}
		given, _ := v.(map[string]any) // params are an object
		return timer(given[delaySeconds])
	}
}
