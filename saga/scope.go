package saga

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Scope is what a step can see: the task, the outputs of earlier steps, and the item of the loop it is in.
type Scope struct {
	record *Record
	prefix string // of the innermost loop's iteration: "loop[3]/"
	item   json.RawMessage
	index  int
}

// Task returns what is fixed about the task.
func (s Scope) Task() Created { return s.record.Created }

// CreatedAt is when the task was accepted, by the journal's clock.
func (s Scope) CreatedAt() time.Time { return s.record.CreatedAt }

// Index is the number of the loop's iteration, from 0.
func (s Scope) Index() int { return s.index }

// Item is the loop's item, as JSON.
func (s Scope) Item() json.RawMessage { return s.item }

// Output returns the output of an earlier step; in a loop, of the same iteration if it is there.
func (s Scope) Output(name string) (json.RawMessage, bool) {
	for prefix := s.prefix; ; prefix = outer(prefix) {
		if step := s.record.Step(prefix + name); step != nil && step.Do.State == AttemptDone {
			return step.Output, true
		}
		if prefix == "" {
			return nil, false
		}
	}
}

// outer drops the innermost iteration of a prefix: "a[1]/b[2]/" gives "a[1]/".
func outer(prefix string) string {
	return prefix[:strings.LastIndexByte(strings.TrimSuffix(prefix, "/"), '/')+1]
}

// InputOf decodes the task's input.
func InputOf[T any](s Scope) (T, error) { return decode[T]("the task's input", s.record.Created.Input) }

// ItemOf decodes the loop's item.
func ItemOf[T any](s Scope) (T, error) { return decode[T]("the loop's item", s.item) }

// OutputOf decodes the output of an earlier step.
func OutputOf[T any](s Scope, name string) (T, error) {
	raw, ok := s.Output(name)
	if !ok {
		var none T
		return none, fmt.Errorf("step %s has no output", name)
	}
	return decode[T]("the output of step "+name, raw)
}

// OutputsOf decodes the outputs of a step inside a loop, one for each iteration that has one.
func OutputsOf[T any](s Scope, loop, name string) ([]T, error) {
	var list []T
	for i := range s.record.Iterations(s.prefix + loop) {
		step := s.record.Step(iteration(s.prefix+loop, i) + name)
		if step == nil || step.Do.State != AttemptDone {
			continue
		}
		v, err := decode[T]("the output of step "+step.Path, step.Output)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func iteration(loopPath string, i int) string { return fmt.Sprintf("%s[%d]/", loopPath, i) }
