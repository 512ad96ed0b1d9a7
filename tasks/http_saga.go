package tasks

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

//go:embed schemas/http.saga.json
var httpSagaSchema []byte

// HTTPSaga is the type http.saga: a saga over HTTP endpoints, whose steps stand in the request. Each step's output is
// {"status", "headers", "body"}, and the last one's is the task's.
func HTTPSaga(h *HTTP) Type {
	return Type{
		Name: "http.saga",
		Description: "Calls HTTP endpoints one after the other. When one fails for good, those before it are undone " +
			"by calling their undos in reverse order.",
		Access: saga.AccessPrivileged, // it may send any secret anywhere
		Schema: httpSagaSchema,
		Build:  func(in json.RawMessage) (*saga.Workflow, error) { return buildHTTPSaga(h, in) },
		Check:  func(r saga.Request) error { return checkHTTPSaga(h, r.Input) },
	}
}

// httpSaga is the input.
type httpSaga struct {
	Steps []httpStep      `json:"steps"`
	Data  json.RawMessage `json:"data,omitempty"`
}

type httpStep struct {
	Name    string       `json:"name"`
	Do      *httpRequest `json:"do"`
	Undo    *httpRequest `json:"undo,omitempty"`
	Retry   httpRetry    `json:"retry,omitzero"`
	Timeout float64      `json:"timeout,omitempty"` // seconds
	OnError saga.OnError `json:"on_error,omitempty"`
}

type httpRetry struct {
	Attempts     int     `json:"attempts,omitempty"`
	FirstSeconds float64 `json:"first_seconds,omitempty"`
	Factor       float64 `json:"factor,omitempty"`
	MaxSeconds   float64 `json:"max_seconds,omitempty"`
}

// script is the input with its templates parsed.
type script struct {
	steps   []scriptStep
	data    any
	secrets []string // all that the templates name
}

type scriptStep struct {
	httpStep
	do, undo *request // undo is nil when there is none
}

// parseScript reads the input; what is wrong with its parts is in the problems.
func parseScript(in json.RawMessage) (*script, problems) {
	var p problems
	var raw httpSaga
	if err := json.Unmarshal(in, &raw); err != nil {
		p.add("/input", "This cannot be read: %v.", err)
		return nil, p
	}
	data, err := decodeJSON(raw.Data)
	if err != nil {
		p.add(pointer("data"), "This is not JSON: %v.", err)
	}
	s := &script{data: data}
	for i, step := range raw.Steps {
		s.add(&p, pointer("steps", i), step)
	}
	slices.Sort(s.secrets)
	s.secrets = slices.Compact(s.secrets)
	return s, p
}

func (s *script) add(p *problems, at string, raw httpStep) {
	step := scriptStep{httpStep: raw}
	if raw.Do == nil {
		p.add(at+"/do", "This is missing: add it.")
		return
	}
	step.do = raw.Do.parse(p, at+"/do")
	refs := step.do.refs
	if raw.Undo != nil {
		step.undo = raw.Undo.parse(p, at+"/undo")
		refs = slices.Concat(refs, step.undo.refs)
	}
	for _, ref := range refs {
		if ref.root == rootSecrets {
			s.secrets = append(s.secrets, ref.path[0])
		}
	}
	s.steps = append(s.steps, step)
}

func buildHTTPSaga(h *HTTP, in json.RawMessage) (*saga.Workflow, error) {
	s, p := parseScript(in)
	if err := p.err(); err != nil {
		return nil, err
	}
	steps := make([]saga.Step, len(s.steps))
	for i := range s.steps {
		steps[i] = s.steps[i].step(h, s)
	}
	return &saga.Workflow{Name: "http.saga", Version: 1, Root: saga.Sequence(steps...)}, nil
}

// step makes a step of the engine. A do that by HTTP's own rules changes nothing needs no undo.
func (t *scriptStep) step(h *HTTP, s *script) saga.Step {
	step := saga.Step{
		Kind: saga.KindActivity, Name: t.Name, Input: t.input, Timeout: seconds(t.Timeout), OnError: t.OnError,
		Retry: saga.Retry{
			Attempts: t.Retry.Attempts, First: seconds(t.Retry.FirstSeconds), Factor: t.Retry.Factor, Max: seconds(t.Retry.MaxSeconds),
		},
		NoEffect: t.undo == nil && t.do.safe(),
	}
	step.Do = func(ctx context.Context, c saga.Call, input json.RawMessage) (json.RawMessage, error) {
		v, err := h.values(s, input, nil)
		if err != nil {
			return nil, saga.Permanent(saga.Definite(err))
		}
		a, err := h.call(ctx, c, t.do, v, false)
		if err != nil {
			return nil, err
		}
		out, err := a.output(v.secrets)
		return out, saga.Permanent(err)
	}
	if t.undo == nil {
		return step
	}
	step.Undo = func(ctx context.Context, c saga.Call, input, output json.RawMessage) error {
		v, err := h.values(s, input, output)
		if err != nil {
			return saga.Permanent(err)
		}
		_, err = h.call(ctx, c, t.undo, v, output != nil)
		return err
	}
	return step
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// stepInput is what a call is given of the task's state: the outputs of the steps that its templates name. The
// templates are filled in when the call is made, and once only: what an endpoint answered is never read as a template,
// and secrets never are in an input.
type stepInput struct {
	Steps map[string]json.RawMessage `json:"steps,omitempty"`
}

func (t *scriptStep) input(scope saga.Scope) (json.RawMessage, error) {
	in := stepInput{Steps: map[string]json.RawMessage{}}
	refs := t.do.refs
	if t.undo != nil {
		refs = slices.Concat(refs, t.undo.refs)
	}
	for _, ref := range refs {
		if ref.root != rootSteps {
			continue
		}
		if out, ok := scope.Output(ref.step); ok {
			in.Steps[ref.step] = out
		}
	}
	return json.Marshal(in)
}

// values gathers what the templates of a call may name.
func (h *HTTP) values(s *script, input, output json.RawMessage) (*values, error) {
	if h == nil {
		return nil, errors.New("this program was not made to call HTTP endpoints")
	}
	var in stepInput
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, fmt.Errorf("decode the step's input: %w", err)
	}
	v := &values{steps: map[string]any{}, data: s.data, secrets: newKeyring(h.options.Secrets, s.secrets)}
	for name, raw := range in.Steps {
		out, err := decodeJSON(raw)
		if err != nil {
			return nil, fmt.Errorf("decode the output of step %s: %w", name, err)
		}
		v.steps[name] = out
	}
	var err error
	v.do, err = decodeJSON(output)
	return v, err
}
