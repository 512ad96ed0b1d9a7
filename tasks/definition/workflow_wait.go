package definition

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// loop makes a loop, whose items carry those of the loops around it.
func (b *builder) loop(n *node, body saga.Step) saga.Step {
	return saga.Step{
		Kind: saga.KindLoop, Name: n.ID, Steps: []saga.Step{body}, Concurrency: max(1, n.Loop.Concurrency),
		Items: func(s saga.Scope) ([]json.RawMessage, error) {
			bound := b.d.bind(s, n)
			v, err := n.items.give(bound)
			if err != nil {
				return nil, err
			}
			given, ok := v.([]any)
			switch {
			case !ok:
				return nil, fmt.Errorf("its collection is %s: it must be a list", sentence.Value(v))
			case len(given) > n.Loop.limit():
				return nil, fmt.Errorf("its collection has %d items: at most %d are allowed (max_items)", len(given), n.Loop.limit())
			}
			outer, err := bound.loopItems()
			if err != nil {
				return nil, err
			}
			return encodeItems(n, given, outer)
		},
	}
}

func encodeItems(n *node, given []any, outer map[string]any) ([]json.RawMessage, error) {
	items := make([]json.RawMessage, len(given))
	for i, item := range given {
		if n.loop != nil {
			all := map[string]any{n.Loop.ItemVariable: item}
			maps.Copy(all, outer)
			item = all
		}
		var err error
		if items[i], err = marshal(item); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return items, nil
}

// signal waits for a signal. Where a timeout has steps of its own the wait does not fail the task.
func (b *builder) signal(n *node, timeout saga.Step) []saga.Step {
	wait := saga.Signal(n.ID, n.Wait.SignalName, n.Wait.TimeoutSeconds.wait())
	if n.Wait.TimeoutSteps == nil {
		return []saga.Step{wait}
	}
	wait.OnError = saga.ContinueOnError
	return []saga.Step{wait, choice(n.ID+absentSuffix, func(s saga.Scope) (int, error) {
		if _, came := s.Output(n.ID); came {
			return -1, nil
		}
		return 0, nil
	}, timeout)}
}

// longest is how long one attempt at a compensation may take: each of its activities, one after the other.
func longest(all []*undoing) (sum time.Duration) {
	for _, u := range all {
		sum += u.activity.timeout()
	}
	return sum
}
