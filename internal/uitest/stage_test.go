package uitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// stage is where a test says what steps do. A step is called by its path, and its undo by "undo " and that.
type stage struct {
	mu    sync.Mutex
	gates map[string]chan struct{} // steps that wait until they are let go
	plays map[string]func(attempt int) (any, error)
	begun map[string]bool
}

func newStage() *stage {
	return &stage{gates: map[string]chan struct{}{}, plays: map[string]func(int) (any, error){}, begun: map[string]bool{}}
}

// hold makes steps wait.
func (s *stage) hold(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.gates[name] = make(chan struct{})
	}
}

// open lets steps go that wait, or will.
func (s *stage) open(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if gate, held := s.gates[name]; held {
			close(gate)
			delete(s.gates, name)
		}
	}
}

func (s *stage) openAll() {
	s.mu.Lock()
	names := slices.Collect(maps.Keys(s.gates))
	s.mu.Unlock()
	s.open(names...)
}

// play says what a step does.
func (s *stage) play(name string, do func(attempt int) (any, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays[name] = do
}

// gives makes a step succeed with an output.
func (s *stage) gives(name string, output any) {
	s.play(name, func(int) (any, error) { return output, nil })
}

// fails makes a step fail for good.
func (s *stage) fails(name, why string) {
	s.play(name, func(int) (any, error) { return nil, saga.Permanent(errors.New(why)) })
}

// called tells whether a step has been called.
func (s *stage) called(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun[name]
}

func (s *stage) act(ctx context.Context, name string, attempt int) (json.RawMessage, error) {
	s.mu.Lock()
	gate, do := s.gates[name], s.plays[name]
	s.begun[name] = true
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if do == nil {
		return json.Marshal(dict{"step": name})
	}
	output, err := do(attempt)
	if err != nil {
		return nil, err
	}
	return json.Marshal(output)
}

// step is an activity that the stage plays.
func (s *stage) step(name string) saga.Step {
	return saga.Step{
		Kind: saga.KindActivity, Name: name,
		Do: func(ctx context.Context, c saga.Call, _ json.RawMessage) (json.RawMessage, error) {
			return s.act(ctx, c.Path, c.Attempt)
		},
		Undo: func(ctx context.Context, c saga.Call, _, _ json.RawMessage) error {
			_, err := s.act(ctx, "undo "+c.Path, c.Attempt)
			return err
		},
		Timeout: time.Hour, UndoTimeout: time.Hour, // a step that is held stays so, however slow the machine is
		Retry:     saga.Retry{Attempts: 3, First: 50 * time.Millisecond},
		UndoRetry: saga.Retry{Attempts: 2, First: 50 * time.Millisecond},
	}
}

// types are an order of three steps, one of all kinds of steps, a wait for a signal, and a loop over as many items as its input says.
func (s *stage) types() []tasks.Type {
	fixed := func(name string, steps ...saga.Step) tasks.Type {
		return tasks.Type{Name: name, Static: true, Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: name, Version: 1, Root: saga.Sequence(steps...)}, nil
		}}
	}
	careless := s.step("careless")
	careless.OnError = saga.ContinueOnError
	return []tasks.Type{
		fixed("order.place", s.step("reserve"), s.step("charge"), s.step("ship")),
		fixed("order.split", saga.Parallel("both", saga.Sequence(s.step("left"), s.step("left2")), s.step("right")),
			saga.Condition("large", func(saga.Scope) (bool, error) { return false, nil }, s.step("check"), s.step("skip")),
			careless, saga.Child("place", "order.place", func(saga.Scope) (json.RawMessage, error) { return []byte(`{}`), nil }), s.step("end")),
		fixed("order.ask", s.step("reserve"), saga.Signal("paid", "paid", time.Hour), s.step("ship")),
		{Name: "order.many", Build: func(in json.RawMessage) (*saga.Workflow, error) {
			var input struct{ Items int }
			if err := json.Unmarshal(in, &input); err != nil {
				return nil, fmt.Errorf("input: %w", err)
			}
			each := saga.Loop("lines", func(saga.Scope) ([]int, error) { return make([]int, input.Items), nil }, s.step("pack"))
			each.Concurrency = 20
			return &saga.Workflow{Name: "order.many", Version: 1, Root: saga.Sequence(each, s.step("ship"))}, nil
		}},
	}
}
