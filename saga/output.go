package saga

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// output makes the task's output.
func (k *walker) output(root Scope) (json.RawMessage, error) {
	if k.w.Output == nil {
		return k.lastOutput(&k.w.Root, root), nil
	}
	out, err := guard2(func() (json.RawMessage, error) { return k.w.Output(root) })
	switch {
	case err != nil:
	case len(out) > MaxOutput:
		err = fmt.Errorf("it has %d bytes, at most %d are allowed", len(out), MaxOutput)
	case len(out) > 0 && !json.Valid(out):
		err = errors.New("it is not valid JSON")
	}
	return out, err
}

// lastOutput is the output of the step that ran last; containers have none of their own.
func (k *walker) lastOutput(s *Step, sc Scope) json.RawMessage {
	switch s.Kind {
	case KindSequence:
		if n := len(s.Steps); n > 0 {
			return k.lastOutput(&s.Steps[n-1], sc)
		}
	case KindCondition:
		if i, err := strconv.Atoi(string(k.r.Decisions[sc.prefix+s.Name])); err == nil && i >= 0 && i < len(s.Steps) {
			return k.lastOutput(&s.Steps[i], sc)
		}
	case KindActivity, KindChild, KindSignalled:
		out, _ := sc.Output(s.Name)
		return out
	case KindParallel, KindLoop, KindTimer:
	}
	return nil
}
