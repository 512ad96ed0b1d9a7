package main

import "time"

// orphan is a call of the bank that was under way when its worker was killed.
type orphan struct {
	key    string
	killed time.Duration
}

// takeOvers tells how long after a kill -9 of their worker those do calls came again that had been under way. What never came
// again had had its effect or was cancelled: it was carried on in another way.
func takeOvers(events []event) []time.Duration {
	var all []time.Duration
	under := map[string]map[int64]event{} // by worker
	orphans := map[string]orphan{}        // by key
	for _, e := range events {
		switch {
		case e.What == seenArrived && !e.Undo:
			if o, ok := orphans[e.Key]; ok {
				all = append(all, e.At-o.killed)
				delete(orphans, e.Key)
			}
			if under[e.Target] == nil {
				under[e.Target] = map[int64]event{}
			}
			under[e.Target][e.Call] = e
		case e.What == seenLeft:
			delete(under[e.Target], e.Call)
		case e.What == seenFault && e.Step == string(faultKill):
			for _, call := range under[e.Target] {
				orphans[call.Key] = orphan{call.Key, e.At}
			}
			delete(under, e.Target)
		}
	}
	return all
}
